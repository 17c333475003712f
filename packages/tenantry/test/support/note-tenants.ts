// An instance with three row tenants, one note each, in a database of its own.
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

export const noteTenants = ['acme', 'globex', 'initech'] as const

export interface NoteTenants {
  readonly database: TestDatabase
  readonly tenantry: Tenantry
  /** By slug. */
  readonly ids: Readonly<Record<(typeof noteTenants)[number], string>>
  /** Another instance over the same database, which the caller closes. */
  open(): Tenantry
  close(): Promise<void>
}

/** The table note (id int, text text); each tenant has the row whose text is its slug, ids 0 to 2. */
export async function openNoteTenants(): Promise<NoteTenants> {
  const database = await createTestDatabase()
  const open = () => createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent', maxClients: 4 })
  const tenantry = open()
  await tenantry.asCentral('a table', (central) => central.query('create table note (id int primary key, text text)'))
  await tenantry.protect('note')
  const ids = { acme: '', globex: '', initech: '' }
  for (const [index, slug] of noteTenants.entries()) {
    ids[slug] = (await tenantry.tenants.create({ name: slug, slug })).id
    await tenantry.scope(slug).query('insert into note (id, text) values ($1, $2)', [index, slug])
  }
  const close = async () => {
    await tenantry.close()
    await database.drop()
  }
  return { database, tenantry, ids, open, close }
}
