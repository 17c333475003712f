// What the tenants' part of the library is built from, handed to each of its files.
import type { CentralDatabase } from '../engine/sql/database.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Participant } from './participant.ts'
import type { SchemaMaker } from './schema-maker.ts'
import type { Isolation } from './tenant.ts'

export interface TenantDefaults {
  readonly isolation: Isolation
  readonly autoProvision: boolean
  readonly reservedSlugs: readonly string[]
  /** How long a deleted tenant can be restored. */
  readonly purgeAfterDays: number
}

/** The instance's roles, as the control plane named them. */
export interface TenantRoles {
  readonly app: string
  readonly central: string
}

export interface TenantsOptions {
  readonly database: CentralDatabase
  readonly participants: readonly Participant[]
  readonly roles: TenantRoles
  /** Makes the schemas of new tenants. Default: an empty one, which the participants fill. */
  readonly schemas?: SchemaMaker | undefined
  readonly defaults: TenantDefaults
  readonly clock: Clock
  readonly logger: Logger
  /** Who acts where a call does not say. Default: `library`. */
  readonly actor?: string
  /** How long a verb waits for another one on the same tenant before TENANT_BUSY. Default: 10 s. */
  readonly lockTimeoutMs?: number
  /** Runs after a change has been committed, so that this process need not wait for its own notification. */
  readonly onChange?: (tenantId: string) => void
  /** Called at each point of a journalled operation, before and after its commit; crash tests stop the process there. */
  readonly onStep?: (point: string) => void | Promise<void>
}
