// Judges shared tables: which no policy can protect, and through which keys tenants reach each other.
import { type FileRemark, remark, type SqlFile } from './sql-file.ts'
import { type Key, readTables, type Reference, type SharedTable, TENANT_COLUMN } from './tables.ts'

export function tableRemarks(files: readonly SqlFile[]): readonly FileRemark[] {
  const tables = readTables(files)
  return [...tables.values()].flatMap((table) => {
    if (table.global === 'yes') return []
    if (!table.hasTenant) return [unprotected(table)]
    const keys = table.keys.filter((key) => crosses(key, table)).map((key) => keyRemark(key, table))
    const references = table.references.filter((reference) => reaches(reference, tables))
    return [...keys, ...references.map((reference) => referenceRemark(reference, table))]
  })
}

function unprotected(table: SharedTable): FileRemark {
  const why =
    table.global === 'without reason' ? 'is declared global without a reason' : `has no column ${TENANT_COLUMN}`
  return remark('unprotected-table', `The shared table ${table.name} ${why}.`, table)
}

// Generated keys and UUIDs never collide between tenants, so as primary keys they tell nothing worth knowing.
function crosses({ kind, columns }: Key, { generated }: SharedTable): boolean {
  if (columns.includes(TENANT_COLUMN)) return false
  return kind === 'unique' || !columns.every((column) => generated.has(column))
}

function keyRemark(key: Key, table: SharedTable): FileRemark {
  const name = key.kind === 'primary' ? 'primary key' : 'unique key'
  return remark('key-without-tenant', `A ${name} of ${table.name} lacks ${TENANT_COLUMN}.`, key)
}

function reaches({ columns, target }: Reference, tables: ReadonlyMap<string, SharedTable>): boolean {
  return !columns.includes(TENANT_COLUMN) && tables.get(target)?.global !== 'yes'
}

function referenceRemark(reference: Reference, table: SharedTable): FileRemark {
  const message = `A foreign key from ${table.name} to ${reference.target} lacks ${TENANT_COLUMN}.`
  return remark('reference-without-tenant', message, reference)
}
