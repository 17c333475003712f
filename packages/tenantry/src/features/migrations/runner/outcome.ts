// What the failure of a tenant's migration means for the run: to try again later, to stop, or to write down. Pure.
import { sqlStateOf } from '../../../engine/sql/database-errors.ts'
import { isTenantryError, TenantryError } from '../../../kernel/errors.ts'
import type { MigrationFailure } from '../fleet.ts'

/** `locked`: somebody holds a lock. `away`: no answer from the server. `lost`: another process has the run. */
export type FailureKind = 'locked' | 'away' | 'lost' | 'full' | 'failed'

// lock_not_available, deadlock_detected, serialization_failure
const lockStates = new Set(['55P03', '40P01', '40001'])
// out_of_memory of the table of locks
const FULL = '53200'

export function kindOf(error: unknown): FailureKind {
  if (isTenantryError(error, 'MIGRATION_RUNNING')) return 'lost'
  if (isTenantryError(error, 'DATABASE_UNAVAILABLE')) return 'away'
  const sqlState = stateOf(error)
  if (sqlState === FULL) return 'full'
  return sqlState !== undefined && lockStates.has(sqlState) ? 'locked' : 'failed'
}

function stateOf(error: unknown): string | undefined {
  return error instanceof TenantryError ? error.sqlState : sqlStateOf(error)
}

export type Cause = Pick<MigrationFailure, 'code' | 'sqlState' | 'migration' | 'message'>

const FILE = /^(?:The migration |)(\d{4}_[\w-]+\.\w+|[\w.-]+)(?:, line \d+|) failed \(SQLSTATE/

/** What to write down of an error: never a value. */
export function causeOf(error: unknown): Cause {
  const sqlState = stateOf(error) ?? null
  if (error instanceof TenantryError) {
    const migration = FILE.exec(error.message)?.[1] ?? null
    return { code: error.code, sqlState, migration, message: error.message }
  }
  return { code: 'MIGRATION_FAILED', sqlState, migration: null, message: `It failed (SQLSTATE ${sqlState ?? 'none'}).` }
}

export const lockedCause = (attempts: number): Cause => ({
  code: 'LOCK_NOT_TAKEN',
  sqlState: '55P03',
  migration: null,
  message: `A lock was held by another session each of the ${attempts} times that it was tried.`,
})
