// The attacker's connection: the application's own login, over the engine's real flushes and preludes. Everything
// happens inside transactions that are rolled back, each attack behind a savepoint of its own.
import { sqlStateOf, toConnectError } from '../../../engine/sql/database-errors.ts'
import { sendFlight } from '../../../engine/sql/flight.ts'
import type { PoolConfig, QueryResult } from '../../../engine/sql/pg.ts'
import type { Prelude } from '../../../engine/sql/prelude.ts'
import type { ScopedClient, ScopedClientConfig } from '../../../engine/sql/scoped-client.ts'
import { connectShared } from '../../../engine/sql/scoped-pool.ts'
import type { Flight } from '../../../engine/sql/scoped-query.ts'
import { isTenantryError } from '../../../kernel/errors.ts'

/** What an attack came to: rows, or the SQLSTATE that refused it. */
export interface Outcome {
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  readonly rowCount: number
  /** Rows that the first statement of several touched. */
  readonly began?: number
  /** SQLSTATE; undefined where the statement succeeded. */
  readonly refused?: string
  /** The server's C function that raised the error; tells a routing error from a policy. */
  readonly routine?: string
}

export interface Attempt {
  /** Context, role and path to run under; undefined for the bare login, or whatever the statement before left. */
  readonly as?: Prelude | undefined
  readonly text: string
  readonly values?: readonly unknown[]
  /** Name of a statement prepared on the server. */
  readonly statementName?: string
}

// An attack that waits is an attack that met a lock: production must not wait for it, nor it for production.
// Generic plans, because those are what tenants share.
const LIMITS = [
  "set local lock_timeout = '500ms'",
  "set local statement_timeout = '5s'",
  'set local plan_cache_mode = force_generic_plan',
]
const SAVEPOINT = 'savepoint tenantry_probe'
const BACK = 'rollback to savepoint tenantry_probe'
const ANSWER_LIMIT_MS = 15_000

export class ProbeSession {
  readonly #client: ScopedClient

  private constructor(client: ScopedClient) {
    this.#client = client
  }

  /** Connects as the scoped login. Throws DATABASE_UNAVAILABLE and DATABASE_AUTH_FAILED. */
  static async open(connection: PoolConfig & ScopedClientConfig): Promise<ProbeSession> {
    const client = await connectShared({ ...connection, application_name: 'tenantry verify' }).catch(
      (error: unknown) => {
        throw toConnectError(error)
      },
    )
    return new ProbeSession(client)
  }

  /** Runs the work in a transaction that is always rolled back. */
  async rolledBack<T>(work: () => Promise<T>): Promise<T> {
    await this.#send({ config: { text: 'begin' }, statementName: 'begin' })
    try {
      await Promise.all(LIMITS.map((text) => this.#send({ config: { text }, statementName: text })))
      return await work()
    } finally {
      await this.#send({ config: { text: 'rollback' }, statementName: 'rollback' })
    }
  }

  /** Statements whose effects are undone at once; the outcome is the last one's, or the first failure. */
  async attempt(first: Attempt, ...further: readonly Attempt[]): Promise<Outcome> {
    const sent = [this.#flight(first, true), ...further.map((next) => this.#flight(next, false))]
    const back = this.#send({ config: { text: BACK }, statementName: BACK })
    const outcomes = await Promise.all(sent)
    await back
    // Behind a failure the rest only says that the transaction is aborted.
    const refusal = outcomes.find(({ refused }) => refused !== undefined)
    return refusal ?? { ...(outcomes.at(-1) ?? NOTHING), began: outcomes[0]?.rowCount ?? 0 }
  }

  /** A statement whose effects stay until the transaction's end; undone where it fails. */
  async keep(attempt: Attempt): Promise<Outcome> {
    const outcome = await this.#flight(attempt, true)
    if (outcome.refused !== undefined) await this.#send({ config: { text: BACK }, statementName: BACK })
    return outcome
  }

  async close(): Promise<void> {
    await this.#client.end()
  }

  async #flight({ as, text, values, statementName }: Attempt, guarded: boolean): Promise<Outcome> {
    const flight: Flight = {
      config: { text, ...(values === undefined ? {} : { values: [...values] }) },
      statementName,
      ...(guarded ? { begin: () => SAVEPOINT } : {}),
      ...(as === undefined ? {} : { prelude: as, reasserts: () => true }),
    }
    try {
      const { rows, rowCount } = await this.#send(flight)
      return { rows: rows as Readonly<Record<string, unknown>>[], rowCount: rowCount ?? 0 }
    } catch (error) {
      return refusalOf(error)
    }
  }

  /** A server that stops answering costs the connection, not the run's end. */
  #send(flight: Flight): Promise<QueryResult> {
    let timer: NodeJS.Timeout | undefined
    const limit = new Promise<never>(() => {
      timer = setTimeout(() => this.#client.destroy(), ANSWER_LIMIT_MS)
    })
    return Promise.race([sendFlight(this.#client, flight), limit]).finally(() => clearTimeout(timer))
  }
}

const NOTHING: Outcome = { rows: [], rowCount: 0 }

// A lost connection says nothing about isolation: it ends the run.
function refusalOf(error: unknown): Outcome {
  const refused = sqlStateOf(error)
  if (refused === undefined || isTenantryError(error, 'DATABASE_UNAVAILABLE')) throw error
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const routine = cause instanceof Error && 'routine' in cause && typeof cause.routine === 'string' ? cause.routine : ''
  return { ...NOTHING, refused, ...(routine === '' ? {} : { routine }) }
}
