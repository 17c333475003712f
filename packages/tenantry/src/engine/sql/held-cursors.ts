// No text may say WITH HOLD, so a held cursor was opened out of sight, perhaps for another tenant, and shows rows of the
// moment. Asked once a client, before the first statement that reads a cursor.
import { TenantryError } from '../../kernel/errors.ts'
import { sendFlight } from './flight.ts'
import type { ScopedClient } from './scoped-client.ts'

const HELD_CURSORS = 'select from pg_catalog.pg_cursors where is_holdable'

export class HeldCursors {
  readonly #client: ScopedClient
  #found: 'unknown' | 'none' | 'some' = 'unknown'

  constructor(client: ScopedClient) {
    this.#client = client
  }

  /** Whether one was seen. */
  get seen(): boolean {
    return this.#found === 'some'
  }

  /** Throws STATEMENT_REFUSED where the session has one. */
  async refuse(isInTransaction: boolean): Promise<void> {
    // A session that is borrowed is another one in each transaction; outside of one, none is the caller's.
    const { borrowed } = this.#client
    const isElsewhere = borrowed !== undefined && !isInTransaction
    if (!isElsewhere && (borrowed || this.#found === 'unknown')) {
      const { rows } = await sendFlight(this.#client, { config: { text: HELD_CURSORS }, statementName: HELD_CURSORS })
      this.#found = rows.length === 0 ? 'none' : 'some'
    }
    if (!isElsewhere && this.#found === 'none') return
    throw new TenantryError('STATEMENT_REFUSED', 'A cursor that was opened WITH HOLD out of sight is still open.', {
      fix: 'Send it again on another client; let no function open cursors WITH HOLD.',
    })
  }
}
