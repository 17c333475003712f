// Transactions that wait for a lock only so long, and are tried again: whoever waits for a table's lock holds up all who
// come after.
import { setTimeout as sleep } from 'node:timers/promises'
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import { sqlStateOf } from '../../engine/sql/database-errors.ts'
import { TenantryError } from '../../kernel/errors.ts'

export interface LockPatience {
  readonly lockTimeoutMs: number
  readonly lockRetries: number
  readonly signal?: AbortSignal | undefined
}

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 5_000
const LOCK_NOT_AVAILABLE = '55P03'
const DEADLOCK = '40P01'

/** Runs a transaction that waits for locks as long as it is told. Throws LOCK_NOT_TAKEN, naming what it was for. */
export async function withLockRetries<T>(
  database: CentralDatabase,
  { lockTimeoutMs, lockRetries, signal, what }: LockPatience & { readonly what: string },
  run: (tx: Sql) => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await database.transaction(async (tx) => {
        await tx.query(`set local lock_timeout = ${Math.max(1, Math.round(lockTimeoutMs))}`)
        return run(tx)
      })
    } catch (error) {
      const state = sqlStateOf(error)
      if (error instanceof TenantryError || (state !== LOCK_NOT_AVAILABLE && state !== DEADLOCK)) throw error
      if (attempt >= lockRetries) {
        const message = `Another session holds a lock that ${what} needs; tried ${attempt + 1} times.`
        throw new TenantryError('LOCK_NOT_TAKEN', message, { cause: error, sqlState: state })
      }
      await sleep(
        Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt),
        undefined,
        signal === undefined ? {} : { signal },
      )
    }
  }
}
