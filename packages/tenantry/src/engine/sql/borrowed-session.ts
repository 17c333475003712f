// Behind a transaction pooler a session belongs to nobody: the next transaction, another process's perhaps, goes on with
// what the last one left in it. So whatever may outlive its transaction is refused here, or undone inside of it.
import type { Flight } from './scoped-query.ts'
import { TenantryError } from '../../kernel/errors.ts'

// A session lock would be taken on a session that is given away, and could not be released from here again.
const SESSION_LOCK = /\bpg_(try_)?advisory_lock/i

/**
 * What takes everything back that a session keeps, as far as a transaction may: deferred triggers first, which still
 * need role and context. None of it answers with a row.
 */
export const UNDO_SESSION_STATE = [
  ...['set constraints all immediate', 'close all', 'unlisten *', 'deallocate all', 'reset all', 'reset role'],
  'select 1 where pg_catalog.pg_advisory_unlock_all() is null',
] as const

export class BorrowedSession {
  readonly #transactionStatus: () => string | null
  /** Whether the transaction that is open has run something that leaves state. */
  #isStateful = false

  /** @param transactionStatus the connection's, as of the last ReadyForQuery */
  constructor(transactionStatus: () => string | null) {
    this.#transactionStatus = transactionStatus
  }

  /** An error for a statement that makes no sense on a session that is given away. */
  refuse(text: string): Error | undefined {
    if (!SESSION_LOCK.test(text)) return undefined
    return new TenantryError(
      'STATEMENT_REFUSED',
      'A session lock was refused: behind a pooler nobody keeps a session.',
      {
        fix: 'Use pg_advisory_xact_lock() or pg_try_advisory_xact_lock() inside a transaction.',
      },
    )
  }

  /** An error for a query object that sends itself and would leave something, which cannot be undone along with it. */
  refuseSubmitted(query: object, leavesState: boolean): Error | undefined {
    const isNamed = 'name' in query && typeof query.name === 'string' && query.name !== ''
    if (!isNamed && !leavesState) return undefined
    return new TenantryError(
      'STATEMENT_REFUSED',
      'A query object would leave something in a session that is given away.',
      {
        fix: 'Send the statement as text, or leave its name out.',
      },
    )
  }

  /** Whether the state of the session has to be undone in this flush. A rollback undoes settings by itself. */
  undoes(flight: Flight, begins: boolean): boolean {
    const status = this.#transactionStatus()
    const isStateful = flight.leavesState === true || flight.runsCode === true
    if (!begins && status === 'I') {
      this.#isStateful = false
      return isStateful
    }
    if (isStateful) this.#isStateful = true
    if (!flight.commit && !flight.ends) return false
    const isDue = this.#isStateful && status !== 'E'
    this.#isStateful = false
    return isDue
  }
}
