// The leaks seen in real projects, over every way in, for both isolations. One connection of each kind, so that every
// statement meets what the one before it left.
import { afterAll, beforeAll, describe, test } from 'vitest'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { isolationSuite } from '../../src/testing/isolation-suite.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { waysIn } from '../support/ways-in.ts'

let database: TestDatabase
let tenantry: Tenantry

beforeAll(async () => {
  database = await createTestDatabase()
  tenantry = createTenantry({
    adminUrl: database.adminUrl,
    migrations: '/nonexistent',
    maxClients: 1,
    sharedConnections: 1,
  })
})

afterAll(async () => {
  await tenantry.close()
  await database.drop()
})

describe.each(waysIn.map((way) => [way(unopened()).name, way] as const))('through %s', (_name, way) => {
  for (const each of isolationSuite({ tenantry: () => tenantry, way })) test(each.name, () => each.run())
})

/** For the names alone, which are asked for before anything is open. */
function unopened(): Tenantry {
  return createTenantry({ adminUrl: 'postgresql://unused' })
}
