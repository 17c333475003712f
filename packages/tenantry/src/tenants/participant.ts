// A feature that owns tenant data takes part in the tenant's life through this hook. Lifecycle walks the
// participants in the order they were registered, and backwards when it removes.
import type { Sql } from '../engine/sql/database.ts'
import type { Tenant } from './tenant.ts'

/** Whose act a participant takes part in, and when. */
export interface ParticipantAct {
  readonly actor: string
  readonly at: Date
}

/** Methods that are given `tx` run inside the step's transaction under the tenant's row lock. All must be idempotent. */
export interface Participant {
  /** Stable name; it is written to the journal. */
  readonly name: string
  /** Whether all that `provision` makes is in a schema that was made whole, and it is left out then. */
  readonly fillsSchema?: true
  /** The tenant was created with, or given, the `ownerUserId` that it has here. */
  ownerNamed?(tx: Sql, tenant: Tenant, act: ParticipantAct): Promise<void>
  /** Makes what the tenant needs. Schema tenants have their empty schema by now. */
  provision?(tx: Sql, tenant: Tenant): Promise<void>
  /** Undoes `provision` of this attempt, when a later step of it failed. */
  undoProvision?(tx: Sql, tenant: Tenant): Promise<void>
  archive?(tx: Sql, tenant: Tenant): Promise<void>
  restore?(tx: Sql, tenant: Tenant): Promise<void>
  /** The tenant has another status (suspend, activate, deactivate, delete, restore) or mode. It is given as it is then. */
  statusChanged?(tx: Sql, tenant: Tenant): Promise<void>
  /** After that was committed, and after each repetition of the verb: for what no transaction can do or undo. */
  afterStatusChange?(tenant: Tenant): Promise<void>
  /** Does what has come due, and what a stopped process left undone. Called at every start, and hourly by a server. */
  resume?(): Promise<void>
  purge?(tx: Sql, tenant: Tenant): Promise<void>
  /** What is still there after a purge; an empty list is the proof. Names of things, never their contents. */
  leftovers?(tx: Sql, tenant: Tenant): Promise<readonly string[]>
}
