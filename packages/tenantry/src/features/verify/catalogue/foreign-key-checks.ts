// Foreign keys between protected tables: each has to carry the tenant, because referential checks see every row.
import type { Check } from '../../../control/admin-requirements.ts'
import { type ForeignKey, readTenantlessKeys, tenantKeyStatements } from '../../../engine/isolation/foreign-keys.ts'
import type { Sql } from '../../../engine/sql/database.ts'
import { quoteIdentifier } from '../../../kernel/identifiers.ts'

export const FOREIGN_KEYS = 'foreign keys between protected tables carry tenant_id'

export async function checkForeignKeys(sql: Sql): Promise<readonly Check[]> {
  const keys = await readTenantlessKeys(sql)
  if (keys.length === 0) return [{ name: FOREIGN_KEYS, ok: true, subject: 'all foreign keys' }]
  return keys.map((key) => ({
    name: FOREIGN_KEYS,
    ok: false,
    subject: `${quoteIdentifier(key.name)} on ${key.child}`,
    fix: `${tenantKeyStatements(key).join('; ')};${ownerNote(key)}`,
  }))
}

const ownerNote = ({ stranger }: ForeignKey) =>
  stranger === null ? '' : ` -- as ${quoteIdentifier(stranger)}, its owner`
