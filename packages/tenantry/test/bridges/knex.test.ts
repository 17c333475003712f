// Knex through its bridge.
import knex, { type Knex } from 'knex'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scopedKnex } from '../../src/bridges/knex.ts'
import type { Bridge } from '../../src/testing/index.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { describeBridge } from '../support/bridge-tests.ts'
import { knexOperations } from '../support/knex-operations.ts'
import { openNoteTenants, type NoteTenants } from '../support/note-tenants.ts'

// Knex prints every refusal, and here they are expected.
const log = { warn: () => {} }

const sessionOf = (db: Knex) => ({
  ...knexOperations(db),
  transaction: <T>(run: (tx: ReturnType<typeof knexOperations>) => Promise<T>) =>
    db.transaction((tx) => run(knexOperations(tx))),
  lazyList: () => db('suite_note').select('id', 'body'),
  close: () => db.destroy(),
})

const bridge: Bridge = { name: 'Knex', open: async (pool) => sessionOf(scopedKnex(knex, pool, { log })) }

describeBridge(bridge)

describe('scopedKnex', () => {
  let notes: NoteTenants
  let tenantry: Tenantry

  beforeAll(async () => {
    notes = await openNoteTenants()
    tenantry = notes.tenantry
  })
  afterAll(() => notes.close())

  it('refuses a Knex that takes no pool, as before 3.3', () => {
    // Such a version knows nothing of the setting.
    const old = (config: Knex.Config) => knex({ ...config, connectionPool: undefined })
    expect(() => scopedKnex(old, tenantry.pool)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION_INVALID', fix: expect.stringContaining('3.3') as string }),
    )
  })

  it.each(['connection', 'connectionPool', 'pool', 'client', 'searchPath'])('refuses the setting %s', (name) => {
    expect(() => scopedKnex(knex, tenantry.pool, { [name]: {} })).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION_INVALID', message: expect.stringContaining(name) as string }),
    )
  })

  it('starts an instance that nobody has started, with the first statement', async () => {
    const fresh = createTenantry({ adminUrl: notes.database.adminUrl, migrations: '/nonexistent' })
    const db = scopedKnex(knex, fresh.pool, { log })
    const texts = await fresh.run('globex', async () => await db<{ text: string }>('note').pluck('text'))
    expect(texts).toEqual(['globex'])
    await db.destroy()
    await fresh.close()
  })

  it('refuses a migration, in a tenant and outside of all', async () => {
    const db = scopedKnex(knex, tenantry.pool, { log })
    const migrationSource = {
      getMigrations: async () => ['0001'],
      getMigrationName: (name: string) => name,
      getMigration: async () => ({
        up: (on: Knex) => on.schema.createTable('mistake', () => {}),
        down: async () => {},
      }),
    }
    await expect(db.migrate.latest({ migrationSource })).rejects.toMatchObject({ code: 'TENANT_CONTEXT_MISSING' })
    const refused = { code: '42501', message: expect.stringContaining('DATABASE_ADMIN_URL') as string }
    const migrate = async () => {
      await db.migrate.latest({ migrationSource })
    }
    await expect(tenantry.run('acme', migrate)).rejects.toMatchObject(refused)
    await expect(tenantry.run('acme', async () => await db.schema.dropTable('note'))).rejects.toMatchObject(refused)
  })

  it('leaves the pool open when it is destroyed', async () => {
    const db = scopedKnex(knex, tenantry.pool, { log })
    await db.destroy()
    const { rows } = await tenantry.scope('acme').query('select text from note')
    expect(rows).toEqual([{ text: 'acme' }])
  })
})
