// Spreads single statements over a few shared, pipelined connections. A connection whose head statement is slow gets
// nothing more while another one is free, so that nobody waits behind a stranger's report.
import { TenantryError } from '../../kernel/errors.ts'
import { toConnectError } from './database-errors.ts'
import type { QueryResult } from './pg.ts'
import type { ScopedClient } from './scoped-client.ts'
import { SharedClient, type SharedFlight } from './shared-client.ts'

/** The shared connections at this moment, and what has become of earlier ones. */
export interface SharedStats {
  /** The most there may be. */
  readonly max: number
  readonly open: number
  /** Statements sent and not answered yet. */
  readonly pending: number
  /** Connections whose head statement keeps the others waiting. */
  readonly heldUp: number
  /** Ended because a statement left a transaction or a changed session. */
  readonly destroyed: number
  /** Replaced because the backend had grown with the schemas it touched. */
  readonly retired: number
}

export interface DispatcherOptions {
  readonly connect: () => Promise<ScopedClient>
  /** How many shared connections there may be. */
  readonly size: number
}

const SLOW_HEAD_MS = 25
const HELD_UP = 1_000_000
// Statements that travel together share system calls and wake-ups on both sides, which cost more than a point read
// itself; so a connection is filled until those on it would take about this long, and then the next one is used.
const FILLED_MS = 1
const DEEPEST = 32
// With fewer in flight the server runs out of work while they wait for one another.
const CROWD = 16
// A text that never ran may be a slow one: it gets a connection to itself where there is one.
const UNKNOWN_DEPTH = 1
// A backend grows 35-70 KB with each schema it touches; at 500 it is replaced.
const SCHEMAS_PER_CONNECTION = 500

export class Dispatcher {
  readonly #options: DispatcherOptions
  #clients: SharedClient[] = []
  #connecting: Promise<void> | undefined
  #closed = false
  #destroyed = 0
  #retired = 0

  constructor(options: DispatcherOptions) {
    this.#options = options
  }

  /** Whether every shared connection is held up by a slow statement: the next one is better off on a client of its own. */
  get isHeldUp(): boolean {
    if (this.#clients.length < this.#options.size) return false
    const now = performance.now()
    return this.#clients.every((client) => client.headAgeMs(now) > SLOW_HEAD_MS)
  }

  send(flight: SharedFlight): Promise<QueryResult> {
    const depth = depthFor(flight.pace.ms)
    const client = this.#choose(depth)
    if (client) return client.send(flight, this.#isCrowded)
    return this.#first(depth).then((opened) => opened.send(flight, this.#isCrowded))
  }

  /** Whether waiting for one another costs statements less than a system call each. */
  get #isCrowded(): boolean {
    let inFlight = 0
    for (const client of this.#clients) inFlight += client.pending
    return inFlight >= CROWD
  }

  get stats(): SharedStats {
    const now = performance.now()
    const usable = this.#clients.filter((client) => client.isUsable)
    return {
      max: this.#options.size,
      open: usable.length,
      pending: usable.reduce((sum, client) => sum + client.pending, 0),
      heldUp: usable.filter((client) => client.headAgeMs(now) > SLOW_HEAD_MS).length,
      destroyed: this.#destroyed,
      retired: this.#retired,
    }
  }

  /** Resolves when there is a connection to send over; throws where none can be made. */
  async ready(): Promise<void> {
    if (!this.#clients.some((client) => client.isUsable)) await this.#grow()
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#connecting?.catch(() => undefined)
    const clients = this.#clients
    this.#clients = []
    await Promise.all(clients.map((client) => client.end()))
  }

  /** The first connection with room; where none has any, the least loaded, while another is opened in the background. */
  #choose(depth: number): SharedClient | undefined {
    const now = performance.now()
    let best: SharedClient | undefined
    let bestLoad = Number.POSITIVE_INFINITY
    for (const client of this.#clients) {
      if (!client.isUsable) return this.#dropUnusable(depth)
      const load = client.pending + (client.headAgeMs(now) > SLOW_HEAD_MS ? HELD_UP : 0)
      if (load < bestLoad) {
        best = client
        bestLoad = load
      }
      if (load < depth) break
    }
    const mayGrow = this.#clients.length < this.#options.size
    // Better to wait for a connection that opens than behind a slow statement, or to be one.
    const isUnknown = depth === UNKNOWN_DEPTH
    if (mayGrow && (bestLoad >= HELD_UP || (isUnknown && bestLoad >= depth))) return undefined
    if (mayGrow && bestLoad >= depth) this.#grow().catch(() => undefined)
    if (best && best.schemasTouched > SCHEMAS_PER_CONNECTION && bestLoad === 0) return this.#replace(best)
    return best
  }

  #dropUnusable(depth: number): SharedClient | undefined {
    this.#clients = this.#clients.filter((client) => client.isUsable)
    return this.#choose(depth)
  }

  /** Retires a grown backend; what follows goes to another connection. */
  #replace(grown: SharedClient): SharedClient | undefined {
    this.#clients = this.#clients.filter((client) => client !== grown)
    this.#retired++
    grown.end().catch(() => undefined)
    return this.#clients.find((client) => client.isUsable)
  }

  /** A connection that had to be opened; where that fails, one that is held up is better than none. */
  async #first(depth: number): Promise<SharedClient> {
    for (;;) {
      let client: SharedClient | undefined
      try {
        await this.#grow()
        client = this.#choose(depth)
      } catch (error) {
        client = this.#clients.find((candidate) => candidate.isUsable)
        if (!client) throw error
      }
      if (client) return client
    }
  }

  #grow(): Promise<void> {
    if (this.#closed) return Promise.reject(new TenantryError('CLOSED', 'The pool was closed.'))
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  async #connect(): Promise<void> {
    try {
      const client = await this.#options.connect()
      // Only now: the list may have become another one while this connected.
      this.#clients.push(new SharedClient(client, () => this.#destroyed++))
    } catch (error) {
      throw toConnectError(error)
    }
  }
}

/** How many statements of this pace a connection takes before another one is used. */
function depthFor(paceMs: number): number {
  if (paceMs === 0) return UNKNOWN_DEPTH
  return Math.max(2, Math.min(DEEPEST, Math.floor(FILLED_MS / paceMs)))
}
