// What pool.connect() hands out: a pg client to look at, bound to one scope. Single statements of it travel over the
// shared connections, because most libraries check a client out for each one; from the first statement that needs the
// session on (BEGIN, a cursor, COPY, a lock), it holds a connection of its own until release. The handle dies with
// release, so code that keeps it cannot reach the connection once another tenant has it.
import { EventEmitter } from 'node:events'
import type { Scope, ScopeStore } from '../context/scope.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { type CheckedOutClient, ToldError } from './checked-out-client.ts'
import {
  Client,
  type PoolClient,
  type QueryResult,
  type Submittable,
  TypeOverrides,
  type WireConnection,
} from './pg.ts'
import { answer, isSubmittable, readQueryArguments, type TenantQueryConfig } from './query-arguments.ts'
import { refuseResidue } from './rules.ts'
import type { ScopedClient } from './scoped-client.ts'
import type { Statement, StatementReader } from './statement.ts'

/** A connection that the lease has taken for itself. */
export interface Taken {
  readonly client: ScopedClient
  readonly checkedOut: CheckedOutClient
}

export interface LeaseOptions {
  readonly scope: Scope
  readonly store: ScopeStore
  readonly reader: StatementReader
  /** One statement over the shared connections; undefined where there are none. */
  readonly queryShared: ((config: TenantQueryConfig) => Promise<QueryResult>) | undefined
  /** A connection of its own, which the lease gives back. */
  readonly take: () => Promise<Taken>
  /** Called once, at release. */
  readonly released: () => void
}

/** Events of a connection that its users listen to on their client. */
const FORWARDED = ['error', 'end', 'notice', 'notification'] as const

/** A lease as pg's client; `taken` where the connection is there already. */
export function leaseClient(options: LeaseOptions, taken?: Taken): PoolClient {
  // Each member of pg's client that works without the lease's own connection is on its prototype.
  return new LeasedClient(options, taken) as unknown as PoolClient
}

class LeasedClient {
  readonly #options: LeaseOptions
  #taken: Taken | undefined
  #taking: Promise<Taken> | undefined
  #released = false
  /** The newest statement on the shared connections, or query object, while its answer is still to come. */
  #last: Promise<unknown> | undefined
  #types: InstanceType<typeof TypeOverrides> | undefined
  readonly #forwards = new Map<string, (...args: unknown[]) => void>()

  constructor(options: LeaseOptions, taken: Taken | undefined) {
    this.#options = options
    if (taken) this.#hold(taken)
  }

  /** With secretKey what a CancelRequest needs; there is none for the shared connections, which are not this client's. */
  get processID(): number | undefined {
    return (this.#taken?.client as { processID?: number } | undefined)?.processID
  }

  get secretKey(): unknown {
    return (this.#taken?.client as { secretKey?: unknown } | undefined)?.secretKey
  }

  get connection(): unknown {
    return this.#taken?.client.wire
  }

  getTransactionStatus(): string | null {
    return this.#taken?.client.transactionStatus ?? 'I'
  }

  query(...args: unknown[]): unknown {
    const [first] = args
    if (isSubmittable(first)) return this.#submit(first, args)
    const { config, callback } = readQueryArguments(args)
    return answer(this.#query(config), callback)
  }

  /** Gives the query object back at once, as pg does; what goes wrong it is told. */
  #submit(query: Submittable, args: readonly unknown[]): Submittable {
    const callback = args.find((arg) => typeof arg === 'function')
    if (callback) query.callback ??= callback
    giveTypes(query, this.#types)
    const sent = this.#afterLast(async () => {
      this.#refuseMisuse()
      const { checkedOut } = await this.#own()
      await checkedOut.submit(query)
    })
    this.#keepOrder(sent)
    sent.catch((error: unknown) => {
      if (error instanceof ToldError) return
      query.handleError(error instanceof Error ? error : new Error(String(error)), this.connection as WireConnection)
    })
    return query
  }

  release(destroy?: unknown): void {
    if (this.#released) throw new TenantryError('CLIENT_RELEASED', 'The client was released already.')
    this.#released = true
    this.#options.released()
    if (this.#taken) this.#giveBack(this.#taken, Boolean(destroy))
    else this.#taking?.then((taken) => this.#giveBack(taken, Boolean(destroy))).catch(() => undefined)
  }

  /** As pg's client, once connected. */
  connect(callback?: (error: Error) => void): Promise<never> | undefined {
    const error = new Error('Client has already been connected. You cannot reuse a client.')
    if (!callback) return Promise.reject(error)
    process.nextTick(callback, error)
    return undefined
  }

  /** Ends the connection of its own; the shared ones are not this client's. */
  async end(): Promise<void> {
    await this.#taken?.client.end()
  }

  /** For the statements of this lease only: the connection goes to others afterwards. */
  setTypeParser(...args: Parameters<InstanceType<typeof TypeOverrides>['setTypeParser']>): void {
    this.#types ??= new TypeOverrides()
    this.#types.setTypeParser(...args)
  }

  getTypeParser(...args: Parameters<InstanceType<typeof TypeOverrides>['getTypeParser']>): unknown {
    return (this.#types ?? new TypeOverrides()).getTypeParser(...args)
  }

  ref(): void {}

  unref(): void {}

  // Not an async function: on this path each promise shows in the figures.
  #query(config: TenantQueryConfig): Promise<QueryResult> {
    try {
      this.#refuseMisuse()
      const statement = this.#options.reader.read(config.text)
      refuseResidue(statement)
      return this.#send(this.#types && !config.types ? { ...config, types: this.#types } : config, statement)
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #send(config: TenantQueryConfig, statement: Statement): Promise<QueryResult> {
    if (this.#taken && !this.#last) return this.#taken.checkedOut.query(config)
    const answer = this.#afterLast(() => this.#route(config, statement))
    this.#keepOrder(answer)
    return answer
  }

  /** Decided when the statement's turn has come: those before it may have begun a transaction, or released the client. */
  #route(config: TenantQueryConfig, { needsSession }: Statement): Promise<QueryResult> {
    if (this.#released) return this.#query(config)
    const { queryShared } = this.#options
    if (queryShared && !needsSession && !this.#taking) return queryShared(config)
    return this.#own().then(({ checkedOut }) => checkedOut.query(config))
  }

  /** What comes next waits for this, also where the caller does not: a client of pg keeps the order too. */
  #keepOrder(answer: Promise<unknown>): void {
    const forget = () => {
      if (this.#last === answer) this.#last = undefined
    }
    this.#last = answer
    answer.then(forget, forget)
  }

  #afterLast<T>(send: () => Promise<T>): Promise<T> {
    return this.#last ? this.#last.then(send, send) : send()
  }

  /** The connection of its own, taken where there is none yet. */
  #own(): Promise<Taken> {
    this.#taking ??= this.#take()
    return this.#taking
  }

  async #take(): Promise<Taken> {
    try {
      const taken = await this.#options.take()
      this.#hold(taken)
      return taken
    } catch (error) {
      this.#taking = undefined
      throw error
    }
  }

  #hold(taken: Taken): void {
    this.#taken = taken
    this.#taking = Promise.resolve(taken)
    const self = this as unknown as EventEmitter
    for (const event of FORWARDED) {
      const forward = (...args: unknown[]) => {
        if (self.listenerCount(event) > 0) self.emit(event, ...args)
      }
      this.#forwards.set(event, forward)
      taken.client.on(event as 'error', forward)
    }
  }

  #giveBack({ client, checkedOut }: Taken, destroy: boolean): void {
    for (const [event, forward] of this.#forwards) client.off(event, forward)
    checkedOut.release(destroy)
  }

  #refuseMisuse(): void {
    if (this.#released) {
      throw new TenantryError('CLIENT_RELEASED', 'A statement was sent on a client that was released.')
    }
    const current = this.#options.store.current()
    if (current && !this.#options.scope.isUsableIn(current)) {
      throw new TenantryError('CLIENT_SCOPE_MISMATCH', 'A client was used inside another scope than its own.')
    }
  }
}

/** As pg's client hands its parsers to a query object that brings none. */
function giveTypes(query: { _result?: { _types?: unknown } }, types: unknown): void {
  if (types && query._result) query._result._types ??= types
}

// Libraries ask `instanceof Client`, and call what is on pg's prototype; pg's constructor would open nothing but costs
// more than the statement.
Object.setPrototypeOf(LeasedClient.prototype, Client.prototype)
