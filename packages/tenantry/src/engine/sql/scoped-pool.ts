// The pool that users hand to any library: a pg.Pool whose every query runs inside the tenant of the code that sent
// it. Single statements travel over shared pipelined connections; connect() checks a client out for one scope.
import type { Scope, ScopedTenant, ScopeStore } from '../context/scope.ts'
import { refuseBareHosts } from './bare-hosts.ts'
import { CheckedOutClient } from './checked-out-client.ts'
import { toConnectError } from './database-errors.ts'
import { Dispatcher } from './dispatcher.ts'
import { leaseClient, type Taken } from './leased-client.ts'
import { Pool, type PoolClient, type PoolConfig, type QueryResult } from './pg.ts'
import type { PoolStats, TenantPool } from './pool-stats.ts'
import { answer, readQueryArguments, type TenantQueryConfig } from './query-arguments.ts'
import { ownNameFor, refuseInBatch, refuseOnPool, statementNameFor } from './rules.ts'
import { ScopedClient, type ScopedClientConfig } from './scoped-client.ts'
import { BatchPace, notePace, type Pace, StatementReader } from './statement.ts'
import type { TenantGate } from './tenant-gate.ts'
import { runTransaction } from './transaction.ts'

/** What is known once the control plane has been read. */
export interface PoolRuntime {
  /** Connection of the scoped login. */
  readonly connection: PoolConfig & ScopedClientConfig
  readonly gate: TenantGate
}

export interface ScopedPoolOptions {
  readonly store: ScopeStore
  /** Asked before the first statement, so that the pool can be handed around before anything is connected. */
  readonly start: () => Promise<PoolRuntime>
  /** Most connections that belong to one scope at a time; default 10. */
  readonly max?: number | undefined
  /** Shared pipelined connections for single statements; default 4, 0 sends each over a client of its own. */
  readonly sharedConnections?: number | undefined
}

const DEFAULT_MAX = 10
const DEFAULT_SHARED = 4
const CONNECT_TIMEOUT_MS = 10_000
// A text that has been this slow lately gets a client of its own, so that nobody waits behind it.
const SLOW_STATEMENT_MS = 15

const NONE: ReadonlySet<CheckedOutClient> = new Set()

type ConnectCallback = (
  error: Error | undefined,
  client: PoolClient | undefined,
  release: (destroy?: unknown) => void,
) => void

export class ScopedPool extends Pool implements TenantPool {
  readonly #options: ScopedPoolOptions
  #started: { readonly gate: TenantGate; readonly dispatcher: Dispatcher | undefined } | undefined
  #ending: Promise<void> | undefined
  readonly #reader = new StatementReader()
  readonly #checkedOut = new Map<Scope, Set<CheckedOutClient>>()
  #leased = 0
  #destroyed = 0

  constructor(options: ScopedPoolOptions) {
    super({ max: options.max ?? DEFAULT_MAX, Client: ScopedClient })
    this.#options = options
    // An idle client whose server went away is dropped by pg-pool; the next statement opens another.
    this.on('error', () => {})
    refuseBareHosts(this)
  }

  /** One statement in the current scope. */
  override query(...args: unknown[]): never {
    const { config, callback } = readQueryArguments(args)
    // The overloads of pg's query() are met by what readQueryArguments accepts.
    return answer(this.#queryInCurrentScope(config), callback) as never
  }

  /** A client for the current scope; pg's promise and callback forms. */
  override connect(callback?: ConnectCallback): never {
    const leased = this.#connectInCurrentScope()
    if (!callback) return leased as never
    leased.then(
      (client) =>
        process.nextTick(callback, undefined, client, (destroy?: unknown) => client.release(Boolean(destroy))),
      (error: unknown) => process.nextTick(callback, error, undefined, () => {}),
    )
    return undefined as never
  }

  /** Ends the pool, once: a library that was handed it may have ended it before. pg's promise and callback forms. */
  override end(): Promise<void>
  override end(callback: (error?: unknown) => void): void
  override end(callback?: (error?: unknown) => void): Promise<void> | undefined {
    this.#ending ??= this.#end()
    if (!callback) return this.#ending
    this.#ending.then(() => process.nextTick(callback), callback)
    return undefined
  }

  async #end(): Promise<void> {
    await this.#started?.dispatcher?.close()
    await super.end()
  }

  /**
   * One statement in a scope given by hand. Not an async function: each promise on this path costs as much as a tenth of
   * the statement, so where everything is in memory there is only the answer's own. It throws what it refuses.
   */
  queryIn(scope: Scope, config: TenantQueryConfig): Promise<QueryResult> {
    const statement = this.#reader.read(config.text)
    refuseOnPool(statement)
    if (!this.#started) return this.#start().then(() => this.queryIn(scope, config))
    const { gate, dispatcher } = this.#started
    const isUnfit = statement.leavesState || statement.pace.ms > SLOW_STATEMENT_MS
    if (!dispatcher || isUnfit || dispatcher.isHeldUp) return this.#queryAlone(scope, config, statement.pace)
    const send = (tenant: ScopedTenant) =>
      dispatcher.send({
        config,
        prelude: gate.prelude(scope, tenant, config.query_timeout),
        statementName: statementNameFor(config.name, tenant) ?? ownNameFor(statement, tenant),
        schema: tenant.isolation === 'schema' ? tenant.schemaName : undefined,
        pace: statement.pace,
      })
    const tenant = gate.peek(scope)
    return tenant ? send(tenant) : gate.admit(scope).then(send)
  }

  /** Independent statements in one flush and one implicit transaction: all take effect, or none. */
  async batchIn(scope: Scope, configs: readonly TenantQueryConfig[]): Promise<readonly QueryResult[]> {
    if (configs.length === 0) return []
    const statements = configs.map(({ text }) => this.#reader.read(text))
    statements.forEach(refuseInBatch)
    const { gate, dispatcher } = this.#started ?? (await this.#start())
    const pace = new BatchPace(statements.map((statement) => statement.pace))
    const isUnfit = statements.some(({ leavesState }) => leavesState) || pace.ms > SLOW_STATEMENT_MS
    if (!dispatcher || isUnfit || dispatcher.isHeldUp) return this.#batchAlone(scope, configs)
    const tenant = gate.peek(scope) ?? (await gate.admit(scope))
    const batch = configs.map((config, index) => ({
      config,
      statementName: statementNameFor(config.name, tenant),
      reasserts: statements[index - 1]?.opaque ?? false,
    }))
    const [config = { text: '' }] = configs
    const prelude = gate.prelude(scope, tenant, longestTimeout(configs))
    const schema = tenant.isolation === 'schema' ? tenant.schemaName : undefined
    // A flight of several statements is answered by an array, of one by its result, as pg answers.
    const answer: QueryResult | readonly QueryResult[] = await dispatcher.send({ config, batch, prelude, schema, pace })
    return Array.isArray(answer) ? (answer as readonly QueryResult[]) : [answer]
  }

  async #batchAlone(scope: Scope, configs: readonly TenantQueryConfig[]): Promise<readonly QueryResult[]> {
    const client = await this.checkOut(scope)
    try {
      return await runTransaction(client, {}, async (tx) => {
        const results: QueryResult[] = []
        for (const config of configs) results.push(await tx.query(config))
        return results
      })
    } finally {
      client.release()
    }
  }

  /**
   * The pool's gauges: who waits, what is saturated, what was given up.
   *
   * @example
   * ```ts
   * const { isSaturated, clients, shared } = tenantry.pool.stats()
   * if (isSaturated) console.warn(`${clients.waiting} waiting, ${shared?.pending ?? 0} statements under way`)
   * ```
   */
  stats(): PoolStats {
    const max = this.options.max
    const { totalCount: total, idleCount: idle, waitingCount: waiting } = this
    const clients = { max, total, idle, waiting, destroyed: this.#destroyed }
    const isSaturated = waiting > 0 || (total >= max && idle === 0)
    return { leased: this.#leased, clients, shared: this.#started?.dispatcher?.stats, isSaturated }
  }

  /** Checks a client out for a scope. The caller releases it. */
  async checkOut(scope: Scope): Promise<CheckedOutClient> {
    return (await this.#checkOutWithClient(scope)).checkedOut
  }

  /** The clients of this scope that have not been released. */
  unreleased(scope: Scope): ReadonlySet<CheckedOutClient> {
    return this.#checkedOut.get(scope) ?? NONE
  }

  async #start() {
    const { start, sharedConnections: size = DEFAULT_SHARED } = this.#options
    const { connection, gate } = await start()
    if (this.#started) return this.#started
    const complete = { connectionTimeoutMillis: CONNECT_TIMEOUT_MS, keepAlive: true, ...connection }
    // pg-pool reads its options anew for each client it makes.
    Object.assign(this.options, complete)
    const dispatcher = size > 0 ? new Dispatcher({ size, connect: () => connectShared(complete) }) : undefined
    this.#started = { gate, dispatcher }
    return this.#started
  }

  async #queryInCurrentScope(config: TenantQueryConfig): Promise<QueryResult> {
    try {
      return await this.queryIn(this.#options.store.required(), config)
    } catch (error) {
      // The stack of a wire error ends in the socket; this one leads to whoever awaits the query.
      if (error instanceof Error) Error.captureStackTrace(error)
      throw error
    }
  }

  async #queryAlone(scope: Scope, config: TenantQueryConfig, pace: Pace): Promise<QueryResult> {
    const client = await this.checkOut(scope)
    const startedAt = performance.now()
    try {
      // A handle with `switch` may be used from inside another scope, which the client itself would refuse.
      return await this.#options.store.enter(scope, () => client.query(config))
    } finally {
      notePace(pace, performance.now() - startedAt)
      client.release()
    }
  }

  async #connectInCurrentScope(): Promise<PoolClient> {
    const { store } = this.#options
    const scope = store.required()
    const { gate, dispatcher } = this.#started ?? (await this.#start())
    if (gate.peek(scope) === undefined) await gate.admit(scope)
    const take = () => this.#checkOutWithClient(scope)
    const options = { scope, store, reader: this.#reader, take, released: () => this.#leased-- }
    const taken = dispatcher ? undefined : await take()
    // A database that cannot be reached is reported here, as by any pool.
    await dispatcher?.ready()
    this.#leased++
    const queryShared = dispatcher && ((config: TenantQueryConfig) => this.queryIn(scope, config))
    return leaseClient({ ...options, queryShared }, taken)
  }

  async #checkOutWithClient(scope: Scope): Promise<Taken> {
    const { store } = this.#options
    const { gate } = this.#started ?? (await this.#start())
    if (gate.peek(scope) === undefined) await gate.admit(scope)
    const client = await this.#take()
    const held = this.#checkedOut.get(scope) ?? new Set()
    this.#checkedOut.set(scope, held)
    const checkedOut: CheckedOutClient = new CheckedOutClient({
      ...{ client: client.scoped, scope, gate, store, reader: this.#reader },
      giveBack: (destroy) => {
        held.delete(checkedOut)
        if (destroy) this.#destroyed++
        if (held.size === 0) this.#checkedOut.delete(scope)
        client.release(destroy)
      },
    })
    held.add(checkedOut)
    return { client: client.scoped, checkedOut }
  }

  #take(): Promise<{ scoped: ScopedClient; release: (destroy: boolean) => void }> {
    return new Promise((resolve, reject) => {
      super.connect((error, pooled, release) => {
        // pg-pool makes its clients with the class it was given above.
        if (pooled) resolve({ scoped: pooled as unknown as ScopedClient, release })
        else reject(toConnectError(error))
      })
    })
  }
}

/** One timeout holds for the whole batch: the longest that is asked for. */
function longestTimeout(configs: readonly TenantQueryConfig[]): number | undefined {
  const asked = configs.flatMap(({ query_timeout: timeout }) => timeout ?? [])
  return asked.length === 0 ? undefined : Math.max(...asked)
}

/** Opens a pipelined connection of the scoped login. */
export async function connectShared(connection: PoolConfig & ScopedClientConfig): Promise<ScopedClient> {
  const client = new ScopedClient({ ...connection, pipeline: true })
  await client.connect()
  return client
}
