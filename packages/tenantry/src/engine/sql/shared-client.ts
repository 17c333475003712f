// One pipelined connection that many tenants' single statements share, each ended by its own Sync. Whatever would let
// one statement reach into the next (an open transaction, a changed session) destroys the connection.
import { TenantryError } from '../../kernel/errors.ts'
import { type FlightObserver, sendFlight } from './flight.ts'
import type { QueryResult } from './pg.ts'
import type { ScopedClient } from './scoped-client.ts'
import type { Flight } from './scoped-query.ts'
import { notePace, type Pace } from './statement.ts'
import { mayWait } from './write-batch.ts'

/** A single statement for a shared connection. */
export interface SharedFlight extends Flight {
  /** The tenant's own schema, where it has one. */
  readonly schema: string | undefined
  /** Where to note how long the statement took. */
  readonly pace: Pace
}

export class SharedClient implements FlightObserver<SharedFlight> {
  readonly client: ScopedClient
  #pending = 0
  #headSince = 0
  #ended = false
  #destroyed = false
  readonly #schemas = new Set<string>()
  readonly #onDestroyed: () => void

  /** @param onDestroyed called when what a statement left behind has cost the connection */
  constructor(client: ScopedClient, onDestroyed: () => void) {
    this.client = client
    this.#onDestroyed = onDestroyed
    client.wire.on('readyForQuery', ({ status }) => {
      if (status !== 'I' || client.residue !== undefined) this.#destroy()
    })
    const end = () => {
      this.#ended = true
    }
    client.once('end', end)
    client.once('error', end)
    // A server that ends a session says so, and closes the socket a moment later: nothing more may be sent meanwhile.
    client.wire.on('errorMessage', ({ severity }) => {
      if (severity === 'FATAL' || severity === 'PANIC') end()
    })
  }

  /** Statements sent and not yet answered. */
  get pending(): number {
    return this.#pending
  }

  get isUsable(): boolean {
    return !this.#ended
  }

  /** Schemas of tenants this backend has touched; its memory grows with them. */
  get schemasTouched(): number {
    return this.#schemas.size
  }

  /** For how long the statement at the head has kept those behind it waiting. */
  headAgeMs(now: number): number {
    return this.#pending === 0 ? 0 : now - this.#headSince
  }

  /** @param isPatient whether it may wait for what other sockets bring in this turn */
  send(flight: SharedFlight, isPatient: boolean): Promise<QueryResult> {
    if (this.#pending++ === 0) this.#headSince = performance.now()
    if (isPatient) mayWait(this.client.wire)
    if (flight.schema !== undefined) this.#schemas.add(flight.schema)
    return sendFlight(this.client, flight, this)
  }

  settled(flight: SharedFlight): void {
    const now = performance.now()
    notePace(flight.pace, now - this.#headSince)
    this.#pending--
    this.#headSince = now
  }

  refuse(): Error | undefined {
    if (this.#destroyed) {
      // Its answer had arrived before the connection was cut, but it ran in the session that another one had changed.
      return new TenantryError(
        'DATABASE_UNAVAILABLE',
        'The shared connection was ended because of an earlier statement: it is not known whether this one took effect.',
      )
    }
    const { transactionStatus, residue } = this.client
    if (transactionStatus !== 'I') {
      return new TenantryError('STATEMENT_REFUSED', 'The statement opened a transaction on a shared connection.')
    }
    if (residue === undefined) return undefined
    return new TenantryError('STATEMENT_REFUSED', `The statement left session settings changed: ${residue}.`)
  }

  /** Lets what was sent finish, then closes the connection. */
  async end(): Promise<void> {
    this.#ended = true
    await this.client.end()
  }

  #destroy(): void {
    this.#ended = true
    if (!this.#destroyed) this.#onDestroyed()
    this.#destroyed = true
    this.client.destroy()
  }
}
