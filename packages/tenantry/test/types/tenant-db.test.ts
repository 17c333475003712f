// The brand of a tenant's database handle: what is not inside a tenant does not compile where a TenantDb is asked for,
// and throws in any case. The expectations about types are checked by `npm run check:types`.
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, expectTypeOf, test } from 'vitest'
import type { RunningScope, ScopeHandle, TenantDb, Tenantry } from '../../src/index.ts'
import { type NoteTenants, openNoteTenants } from '../support/note-tenants.ts'

let notes: NoteTenants
let tenantry: Tenantry

beforeAll(async () => {
  notes = await openNoteTenants()
  ;({ tenantry } = notes)
})

afterAll(() => notes.close())

const texts = async (db: TenantDb) => (await db.query('select text from note')).rows
const drizzled = async (db: TenantDb<NodePgDatabase>) => (await db.execute(sql`select text from note`)).rows

test('a scope handle, and the handle that run() passes, are a TenantDb; the pool is none', async () => {
  expectTypeOf<ScopeHandle>().toExtend<TenantDb>()
  expectTypeOf<RunningScope>().toExtend<TenantDb>()
  expectTypeOf<Tenantry['pool']>().not.toExtend<TenantDb>()
  expectTypeOf<{ query: TenantDb['query'] }>().not.toExtend<TenantDb>()
  expect(await texts(tenantry.scope('acme'))).toEqual([{ text: 'acme' }])
  expect(await tenantry.run('globex', (scope) => texts(scope))).toEqual([{ text: 'globex' }])
})

test('an ORM becomes one by use(), inside a run only', async () => {
  const db = drizzle({ client: tenantry.pool })
  expectTypeOf<typeof db>().not.toExtend<TenantDb<NodePgDatabase>>()
  expectTypeOf<ScopeHandle>().not.toHaveProperty('use')
  expect(await tenantry.run('acme', (scope) => drizzled(scope.use(db)))).toEqual([{ text: 'acme' }])
  // What the compiler was talked into is refused all the same.
  const escaped = await tenantry.run('acme', (scope) => Promise.resolve(scope.use(db)))
  await expect(drizzled(escaped)).rejects.toMatchObject({ cause: { code: 'TENANT_CONTEXT_MISSING' } })
})

test('the handle of run() names its tenant and keeps to it', async () => {
  const seen = await tenantry.run('acme', async (scope) => {
    const [mine] = await scope.batch(['select text from note'])
    return { slug: scope.slug, id: scope.tenantId, rows: mine?.rows as unknown }
  })
  expect(seen).toEqual({ slug: 'acme', id: notes.ids.acme, rows: [{ text: 'acme' }] })
  await tenantry.run('acme', (outer) =>
    tenantry.run('globex', { switch: true }, async () => {
      await expect(texts(outer)).rejects.toMatchObject({ code: 'SCOPE_CONFLICT' })
    }),
  )
})
