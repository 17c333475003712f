// What createTenantry takes, with every default.
import type { EmbeddedOptions } from '../embedded/embedded-server.ts'
import type { PoolerSetting } from '../engine/sql/pooler.ts'
import type { CredentialSink } from '../features/credentials/sink.ts'
import type { MigrationSettings } from '../features/migrations/migration-files.ts'
import type { ResolutionSettings } from '../features/resolution/settings.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Participant } from '../tenants/participant.ts'
import type { Isolation } from '../tenants/tenant.ts'

export interface CredentialSettings {
  /**
   * Where tenants reach the database, for their connection strings: `postgres://db.example.com:5432/app?sslmode=verify-full`.
   * Default: `adminUrl`. User and password in it are not used.
   */
  readonly serverUrl?: string
  /** A secret store that takes each credential before it comes to be. Default: none. */
  readonly sink?: CredentialSink
}

export interface TenantrySettings {
  /**
   * Connection of the scoped login. Default: the login that Tenantry made, at the server of `adminUrl`. Any other user
   * must have no more rights than that one, or start() throws LOGIN_TOO_POWERFUL.
   */
  readonly databaseUrl?: string
  /**
   * Whether `databaseUrl` leads through a pooler in transaction mode, where nothing may be prepared by name; default
   * `auto`, found out at start. `none` for one in session mode, which `auto` would take for the other.
   */
  readonly pooler?: PoolerSetting
  /** Connection of the control plane: direct, not through a transaction pooler. */
  readonly adminUrl?: string
  /** Runs a PostgreSQL of its own under `.tenantry/`, for development and tests; then no URL is needed. */
  readonly embedded?: boolean | EmbeddedOptions
  /** How new tenants are kept apart; default `row`. */
  readonly isolation?: Isolation
  /** Whether creating a tenant also provisions it; default true. */
  readonly autoProvision?: boolean
  /**
   * Folder with `shared/` and `tenant/`, or where each of them lies and who writes it; default `migrations`, which need not
   * exist.
   */
  readonly migrations?: string | MigrationSettings
  /** Schemas that every tenant's search_path ends with; default `public`. */
  readonly sharedSchemas?: readonly string[]
  /** Slugs no tenant may take; default: names of hosts and paths such as `www`, `api`, `admin`. */
  readonly reservedSlugs?: readonly string[]
  /** Days a deleted tenant can be restored; default 30. */
  readonly purgeAfterDays?: number
  /** Most connections that belong to one scope at a time (transactions, cursors, COPY); default 10. Others wait. */
  readonly maxClients?: number
  /** Shared pipelined connections for single statements; default 4; 0 sends each over a client of its own. */
  readonly sharedConnections?: number
  /** Longest time a tenant's statement may run, in milliseconds; default: the server's. */
  readonly statementTimeoutMs?: number
  /** How long a cached tenant is served without asking the database, in milliseconds; default 30,000. */
  readonly registryTtlMs?: number
  /** How requests are resolved to tenants. */
  readonly resolution?: ResolutionSettings
  /** Logins of tenants' own. */
  readonly credentials?: CredentialSettings
  /**
   * Runs `verify` at this interval, in milliseconds, in one of the processes that have it set. Failures go to the log,
   * the outbox and the audit log. Default: never.
   */
  readonly verifyEveryMs?: number
  /**
   * Whether start() applies the pending shared migrations; default true. With false they wait for `migrations.up()`, and
   * what needs their tables fails until then.
   */
  readonly migrateOnStart?: boolean
  /**
   * How many tenant schemas to keep ready, each to be handed out by a rename; default none. They are made in the
   * background, by one process at a time. An explicit 0 drops those that are left.
   */
  readonly warmSchemas?: number
  /** Features that own tenant data and take part in its life. */
  readonly participants?: readonly Participant[]
  /**
   * Whether start() compares the policies of all tables with what Tenantry makes, and throws VERIFY_FAILED where one was
   * altered; default true. False to start all the same, for mending.
   */
  readonly checkPolicies?: boolean
  /** Default: silent. */
  readonly logger?: Logger
}

/** Schemas that every tenant's search_path ends with. */
export const sharedSchemasOf = ({ sharedSchemas = ['public'] }: TenantrySettings): readonly string[] => sharedSchemas
