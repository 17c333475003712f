// What the HTTP surface needs of an instance, as small as it can be: a whole Tenantry has all of it.
import type { Changes } from '../../features/changes/change.ts'
import type { Credentials } from '../../features/credentials/credential.ts'
import type { ApiKeys } from '../../features/keys/api-key.ts'
import type { Operators, Support } from '../../features/operators/operator.ts'
import type { Resolve } from '../../features/resolution/resolution.ts'
import type { FleetMigrations } from '../../features/migrations/fleet.ts'
import type { Invitations } from '../../features/invitations/invitation.ts'
import type { Members, Roles } from '../../features/members/member.ts'
import type { Organizations, Teams } from '../../features/organizations/organization.ts'
import type { Fleet } from '../../features/fleet/fleet.ts'
import type { Idempotency } from '../../features/idempotency/idempotency.ts'
import type { HealthReport } from '../../kernel/health.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { VerifyOptions } from '../../features/verify/create-verifier.ts'
import type { VerifyReport } from '../../features/verify/report.ts'
import type { VerifiedUser } from '../../tenants/access.ts'
import type { Tenants } from '../../tenants/tenants.ts'

export interface ControlPlane {
  readonly tenants: Tenants
  readonly credentials: Credentials
  readonly keys: ApiKeys
  /** What becomes of a request. Without it, /api/current does not exist. */
  readonly resolve?: Resolve
  /** Whose a token is; HandlerOptions may name another verifier. */
  readonly users?: UserVerifier | undefined
  /** Who may take up central power, and whose elevation a token is. Without it, none opens anything. */
  readonly operators?: Operators
  readonly support?: Support
  readonly members: Members
  readonly roles: Roles
  readonly invitations: Invitations
  readonly organizations: Organizations
  readonly teams: Teams
  readonly changes: Changes
  readonly fleet: Fleet
  readonly idempotency: Idempotency
  /** Migrations over the fleet. Without it, their routes do not exist. */
  readonly migrations: FleetMigrations
  readonly logger: Logger
  readonly version: string
  verify(options: VerifyOptions): Promise<VerifyReport>
  lastVerification(): Promise<VerifyReport>
  health(): Promise<HealthReport>
}

/** Tells whose token a request carries; the application's own issuer of tokens stands behind it. */
export interface UserVerifier {
  /** Throws TOKEN_INVALID, TOKEN_EXPIRED, and KEYS_UNAVAILABLE where the issuer cannot be asked. */
  verify(token: string): Promise<VerifiedUser>
}

export interface HandlerOptions {
  /** Lets users of the application in with their own tokens. Default: by the settings `resolution.jwt`, if they are there. */
  readonly users?: UserVerifier

  /** Largest body that is read; default 1 MiB. */
  readonly bodyLimitBytes?: number
  /** Admin keys that live no longer than this process, such as the one that `run.json` hands to the command line. */
  readonly ephemeralKeys?: readonly string[]
  /** True once the server takes no new work; /ready then says so. */
  readonly isDraining?: () => boolean
}
