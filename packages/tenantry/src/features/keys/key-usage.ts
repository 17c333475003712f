// When keys were last used, by the minute. Noted in memory where a request passes, and written for all keys at once,
// behind it: no request waits for a write, and a busy key is not written more than once a minute.
import type { Sql } from '../../engine/sql/database.ts'
import type { Logger } from '../../kernel/logger.ts'

// Rows that somebody else changes right now are left out: their next use is soon enough.
const WRITE = `
  update tenantry.api_key set last_used_at = date_trunc('minute', now())
   where id in (select id from tenantry.api_key
                 where id = any($1::uuid[]) and (last_used_at is null or last_used_at < date_trunc('minute', now()))
                 order by id for update skip locked)`

export interface KeyUsageOptions {
  readonly database: Sql
  readonly logger: Logger
  /** How long uses are gathered before they are written. Default: 1 s. */
  readonly gatherMs?: number
}

export class KeyUsage {
  readonly #options: KeyUsageOptions
  #used = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(options: KeyUsageOptions) {
    this.#options = options
  }

  note(keyId: string): void {
    this.#used.add(keyId)
    this.#timer ??= setTimeout(() => void this.#write(), this.#options.gatherMs ?? 1_000).unref()
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    await this.#write()
  }

  #write(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const ids = [...this.#used]
    this.#used = new Set()
    if (ids.length > 0) this.#writing = this.#writing.then(() => this.#send(ids))
    return this.#writing
  }

  async #send(ids: readonly string[]): Promise<void> {
    try {
      await this.#options.database.query(WRITE, [ids])
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown'
      this.#options.logger.warn('the last use of keys was not written', { keys: ids.length, reason })
    }
  }
}
