// An instance with two row tenants and a protected table that holds a row of each, for tests of direct credentials.
import { inject } from 'vitest'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { type DirectSession, directSessions } from './direct-sessions.ts'
import { createInstanceDatabase, type InstanceDatabase } from './instance-database.ts'

export interface CredentialFixture {
  readonly database: InstanceDatabase
  readonly tenantry: Tenantry
  readonly sessions: DirectSession
  /** Drops what a test left of a tenant's logins, so that the cluster is as it was. */
  clear(slug: string): Promise<void>
  /** Username and state of each login of a tenant. */
  states(slug: string): Promise<readonly (readonly [string, string])[]>
  roleExists(name: string): Promise<boolean>
  /** Makes a table of a tenant's own schema, guarded as after a migration. */
  migrate(slug: string, ddl: string): Promise<void>
  /** Arranges something in another database of the server. */
  elsewhere(text: string): Promise<void>
  close(): Promise<void>
}

/** What the work throws, or undefined. */
export const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

/** Call in beforeAll, and `close()` in afterAll. */
export async function openCredentialFixture(): Promise<CredentialFixture> {
  const database = await createInstanceDatabase()
  await database.admin.query('create table invoices (id int generated always as identity primary key, text text)')
  const tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent' })
  await tenantry.protect('invoices')
  for (const slug of ['acme', 'globex']) {
    await tenantry.tenants.create({ name: slug, slug })
    await tenantry.scope(slug).query('insert into invoices (text) values ($1)', [slug])
  }
  const sessions = directSessions()
  const clear = async (slug: string) => {
    for (const { username } of await tenantry.credentials.list(slug)) {
      await tenantry.credentials.drop(slug, { username })
    }
  }
  return {
    ...{ database, tenantry, sessions, clear },
    states: async (slug) =>
      (await tenantry.credentials.list(slug)).map(({ username, state }) => [username, state] as const),
    roleExists: async (name) =>
      (await database.superuser.query('select from pg_roles where rolname = $1', [name])).rows.length > 0,
    async migrate(slug, ddl) {
      const { id, schemaName } = await tenantry.tenants.get(slug)
      await database.admin.transaction(async (tx) => {
        await tx.query(`set local search_path = ${schemaName}; ${ddl}`)
        await tx.query(
          `select tenantry.guard_schema($1, $2, 'tn_' || i.id || '_app', 'tn_' || i.id || '_central')
             from tenantry.instance i`,
          [id, schemaName],
        )
      })
    },
    async elsewhere(text) {
      const url = new URL(inject('clusterUrl'))
      url.pathname = 'postgres'
      await database.open(url.href).query(text)
    },
    async close() {
      await sessions.close()
      for (const { slug } of (await tenantry.tenants.list({ limit: 100 })).items) await clear(slug)
      await tenantry.close()
      await database.drop()
    },
  }
}
