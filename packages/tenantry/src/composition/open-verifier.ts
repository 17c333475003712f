// The verifier alone, without a running instance: what is wrong with a login, a role or a policy would keep an instance
// from starting, and here it is to be reported. It applies no migrations.
import { readInstance } from '../control/instance.ts'
import { openCentralDatabase } from '../engine/sql/central-database.ts'
import { createVerifier, type Verifier } from '../features/verify/create-verifier.ts'
import { silentLogger } from '../kernel/logger.ts'
import { connectionOf, throughPooler } from './runtime.ts'
import type { TenantrySettings } from './settings.ts'

export interface OpenVerifier extends Verifier {
  close(): Promise<void>
}

/** Opens it. Throws NOT_INITIALIZED, CONTROL_PLANE_OUTDATED and what a database that is away throws. */
export async function openVerifier(
  adminUrl: string,
  settings: Pick<TenantrySettings, 'databaseUrl' | 'pooler' | 'sharedSchemas' | 'logger'> = {},
): Promise<OpenVerifier> {
  const logger = settings.logger ?? silentLogger
  const central = openCentralDatabase({ url: adminUrl, logger, applicationName: 'tenantry verify' })
  try {
    const instance = await readInstance(central)
    const connection = await throughPooler(connectionOf(adminUrl, settings, instance), settings)
    const sharedSchemas = settings.sharedSchemas ?? ['public']
    const verifier = createVerifier({ central, instance, connection, sharedSchemas, logger })
    return { ...verifier, close: () => central.close() }
  } catch (error) {
    await central.close()
    throw error
  }
}
