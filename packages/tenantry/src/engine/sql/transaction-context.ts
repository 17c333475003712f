// Which prelude a transaction of a checked-out client runs under, and so which statements carry one: the first that can
// touch data, and each one behind a statement that could have re-pointed role or context.
import type { PreludeSetting } from './flush-writer.ts'
import type { Prelude } from './prelude.ts'
import type { Statement } from './statement.ts'

export class TransactionContext implements PreludeSetting {
  /** The prelude that the open transaction already runs under. */
  #asserted: Prelude | undefined
  /** Whether the open transaction has run a prelude before, and so runs as `app` by now. */
  #entered = false
  /** Whether a prelude of the open transaction set a timeout. */
  #limited = false
  /** Of the prelude that preludeFor() gave last. */
  reasserts = false
  restoresTimeout = false
  /** Whether the newest statement with a prelude of its own, or under one, could only read. */
  isReadOnly = false

  /** The transaction has ended, or begins. */
  reset(): void {
    this.#asserted = undefined
    this.#entered = this.#limited = false
  }

  /** Asked at the moment of sending, when the transaction's state is known. */
  preludeFor(statement: Statement, prelude: Prelude, inTransaction: boolean): Prelude | undefined {
    if (statement.control !== undefined) {
      if (statement.control === 'end') this.reset()
      if (statement.control === 'rollback-to') this.#asserted = undefined
      // RELEASE gives the transaction back what it was allowed when the savepoint was set, which may be to write.
      if (statement.control === 'savepoint' && this.#asserted?.readOnly) this.#asserted = undefined
      return undefined
    }
    this.isReadOnly = prelude.readOnly
    const stillAsserted = inTransaction && this.#asserted === prelude
    this.reasserts = inTransaction && this.#entered
    this.#entered = inTransaction
    this.#limited = inTransaction && (this.#limited || prelude.limitsTime)
    this.restoresTimeout = this.#limited && !prelude.limitsTime
    // A statement that could have re-pointed role or context must not carry over into the next one.
    this.#asserted = inTransaction && !statement.opaque ? prelude : undefined
    return stillAsserted ? undefined : prelude
  }
}
