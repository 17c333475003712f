// What the bridge suite asks of an ORM: a handful of operations on two related tables, each done in the ORM's own way.
import type { Pool } from '../engine/sql/pg.ts'
import type { Tenantry } from '../tenantry.ts'

/** A row of `suite_note (id integer, parent_id integer, body text)`. */
export interface SuiteNote {
  /** Chosen by the suite; every tenant has the same ones. */
  readonly id: number
  readonly parentId: number | null
  readonly body: string
}

/** A row of `suite_comment (id integer, note_id integer, text text)`. */
export interface SuiteComment {
  readonly id: number
  readonly noteId: number
  readonly text: string
}

/** A note with the comments that an ORM loaded with it. */
export interface SuiteThread extends Omit<SuiteNote, 'parentId'> {
  readonly comments: readonly Pick<SuiteComment, 'id' | 'text'>[]
}

/** What can be done in a transaction and outside of one. No operation names a tenant, except `insertAs`. */
export interface BridgeOperations {
  insert(note: SuiteNote): Promise<unknown>
  /** Inserts with the column `tenant_id` named. Only row tenants have one. */
  insertAs(tenantId: string, note: SuiteNote): Promise<unknown>
  list(): Promise<readonly Pick<SuiteNote, 'id' | 'body'>[]>
  /** By the key, in the way that the ORM batches or caches if it has one. */
  find(id: number): Promise<Pick<SuiteNote, 'id' | 'body'> | null | undefined>
  /** Sets the body of every note there is, without a condition; returns how many. */
  updateAll(body: string): Promise<number>
  /** Removes one note; returns how many that were. */
  remove(id: number): Promise<number>
  /** Removes every note there is, without a condition; returns how many. */
  removeAll(): Promise<number>
  /** The ORM's way to SQL text, with `$1` for parameters; returns the rows. */
  raw(sql: string, values: readonly unknown[]): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** A note and its comments in one call where the ORM has one, else in a transaction. */
  nestedInsert(note: SuiteNote, comments: readonly SuiteComment[]): Promise<unknown>
  /** Every note with its comments, through the ORM's relation or eager loading. */
  listThreads(): Promise<readonly SuiteThread[]>
}

/** An ORM that has been handed the pool. */
export interface BridgeSession extends BridgeOperations {
  /** Commits when the callback returns, rolls back and rethrows when it throws. */
  transaction<T>(run: (transaction: BridgeOperations) => Promise<T>): Promise<T>
  /** A query of all notes that runs when it is awaited, not awaited; left out where the ORM has none. */
  lazyList?(): PromiseLike<unknown>
  close(): Promise<void>
}

/** An ORM under test. */
export interface Bridge {
  readonly name: string
  /** Called once, outside of every tenant, as an application does at its start. */
  open(pool: Pool, tenantry: Tenantry): Promise<BridgeSession>
}
