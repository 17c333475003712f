// The one session that applies a plan: its transactions are short, wait for no lock for long, and are tried again.
import type { CentralDatabase, Sql } from '../../../engine/sql/database.ts'
import { sqlStateOf } from '../../../engine/sql/database-errors.ts'
import { isTenantryError, TenantryError } from '../../../kernel/errors.ts'
import { quoteLiteral } from '../../../kernel/identifiers.ts'

export interface SessionOptions {
  /** One connection, used for nothing else. */
  readonly database: CentralDatabase
  readonly adoptionId: string
  /** How long one attempt waits for a lock, in milliseconds. */
  readonly lockTimeoutMs: number
  /** How long attempts are repeated, in milliseconds. */
  readonly lockWaitMs: number
  readonly signal: AbortSignal | undefined
}

const LOCK_NOT_AVAILABLE = '55P03'
const DEADLOCK = '40P01'
const PAUSE_MS = 100

export class AdoptSession {
  readonly #options: SessionOptions

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /** Runs a transaction, with these settings; once more whenever a lock was not to be had, or the connection was lost. */
  transaction<T>(subject: string, run: (tx: Sql) => Promise<T>, settings = ''): Promise<T> {
    const { database, lockTimeoutMs } = this.#options
    const begin = `set local lock_timeout = ${lockTimeoutMs}; set local search_path = public, pg_temp; ${settings}`
    return this.#again(subject, () =>
      database.transaction(async (tx) => {
        await this.#claim(tx, begin)
        return run(tx)
      }),
    )
  }

  /** Runs a statement that no transaction may hold, such as CREATE INDEX CONCURRENTLY. `before` clears what is left of an earlier attempt. */
  outside(subject: string, statement: string, before: () => Promise<boolean>): Promise<void> {
    const { database, lockTimeoutMs } = this.#options
    return this.#again(subject, async () => {
      await this.#claim(database)
      if (await before()) return
      await database.query(`set lock_timeout = ${lockTimeoutMs}`)
      await database.query(statement)
    })
  }

  /** Reads outside of any transaction. */
  read<R extends object>(text: string, values?: readonly unknown[]): Promise<readonly R[]> {
    return this.#again('the catalogue', async () => (await this.#options.database.query<R>(text, values)).rows)
  }

  get sql(): Sql {
    return this.#options.database
  }

  get signal(): AbortSignal | undefined {
    return this.#options.signal
  }

  // One text, and so one round trip, with what goes before it.
  async #claim(sql: Sql, before = ''): Promise<void> {
    const claim = `select tenantry.claim_adoption(${quoteLiteral(this.#options.adoptionId)}) as ours`
    const { rows } = await sql.query<{ ours: boolean }>(`${before}${before === '' ? '' : '; '}${claim}`)
    if (rows[0]?.ours === true) return
    throw new TenantryError('MIGRATION_RUNNING', 'Another session is applying or reverting this plan.', {
      fix: 'Wait until it has ended; `tenantry adopt status` shows how far it is.',
    })
  }

  async #again<T>(subject: string, run: () => Promise<T>): Promise<T> {
    const until = performance.now() + this.#options.lockWaitMs
    for (;;) {
      this.#options.signal?.throwIfAborted()
      try {
        return await run()
      } catch (error) {
        if (!isPassing(error)) throw error
        if (performance.now() >= until) throw lockError(subject, error)
        await pause(PAUSE_MS, this.#options.signal)
      }
    }
  }
}

function isPassing(error: unknown): boolean {
  const state = sqlStateOf(error)
  if (state === LOCK_NOT_AVAILABLE || state === DEADLOCK) return true
  // A killed run's session lives on for as long as its last statement takes.
  return isTenantryError(error, 'DATABASE_UNAVAILABLE') || isTenantryError(error, 'MIGRATION_RUNNING')
}

function lockError(subject: string, error: unknown): unknown {
  if (error instanceof TenantryError) return error
  const sqlState = sqlStateOf(error)
  return new TenantryError('LOCK_NOT_TAKEN', `${subject}: a lock was not to be had; nothing of this step was done.`, {
    cause: error,
    ...(sqlState === undefined ? {} : { sqlState }),
  })
}

/** Waits, or throws the signal's reason. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal?.addEventListener('abort', end)
  })
  signal?.throwIfAborted()
}
