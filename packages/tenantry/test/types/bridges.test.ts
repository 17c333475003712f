// What the guide shows for each ORM compiles against the ORM's own types: a host whose types drift away from the pool, or
// from a bridge, fails here.
import * as postgresql from '@mikro-orm/postgresql'
import { PrismaPg } from '@prisma/adapter-pg'
import { betterAuth } from 'better-auth'
import { drizzle } from 'drizzle-orm/node-postgres'
import knex, { type Knex } from 'knex'
import { Kysely, PostgresDialect, type PostgresDialectConfig } from 'kysely'
import { Model } from 'objection'
import type { Pool } from 'pg'
import { Sequelize } from 'sequelize'
import { DataSource } from 'typeorm'
import { expectTypeOf, it } from 'vitest'
import { scopedKnex, type ScopedKnexConfig } from '../../src/bridges/knex.ts'
import { scopedMikroOrm, type ScopedMikroOrmOptions } from '../../src/bridges/mikro-orm.ts'
import { scopedPrisma, type ScopedPrismaOptions } from '../../src/bridges/prisma.ts'
import { scopedSequelize, type ScopedSequelizeOptions } from '../../src/bridges/sequelize.ts'
import { scopedDataSource, type ScopedDataSourceOptions } from '../../src/bridges/typeorm.ts'
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

it("Prisma's adapter takes the pool, and its bridge all other settings", () => {
  expectTypeOf(tenantry.pool).toExtend<ConstructorParameters<typeof PrismaPg>[0]>()
  class Client {
    declare readonly options: { adapter: PrismaPg }
    constructor(options: { adapter: PrismaPg }) {
      this.options = options
    }
  }
  const make = () => scopedPrisma(PrismaPg, tenantry, { client: (adapter) => new Client({ adapter }) })
  expectTypeOf(make).returns.toEqualTypeOf<Client>()
  expectTypeOf<ScopedPrismaOptions<Client>>().toHaveProperty('statementNameGenerator')
  expectTypeOf<ScopedPrismaOptions<Client>>().not.toHaveProperty('schema')
})

it('the bridge of TypeORM makes a DataSource, and takes no other database', () => {
  const make = () => scopedDataSource(DataSource, tenantry, { entities: [], logging: false })
  expectTypeOf(make).returns.toEqualTypeOf<DataSource>()
  expectTypeOf<ScopedDataSourceOptions>().toHaveProperty('namingStrategy')
  for (const option of ['url', 'host', 'cache', 'synchronize', 'replication'] as const) {
    expectTypeOf<ScopedDataSourceOptions>().not.toHaveProperty(option)
  }
})

it('the bridge of MikroORM makes one with the entity manager of SQL, and takes no other database', () => {
  const make = () => scopedMikroOrm(postgresql, tenantry, { entities: [] })
  expectTypeOf(make).returns.resolves.toExtend<{ readonly em: postgresql.SqlEntityManager }>()
  expectTypeOf<ScopedMikroOrmOptions>().toHaveProperty('namingStrategy')
  for (const option of ['clientUrl', 'dbName', 'driverOptions', 'context', 'replicas'] as const) {
    expectTypeOf<ScopedMikroOrmOptions>().not.toHaveProperty(option)
  }
})

it('the bridge of Sequelize makes one, and takes no other database', () => {
  const make = () => scopedSequelize(Sequelize, tenantry.pool, { logging: false })
  expectTypeOf(make).returns.toEqualTypeOf<Sequelize>()
  expectTypeOf<ScopedSequelizeOptions>().toHaveProperty('define')
  for (const option of ['host', 'database', 'replication', 'dialectModule'] as const) {
    expectTypeOf<ScopedSequelizeOptions>().not.toHaveProperty(option)
  }
})

it('better-auth takes the pool as its database', () => {
  const make = () => betterAuth({ database: tenantry.pool })
  expectTypeOf(make).returns.toHaveProperty('handler')
})
