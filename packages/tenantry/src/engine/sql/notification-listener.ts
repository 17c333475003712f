// One LISTEN on a connection of its own, which comes back by itself for as long as the listener is open.
import { setTimeout as delay } from 'node:timers/promises'
import { TenantryError } from '../../kernel/errors.ts'
import { quoteIdentifier } from '../../kernel/identifiers.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { Subscription } from './database.ts'
import { toConnectError } from './database-errors.ts'
import { Client, type ClientConfig } from './pg.ts'

export interface NotificationListenerOptions {
  readonly connection: ClientConfig
  readonly connectTimeoutMs: number
  readonly channel: string
  readonly onNotify: (payload: string) => void
  /** Runs after each reconnection; what was notified in between is lost. */
  readonly onReconnect: () => void
  readonly logger: Logger
}

const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 5_000
// A peer that vanished without a word (firewall, power) is found by asking; TCP keepalive alone takes minutes.
const HEARTBEAT_MS = 20_000
const HEARTBEAT_ANSWER_MS = 5_000

/**
 * Connects and LISTENs; later losses are mended in the background with a growing pause.
 * Rejects with DATABASE_UNAVAILABLE or DATABASE_AUTH_FAILED when the first connection fails.
 */
export async function openNotificationListener(options: NotificationListenerOptions): Promise<Subscription> {
  const listener = new NotificationListener(options)
  await listener.open()
  return listener
}

class NotificationListener implements Subscription {
  readonly #options: NotificationListenerOptions
  readonly #closed = new AbortController()
  #client: InstanceType<typeof Client> | undefined
  #heartbeat: NodeJS.Timeout | undefined
  #mending: Promise<void> | undefined
  #connected = false

  constructor(options: NotificationListenerOptions) {
    this.#options = options
  }

  async open(): Promise<void> {
    const client = new Client({ ...this.#options.connection, connectionTimeoutMillis: this.#options.connectTimeoutMs })
    client.on('error', () => {})
    this.#client = client
    try {
      await client.connect()
      client.on('notification', ({ payload }) => this.#options.onNotify(payload ?? ''))
      await client.query(`listen ${quoteIdentifier(this.#options.channel)}`)
    } catch (error) {
      discard(client)
      throw toConnectError(error)
    }
    client.once('end', () => this.#lost(client))
    this.#connected = true
    this.#beat(client)
  }

  get isConnected(): boolean {
    return this.#connected
  }

  async close(): Promise<void> {
    this.#connected = false
    this.#closed.abort()
    clearTimeout(this.#heartbeat)
    if (this.#client !== undefined) discard(this.#client)
    await this.#mending
  }

  #lost(client: InstanceType<typeof Client>): void {
    if (client !== this.#client || this.#closed.signal.aborted) return
    this.#connected = false
    clearTimeout(this.#heartbeat)
    this.#options.logger.warn('notification connection lost, reconnecting')
    this.#mending = this.#mend()
  }

  async #mend(): Promise<void> {
    for (let pauseMs = FIRST_RETRY_MS; !this.#isClosed(); pauseMs = Math.min(pauseMs * 2, LAST_RETRY_MS)) {
      // Spread out, so that many processes do not come back in the same instant.
      await delay(pauseMs * (0.5 + Math.random()), undefined, { ref: false, signal: this.#closed.signal }).catch(
        () => {},
      )
      if (this.#isClosed()) return
      try {
        await this.open()
      } catch (error) {
        const reason = error instanceof TenantryError ? error.code : 'unknown'
        this.#options.logger.warn('notification connection not back yet', { reason })
        continue
      }
      if (!this.#isClosed()) this.#options.onReconnect()
      return
    }
  }

  #isClosed(): boolean {
    return this.#closed.signal.aborted
  }

  #beat(client: InstanceType<typeof Client>): void {
    this.#heartbeat = setTimeout(() => void this.#ask(client), HEARTBEAT_MS)
    this.#heartbeat.unref()
  }

  async #ask(client: InstanceType<typeof Client>): Promise<void> {
    const overdue = setTimeout(() => discard(client), HEARTBEAT_ANSWER_MS)
    try {
      await client.query('')
      if (!this.#isClosed() && client === this.#client) this.#beat(client)
    } catch {
      discard(client)
    } finally {
      clearTimeout(overdue)
    }
  }
}

// Closing politely waits for an answer that a dead server never gives; a listening connection has nothing to lose.
function discard(client: InstanceType<typeof Client>): void {
  client.connection.stream.destroy()
}
