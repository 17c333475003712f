// What the HTTP surface needs of an instance, as small as it can be: a whole Tenantry has all of it.
import type { Credentials } from '../../features/credentials/credential.ts'
import type { AdminKeys } from '../../features/keys/admin-keys.ts'
import type { HealthReport } from '../../kernel/health.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { VerifyOptions } from '../../features/verify/create-verifier.ts'
import type { VerifyReport } from '../../features/verify/report.ts'
import type { Tenants } from '../../tenants/tenants.ts'

export interface ControlPlane {
  readonly tenants: Tenants
  readonly credentials: Credentials
  readonly keys: Pick<AdminKeys, 'verify'>
  readonly logger: Logger
  readonly version: string
  verify(options: VerifyOptions): Promise<VerifyReport>
  lastVerification(): Promise<VerifyReport>
  health(): Promise<HealthReport>
}

export interface HandlerOptions {
  /** Largest body that is read; default 1 MiB. */
  readonly bodyLimitBytes?: number
  /** Admin keys that live no longer than this process, such as the one that `run.json` hands to the command line. */
  readonly ephemeralKeys?: readonly string[]
  /** True once the server takes no new work; /ready then says so. */
  readonly isDraining?: () => boolean
}
