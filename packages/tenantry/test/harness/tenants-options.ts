// The options that tests build tenants from; free of the test runner, so that child processes can use them.
import type { Instance } from '../../src/control/instance.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { reservedSlugs } from '../../src/kernel/identifiers.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import type { TenantsOptions } from '../../src/tenants/options.ts'

/** What a composition root hands to createTenants, without participants. */
export function tenantsOptions(admin: CentralDatabase, instance: Instance): TenantsOptions {
  return {
    database: admin,
    participants: [],
    roles: instance.roles,
    defaults: { isolation: 'row', autoProvision: true, reservedSlugs, purgeAfterDays: 30 },
    clock: systemClock,
    logger: silentLogger,
  }
}
