// Central access: the control plane's own rights, for a reason that is on record before the first statement.
import type { CentralDatabase, Sql } from '../engine/sql/database.ts'
import { TenantryError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'

/** Sees the rows of all tenants. It dies with the callback that got it. */
export interface CentralScope extends Sql {
  transaction<T>(run: (tx: Sql) => Promise<T>): Promise<T>
}

const RECORD = `insert into tenantry.audit_entry (id, actor, action, reason) values ($1, $2, 'central.entered', $3)`

/** Runs a callback with central access. REASON_REQUIRED where no reason is given. */
export async function centralScope<T>(
  database: CentralDatabase,
  reason: string,
  run: (central: CentralScope) => Promise<T>,
): Promise<T> {
  await database.query(RECORD, [newId(), 'library', requiredReason(reason)])
  return withCentralHandle(database, run)
}

/** The reason, trimmed. Throws REASON_REQUIRED where there is none. */
export function requiredReason(reason: string): string {
  if (typeof reason === 'string' && reason.trim() !== '') return reason.trim()
  throw new TenantryError('REASON_REQUIRED', 'asCentral was called without a reason.')
}

/** Lends a callback a handle that dies with it. */
export async function withCentralHandle<T>(
  database: CentralScope,
  run: (central: CentralScope) => Promise<T>,
): Promise<T> {
  let isOpen = true
  const open = (): CentralScope => {
    if (isOpen) return database
    throw new TenantryError('TRANSACTION_ENDED', 'A central handle was used after its callback had ended.')
  }
  try {
    return await run({
      query: async (text, values) => open().query(text, values),
      transaction: async (callback) => open().transaction(callback),
    })
  } finally {
    isOpen = false
  }
}
