// What doctor finds out about the two URLs themselves: whether a pooler stands before the server where none may, and
// whether scopes stay apart through the one that may.
import { toTenantryError } from '../engine/sql/database-errors.ts'
import { Entrance } from '../engine/sql/entrance.ts'
import { detectPooler, endAll, openTwo } from '../engine/sql/pooler.ts'
import { testIsolation } from '../engine/sql/self-test.ts'
import { TenantryError } from '../kernel/errors.ts'
import { type Check, check } from './admin-requirements.ts'
import type { Instance } from './instance.ts'

/** LISTEN and migrations need sessions of their own. */
export async function checkAdminUrl(adminUrl: string, database: string): Promise<Check> {
  const pooled = await detectPooler({ connectionString: adminUrl })
  return check('admin URL leads to PostgreSQL itself', !pooled, {
    subject: database,
    fix: 'Give DATABASE_ADMIN_URL the address of the server, not of a pooler: LISTEN and migrations need a session of their own.',
  })
}

/** The self-test of the start, over DATABASE_URL. */
export async function checkScopes(databaseUrl: string, instance: Instance): Promise<Check> {
  const name = 'scopes stay apart over DATABASE_URL'
  try {
    const pooled = await detectPooler({ connectionString: databaseUrl })
    const clients = await openTwo({ connectionString: databaseUrl, pooled, pipeline: true })
    try {
      await testIsolation({ clients, entrance: entranceOf(instance), appRole: instance.roles.app })
    } finally {
      await endAll(clients)
    }
    return { name, ok: true, subject: pooled ? 'through a pooler' : 'without a pooler' }
  } catch (error) {
    const mapped = toTenantryError(error)
    const { message, fix } =
      mapped instanceof TenantryError ? mapped : { message: 'the test failed', fix: 'Mend what the other checks name.' }
    return { name, ok: false, subject: message, fix }
  }
}

function entranceOf({ signingKey, roles, clockOffsetMs }: Instance): Entrance {
  return new Entrance({ signingKey, appRole: roles.app, sharedSchemas: [], clockOffsetMs })
}
