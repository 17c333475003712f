// What the guide shows for each ORM compiles against the ORM's own types: a host whose types drift away from the pool, or
// from a bridge, fails here.
import { drizzle } from 'drizzle-orm/node-postgres'
import knex, { type Knex } from 'knex'
import { Kysely, PostgresDialect, type PostgresDialectConfig } from 'kysely'
import { Model } from 'objection'
import type { Pool } from 'pg'
import { expectTypeOf, it } from 'vitest'
import { scopedKnex, type ScopedKnexConfig } from '../../src/bridges/knex.ts'
import type { Tenantry } from '../../src/tenantry.ts'
import { stubTenantry } from '../../src/testing/index.ts'

const tenantry: Tenantry = stubTenantry()

it('the pool is one of pg', () => {
  expectTypeOf(tenantry.pool).toExtend<Pool>()
})

it('Drizzle and Kysely take the pool', () => {
  expectTypeOf(tenantry.pool).toExtend<PostgresDialectConfig['pool']>()
  expectTypeOf(drizzle({ client: tenantry.pool }).$client).toExtend<Pool>()
  const db = new Kysely<{ note: { id: number } }>({ dialect: new PostgresDialect({ pool: tenantry.pool }) })
  expectTypeOf(() => db.selectFrom('note').select('id').execute()).returns.resolves.toEqualTypeOf<{ id: number }[]>()
})

it('Knex takes the pool, and its bridge all other settings', () => {
  expectTypeOf(tenantry.pool).toExtend<NonNullable<Knex.Config['connectionPool']>>()
  expectTypeOf(scopedKnex).parameter(0).not.toBeAny()
  const db = scopedKnex(knex, tenantry.pool, { debug: false, asyncStackTraces: true })
  expectTypeOf(db).toEqualTypeOf<Knex>()
  expectTypeOf<ScopedKnexConfig>().not.toHaveProperty('connection')
  expectTypeOf<ScopedKnexConfig>().toHaveProperty('migrations')
})

it('Objection takes what the Knex bridge makes', () => {
  const db = scopedKnex(knex, tenantry.pool)
  expectTypeOf(db).toExtend<Parameters<typeof Model.bindKnex>[0]>()
  class Note extends Model {
    static override tableName = 'note'
    declare id: number
  }
  expectTypeOf(Note.query(db)).toExtend<PromiseLike<Note[]>>()
})
