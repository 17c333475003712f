// A client while one scope has it checked out. It decides for every statement whether the prelude goes with it, and it
// hands the connection back only in the state in which it came.
import { setTimeout as delay } from 'node:timers/promises'
import type { Scope, ScopedTenant, ScopeStore } from '../context/scope.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { copyIn } from './copy-in.ts'
import { readCopyTarget } from './copy-target.ts'
import { type FlightObserver, sendFlight } from './flight.ts'
import { HeldCursors } from './held-cursors.ts'
import type { QueryResult, Submittable } from './pg.ts'
import { type TenantQueryConfig, textOfSubmittable } from './query-arguments.ts'
import { refuseControl, refuseEnding, refuseResidue, refuseUnseen, statementNameFor } from './rules.ts'
import type { ScopedClient } from './scoped-client.ts'
import type { Flight } from './scoped-query.ts'
import type { Statement, StatementReader } from './statement.ts'
import { SubmittedQuery } from './submitted-query.ts'
import type { TenantGate } from './tenant-gate.ts'
import { TransactionContext } from './transaction-context.ts'

export interface CheckedOutOptions {
  readonly client: ScopedClient
  readonly scope: Scope
  readonly gate: TenantGate
  readonly store: ScopeStore
  readonly reader: StatementReader
  /** Gives the connection back to its pool; true destroys it. */
  readonly giveBack: (destroy: boolean) => void
}

/** What frames a statement of an engine-made transaction. */
interface Frame {
  readonly begin?: string
  readonly commit?: boolean
}

export interface SubmitOptions {
  /** A COPY into the staging table, whose end its caller tells. */
  readonly staged?: boolean
}

/** An error of the server that the query object has been told already. */
export class ToldError extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause })
  }
}

const PLAIN_COPY = 'Write it as COPY table (columns) FROM STDIN WITH (…), without comments, or use scope.copyFrom().'

const copyFromRowScope = () => new TenantryError('COPY_FROM_ROW_SCOPE', 'COPY FROM was sent inside a row tenant.')

const CANCEL_ATTEMPTS = 10
const CANCEL_EVERY_MS = 20

interface Outgoing {
  readonly config: TenantQueryConfig
  readonly statement: Statement
  readonly frame: Frame
}

export class CheckedOutClient implements FlightObserver<Flight> {
  readonly scope: Scope
  readonly #options: CheckedOutOptions
  readonly #client: ScopedClient
  readonly #context = new TransactionContext()
  readonly #heldCursors: HeldCursors
  #leavesState = false
  #ranUnseen = false
  #released = false
  #underWay = 0
  /** The newest statement's answer. */
  #last: Promise<unknown> | undefined
  #admission: Promise<ScopedTenant> | undefined

  constructor(options: CheckedOutOptions) {
    this.#options = options
    this.#client = options.client
    this.#heldCursors = new HeldCursors(options.client)
    this.scope = options.scope
  }

  get transactionStatus(): string | null {
    return this.#client.transactionStatus
  }

  /** True while a transaction is open, failed ones included. */
  get isInTransaction(): boolean {
    return !this.#released && this.#client.transactionStatus !== 'I'
  }

  /** True while an answer is still to come. */
  get isUnderWay(): boolean {
    return this.#underWay > 0
  }

  /** Runs one statement of the user's in the scope that checked this client out. */
  async query(config: TenantQueryConfig): Promise<QueryResult> {
    this.#refuseMisuse()
    const statement = this.#options.reader.read(config.text)
    refuseResidue(statement)
    // A procedure may COMMIT inside; in a transaction block PostgreSQL refuses that.
    if (statement.runsUnseen && !this.isInTransaction) return this.#inTransactionOfItsOwn(config, statement)
    return this.#send(config, statement, {})
  }

  /** Runs a statement of an engine-made transaction: `begin` rides with it while none is open, `commit` if it is the last. */
  async queryInTransaction(config: TenantQueryConfig, begin: string, commit: boolean): Promise<QueryResult> {
    this.#refuseMisuse()
    const statement = this.#options.reader.read(config.text)
    refuseResidue(statement)
    refuseEnding(statement)
    return this.#send(config, statement, { begin, commit })
  }

  /**
   * Runs a query object that sends itself, behind the prelude; resolves when the server is done with it. What went wrong
   * on the server the object has been told; what is thrown before anything was sent it has not.
   */
  async submit(query: Submittable, { staged = false }: SubmitOptions = {}): Promise<void> {
    this.#refuseMisuse()
    const statement = this.#options.reader.read(textOfSubmittable(query))
    refuseResidue(statement)
    refuseControl(statement)
    const tenant = this.#options.gate.peek(this.scope) ?? (await this.#admit())
    this.#refuseMisuse()
    if (statement.runsUnseen && this.#options.gate.isReadOnly(this.scope, tenant)) refuseUnseen(statement)
    if (statement.copyFrom && !staged) return this.#copyIn(query, tenant)
    const refusal = this.#client.borrowed?.refuseSubmitted(query, statement.leavesState)
    if (refusal) throw refusal
    if (statement.readsCursor) await this.#heldCursors.refuse(this.isInTransaction)
    if (statement.leavesState) this.#leavesState = true
    if (statement.runsUnseen) this.#ranUnseen = true
    this.#underWay++
    const send = () => this.#sendSubmitted(query, tenant, { statement, staged })
    const answer = this.#underWay > 1 && this.#last ? this.#last.then(send, send) : send()
    this.#last = answer
    return answer
  }

  #sendSubmitted(
    query: Submittable,
    tenant: ScopedTenant,
    { statement, staged }: { readonly statement: Statement; readonly staged: boolean },
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const settled = (error?: Error) => {
        this.#underWay--
        if (error) reject(new ToldError(error))
        else resolve()
      }
      const own = this.#options.gate.prelude(this.scope, tenant)
      const prelude = this.#context.preludeFor(statement, own, this.#client.transactionStatus !== 'I')
      const { reasserts, restoresTimeout, isReadOnly } = this.#context
      const submission = { query, prelude, reasserts, restoresTimeout, isReadOnly, settled, holdsEnd: staged }
      this.#client.send(new SubmittedQuery(submission, this.#client))
    })
  }

  async #copyIn(query: Submittable, tenant: ScopedTenant): Promise<void> {
    if (tenant.isolation === 'row') throw copyFromRowScope()
    const target = readCopyTarget(textOfSubmittable(query))
    if (target) await copyIn(this, query, { ...target, every: true })
    else throw new TenantryError('STATEMENT_REFUSED', 'The target of COPY FROM could not be read.', { fix: PLAIN_COPY })
  }

  /** Tells a query object the good end that was kept from it. */
  tellEnd(query: Submittable): void {
    query.handleReadyForQuery?.(this.#client.wire)
  }

  /** BEGIN, COMMIT and ROLLBACK of the engine itself. */
  async control(text: string): Promise<QueryResult> {
    this.#context.reset()
    return sendFlight(this.#client, { config: { text }, statementName: text, ends: true })
  }

  /** Gives up what is under way: the server stops working on it, at the price of the connection where it does not. */
  async abandon(): Promise<void> {
    // A request that comes between two statements stops neither.
    for (let attempt = 0; attempt < CANCEL_ATTEMPTS && this.#isBusy(); attempt++) {
      await this.#client.cancel()
      await delay(CANCEL_EVERY_MS)
    }
    // Released, it may be somebody else's by now.
    if (this.#isBusy()) this.#client.destroy()
  }

  #isBusy(): boolean {
    return !this.#released && this.#underWay > 0
  }

  /** Gives the connection back. An open transaction, or residue that cannot be undone, costs the connection. */
  release(destroy = false): void {
    if (this.#released) throw new TenantryError('CLIENT_RELEASED', 'The client was released already.')
    const residue = this.#client.residue !== undefined || this.#heldCursors.seen
    const unclean = this.#underWay > 0 || this.#client.transactionStatus !== 'I' || residue
    this.#released = true
    if (destroy || unclean) this.#options.giveBack(true)
    else if ((this.#leavesState || this.#ranUnseen) && !this.#client.borrowed) void this.#cleanAndGiveBack()
    else this.#options.giveBack(false)
  }

  /** What an own SET, lock function or DO may have left goes first, before anybody else gets the connection. */
  async #cleanAndGiveBack(): Promise<void> {
    try {
      if (this.#ranUnseen) {
        await sendFlight(this.#client, { config: { text: 'discard all' } })
        this.#client.prepared.forgetAll()
        this.#options.giveBack(false)
        return
      }
      const unlock = 'select pg_catalog.pg_advisory_unlock_all()'
      await sendFlight(this.#client, { config: { text: 'reset all' }, statementName: 'reset all' })
      await sendFlight(this.#client, { config: { text: unlock }, statementName: unlock })
      this.#options.giveBack(false)
    } catch {
      this.#options.giveBack(true)
    }
  }

  async #inTransactionOfItsOwn(config: TenantQueryConfig, statement: Statement): Promise<QueryResult> {
    try {
      const result = await this.#send(config, statement, { begin: 'begin' })
      await this.control('commit')
      return result
    } catch (error) {
      if (this.isInTransaction) await this.control('rollback')
      throw error
    }
  }

  #send(config: TenantQueryConfig, statement: Statement, frame: Frame): Promise<QueryResult> {
    // Statements keep their order: where one waits for the registry, those behind it wait as well.
    const tenant = this.#admission ? undefined : this.#options.gate.peek(this.scope)
    if (tenant) return this.#sendAdmitted(tenant, { config, statement, frame })
    return this.#admit().then((admitted) => this.#sendAdmitted(admitted, { config, statement, frame }))
  }

  #admit(): Promise<ScopedTenant> {
    this.#admission ??= this.#options.gate.admit(this.scope).finally(() => {
      this.#admission = undefined
    })
    return this.#admission
  }

  #sendAdmitted(tenant: ScopedTenant, { config, statement, frame: { begin, commit } }: Outgoing): Promise<QueryResult> {
    if (statement.copyFrom && tenant.isolation === 'row') {
      throw copyFromRowScope()
    }
    this.#refuseMisuse()
    if (statement.runsUnseen && this.#options.gate.isReadOnly(this.scope, tenant)) refuseUnseen(statement)
    if (statement.leavesState) this.#leavesState = true
    if (statement.runsUnseen) this.#ranUnseen = true
    this.#underWay++
    const flight = {
      config,
      commit,
      begin: begin === undefined ? undefined : () => (this.#client.transactionStatus === 'I' ? begin : undefined),
      statementName: statementNameFor(config.name, tenant),
      runsCode: statement.runsUnseen,
      leavesState: statement.leavesState,
      ends: statement.control === 'end',
      reasserts: () => this.#context.reasserts,
      restoresTimeout: () => this.#context.restoresTimeout,
      isReadOnly: () => this.#context.isReadOnly,
      prelude: () => {
        const prelude = this.#options.gate.prelude(this.scope, tenant, config.query_timeout)
        const inTransaction = begin !== undefined || this.#client.transactionStatus !== 'I'
        return this.#context.preludeFor(statement, prelude, inTransaction)
      },
    }
    const send = statement.readsCursor
      ? () => this.#afterHeldCursors(() => sendFlight(this.#client, flight, this))
      : () => sendFlight(this.#client, flight, this)
    // One after the other, also where the caller does not wait: pg's own queue for that is on its way out.
    const answer = this.#underWay > 1 && this.#last ? this.#last.then(send, send) : send()
    this.#last = answer
    return answer
  }

  async #afterHeldCursors(send: () => Promise<QueryResult>): Promise<QueryResult> {
    try {
      await this.#heldCursors.refuse(this.isInTransaction)
    } catch (error) {
      this.#underWay--
      throw error
    }
    return send()
  }

  refuse(): undefined {
    return undefined
  }

  settled(flight: Flight): void {
    this.#underWay--
    // Names are the session's: what goes by ours may be somebody else's text by now, the prelude's included.
    if (flight.runsCode) this.#client.prepared.forgetAll()
  }

  #refuseMisuse(): void {
    if (this.#released) {
      throw new TenantryError('CLIENT_RELEASED', 'A statement was sent on a client that was released.')
    }
    const current = this.#options.store.current()
    if (current && !this.scope.isUsableIn(current)) {
      throw new TenantryError('CLIENT_SCOPE_MISMATCH', 'A client was used inside another scope than its own.')
    }
  }
}
