// Rows that point at a row of another tenant: no key that carries the tenant can hold for them.
import { TenantryError } from '../../../kernel/errors.ts'
import { quoteIdentifier } from '../../../kernel/identifiers.ts'
import type { StageContext } from './context.ts'
import { plannedKeys } from './keys.ts'

/** Throws ADOPT_ORPHANS naming the tables whose foreign keys cross tenants, and how many rows do. */
export async function refuseDisagreement(context: StageContext): Promise<void> {
  const { session } = context
  const keys = await plannedKeys(context, session.sql)
  const found: string[] = []
  for (const { child, parent, childColumns, parentColumns } of keys) {
    const on = childColumns.map(
      (column, at) => `c.${quoteIdentifier(column)} = p.${quoteIdentifier(parentColumns[at] ?? '')}`,
    )
    const rows = await session.read<{ rows: string }>(
      `select count(*) as rows from ${child} c join ${parent} p on ${on.join(' and ')} where c.tenant_id <> p.tenant_id`,
    )
    const count = Number(rows[0]?.rows ?? 0)
    if (count > 0) found.push(`${count} rows of ${child} (${childColumns.join(', ')})`)
  }
  if (found.length === 0) return
  throw new TenantryError('ADOPT_ORPHANS', `Two ways lead to different tenants: ${found.join('; ')}.`, {
    fix: 'Mend those rows so that both ways lead to one tenant, or decide in a new plan that one of the tables is global.',
  })
}
