// What a migration is, wherever it comes from.
import type { Sql } from '../../engine/sql/database.ts'

/** Who wrote the folder. `tenantry`: numbered SQL and TypeScript files. */
export type MigrationFormat = 'tenantry' | 'drizzle' | 'prisma' | 'kysely' | 'knex'

/** What a migration in code runs its SQL through: one connection, in the migration's transaction and schema. */
export interface MigrationClient extends Sql {
  /** The tenant's schema, which `search_path` names; undefined for shared migrations. */
  readonly schemaName: string | undefined
  /** False where the migration says `no-transaction`: it may begin some of its own then. */
  readonly isInTransaction: boolean
}

export interface MigrationFile {
  /** `0001_invoices.sql`; of Prisma Migrate the folder's name. */
  readonly name: string
  /** What runs, but for `pieces` and `run`. */
  readonly text: string
  /** SHA-256 of the text as it stands in the file, with line ends as `\n`, so that a checkout on Windows is the same. */
  readonly checksum: string
  readonly format: MigrationFormat
  /** False where it says `no-transaction`: it runs by `runOutsideTransaction` then. */
  readonly transaction: boolean
  /** How long a statement of it waits for a lock; default: the run's. */
  readonly lockTimeoutMs?: number
  /** How long a migration in code may go without a statement under way; default: a minute. */
  readonly idleTimeoutMs?: number
  /** The text, cut where it names the schema "public": in a tenant's schema that schema's name goes between. */
  readonly pieces?: readonly string[]
  /** For a migration in code: runs it. */
  readonly run?: (client: MigrationClient) => Promise<void>
}

export interface MigrationFiles {
  readonly shared: readonly MigrationFile[]
  readonly tenant: readonly MigrationFile[]
  /** SQL files in folders that are not read. Absent where there are none. */
  readonly strays?: readonly string[]
}
