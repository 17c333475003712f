// What one connection has parsed. pg keeps such a book of its own, but it books a whole flush under one name; a
// flush of ours holds several statements, so it is kept here.
import type { RowDescription } from './pg.ts'

export interface PreparedStatement {
  readonly name: string
  readonly text: string
  /** The answer to Describe: undefined until seen, null for a statement without rows. */
  fields: RowDescription | null | undefined
}

export class PreparedStatements {
  readonly #known = new Map<string, PreparedStatement>()
  readonly #limit: number
  readonly #named: boolean
  #closing: string[] = []

  /**
   * @param limit how many named statements a connection may hold
   * @param named false where the next flush may meet another session, which knows nothing of what this one parsed
   */
  constructor(limit: number, named = true) {
    this.#limit = limit
    this.#named = named
  }

  /** The name a statement goes by on the wire; empty for the unnamed one, which each Parse replaces. */
  nameFor(name: string | undefined): string {
    return this.#named && name !== undefined ? name : ''
  }

  /** The statement, as most recently used; undefined where it must be parsed. */
  find(name: string): PreparedStatement | undefined {
    const known = this.#known.get(name)
    if (known) {
      this.#known.delete(name)
      this.#known.set(name, known)
    }
    return known
  }

  add(name: string, text: string): PreparedStatement {
    const statement = { name, text, fields: undefined }
    this.#known.set(name, statement)
    if (this.#known.size > this.#limit) {
      const oldest = this.#known.keys().next().value
      if (oldest !== undefined) this.forget(oldest)
    }
    return statement
  }

  /** Drops a statement; the server is told with the next flush. Closing an unknown name is not an error there. */
  forget(name: string): void {
    if (this.#known.delete(name)) this.#closing.push(name)
  }

  forgetAll(): void {
    for (const name of [...this.#known.keys()]) this.forget(name)
  }

  /** Names to close with the next flush. */
  takeClosing(): readonly string[] {
    if (this.#closing.length === 0) return NONE
    const due = this.#closing
    this.#closing = []
    return due
  }
}

const NONE: readonly string[] = []
