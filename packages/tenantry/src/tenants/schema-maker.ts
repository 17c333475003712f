// How the schema of a new tenant comes to be; provisioning asks, and a feature that knows what belongs into it answers.
import type { Sql } from '../engine/sql/database.ts'
import type { Tenant } from './tenant.ts'

/**
 * `whole`: it is there with all that it needs, guards included, and proven. `empty`: the participants fill it.
 * `unprepared`: nothing was done, and `prepare` has to run first.
 */
export type MadeSchema = 'whole' | 'empty' | 'unprepared'

export interface SchemaMaker {
  /** The id of a tenant for which a schema is ready, taken by this transaction; undefined where none is. */
  reserve(tx: Sql): Promise<string | undefined>
  /** Does what cannot be part of a provisioning's transaction. */
  prepare(): Promise<void>
  /** Makes the schema. Throws SCHEMA_EXISTS. */
  make(tx: Sql, tenant: Tenant): Promise<MadeSchema>
  /** Notes that a schema which participants filled is as it should be, where it is. */
  prove(tx: Sql, tenant: Tenant): Promise<void>
  /** Whether what new schemas are made from is still what this one was made from. It stays so until the transaction ends. */
  isNewest(tx: Sql, tenant: Tenant): Promise<boolean>
}
