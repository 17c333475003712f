// Every change of a tenant happens in one transaction that holds its row of the registry. A row lock, not an advisory
// one: tenants can take advisory locks, too.
import type { Sql } from '../engine/sql/database.ts'
import { sqlStateOf } from '../engine/sql/database-errors.ts'
import { TenantryError } from '../kernel/errors.ts'
import type { TenantsOptions } from './options.ts'
import { type TenantRecord, type TenantRow, tenantColumns, toRecord } from './record.ts'
import { type TenantKey, tenantNotFound } from './reference.ts'

const DEFAULT_LOCK_TIMEOUT_MS = 10_000
const LOCK_NOT_AVAILABLE = '55P03'

/**
 * Runs a function in a transaction that holds the tenant's row, as that row is now.
 * Throws TENANT_NOT_FOUND, or TENANT_BUSY where another transaction holds the row for too long.
 */
export function inTenantTransaction<T>(
  options: Pick<TenantsOptions, 'database' | 'lockTimeoutMs'>,
  key: TenantKey,
  run: (tx: Sql, tenant: TenantRecord) => Promise<T>,
): Promise<T> {
  return options.database.transaction(async (tx) => {
    const tenant = await lockTenant(tx, key, options.lockTimeoutMs)
    if (tenant === undefined) throw tenantNotFound(key)
    return run(tx, tenant)
  })
}

/** Locks the tenant's row for this transaction; undefined where there is none. Throws TENANT_BUSY. */
export async function lockTenant(
  tx: Sql,
  key: TenantKey,
  timeoutMs = DEFAULT_LOCK_TIMEOUT_MS,
): Promise<TenantRecord | undefined> {
  try {
    const [, { rows }] = await Promise.all([
      tx.query(`set local lock_timeout = ${timeoutMs}`),
      tx.query<TenantRow>(`select ${tenantColumns} from tenantry.tenant where ${key.column} = $1 for update`, [
        key.value,
      ]),
    ])
    return rows[0] === undefined ? undefined : toRecord(rows[0])
  } catch (error) {
    if (sqlStateOf(error) !== LOCK_NOT_AVAILABLE) throw error
    throw new TenantryError('TENANT_BUSY', `Another operation holds the tenant with the ${key.column} ${key.value}.`, {
      cause: error,
      sqlState: LOCK_NOT_AVAILABLE,
    })
  }
}
