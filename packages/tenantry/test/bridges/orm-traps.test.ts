// What Sequelize, TypeORM and MikroORM remember or send beside the operations of the suite, and what happens where they are
// put together wrongly.
import { EntitySchema as MikroSchema } from '@mikro-orm/core'
import * as postgresql from '@mikro-orm/postgresql'
import pg from 'pg'
import { DataTypes, Sequelize, Transaction } from 'sequelize'
import { DataSource, EntitySchema, EntitySchemaOptions } from 'typeorm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { scopedMikroOrm, type ScopedMikroOrm } from '../../src/bridges/mikro-orm.ts'
import { scopedSequelize } from '../../src/bridges/sequelize.ts'
import { scopedDataSource } from '../../src/bridges/typeorm.ts'
import { createTenantry } from '../../src/tenantry.ts'
import { errorCodesOf } from '../../src/testing/index.ts'
import { openStage, type Stage } from '../support/stage.ts'

interface Note {
  id: number
  body: string
}

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
beforeEach(() => stage.reset())
afterAll(() => stage.close())

const slugAt = (at: number) => stage.four[at]?.slug ?? ''
const inside = <T>(at: number, work: () => PromiseLike<T>) =>
  stage.tenantry.run(slugAt(at), { switch: true }, async () => await work())

/** The codes of what the work throws, and what it says. */
async function refusal(work: PromiseLike<unknown>): Promise<readonly string[]> {
  try {
    await work
  } catch (error) {
    return [...errorCodesOf(error), String(error)]
  }
  throw new Error('Nothing was refused.')
}

const bodies = async (at: number) => {
  const tenant = stage.four[at]
  return tenant ? (await stage.stored(tenant)).notes.map(({ body }) => body) : []
}

describe('Sequelize', () => {
  let sequelize: Sequelize
  beforeAll(() => {
    sequelize = scopedSequelize(Sequelize, stage.tenantry.pool, { logging: false })
    const columns = { id: { type: DataTypes.INTEGER, primaryKey: true }, body: { type: DataTypes.TEXT } }
    sequelize.define('note', columns, { tableName: 'suite_note', timestamps: false })
  })
  afterAll(() => sequelize.close())

  it('sets the isolation level inside the transaction alone', async () => {
    const level = (transaction: Transaction | null) =>
      sequelize.query('show transaction_isolation', { plain: true, transaction })
    const isolationLevel = Transaction.ISOLATION_LEVELS.SERIALIZABLE
    const within = await inside(0, () => sequelize.transaction({ isolationLevel }, (transaction) => level(transaction)))
    expect(within).toEqual({ transaction_isolation: 'serializable' })
    expect(await inside(0, () => level(null))).toEqual({ transaction_isolation: 'read committed' })
  })

  it('refuses a transaction of one tenant in another, and gives its client back', async () => {
    await inside(0, async () => {
      const transaction = await sequelize.transaction()
      const insert = async (id: number) => sequelize.models.note?.create({ id, body: 'crossed' }, { transaction })
      await insert(10)
      expect(await refusal(inside(1, () => insert(11)))).toContain('CLIENT_SCOPE_MISMATCH')
      await transaction.rollback()
    })
    expect([...(await bodies(0)), ...(await bodies(1))]).not.toContain('crossed')
    const { totalCount, idleCount } = stage.tenantry.pool
    expect(idleCount).toBe(totalCount)
  })

  it('defines no tables', async () => {
    const created = inside(0, () => sequelize.getQueryInterface().createTable('mistake', { id: DataTypes.INTEGER }))
    expect(await refusal(created)).toContain('42501')
  })

  it('connects to no server on which its escaping would be wrong', async () => {
    const alter = (change: string) =>
      stage.tenantry.asCentral('test', (central) =>
        central.query(`do $$ begin execute format('alter database %I ${change}', current_database()); end $$`),
      )
    await alter('set standard_conforming_strings = off')
    const other = createTenantry({ adminUrl: stage.adminUrl, migrations: '/nonexistent' })
    const its = scopedSequelize(Sequelize, other.pool, { logging: false })
    try {
      expect(await refusal(other.run(slugAt(0), async () => its.query('select 1')))).toContain('STATEMENT_REFUSED')
    } finally {
      await its.close()
      await other.close()
      await alter('reset standard_conforming_strings')
    }
  })

  it('refuses another version', () => {
    const Old = class extends Sequelize {
      static readonly version = '5.22.5'
    }
    expect(() => scopedSequelize(Old, stage.tenantry.pool)).toThrow(/version of Sequelize is not supported/)
  })
})

describe('TypeORM', () => {
  const options: { [Key in keyof EntitySchemaOptions<Note>]: EntitySchemaOptions<Note>[Key] } = {
    ...{ name: 'note', tableName: 'suite_note' },
    columns: { id: { type: 'integer', primary: true }, body: { type: 'text' } },
  }
  const note = new EntitySchema<Note>(Object.assign(new EntitySchemaOptions<Note>(), options))
  let dataSource: DataSource
  beforeAll(async () => {
    dataSource = await scopedDataSource(DataSource, stage.tenantry, { entities: [note] }).initialize()
  })

  it('refuses a query runner with a transaction of one tenant in another', async () => {
    const runner = dataSource.createQueryRunner()
    await inside(0, async () => {
      await runner.startTransaction()
      await runner.manager.insert(note, { id: 10, body: 'crossed' })
      const crossed = inside(1, () => runner.manager.insert(note, { id: 11, body: 'crossed' }))
      expect(await refusal(crossed)).toContain('CLIENT_SCOPE_MISMATCH')
      await runner.rollbackTransaction()
    })
    await runner.release()
    expect([...(await bodies(0)), ...(await bodies(1))]).not.toContain('crossed')
  })

  it('sends a query runner that is kept over tenants into the tenant of each query', async () => {
    const runner = dataSource.createQueryRunner()
    for (const at of [0, 1, 2, 3, 0]) {
      const found = await inside(at, () => runner.manager.findOneBy(note, { id: 1 }))
      expect(found?.body).toBe(`${slugAt(at)}/1`)
    }
    await runner.release()
  })

  it('defines no tables', async () => {
    expect(await refusal(inside(0, () => dataSource.synchronize()))).toContain('42501')
  })

  it('leaves the pool open when it is destroyed', async () => {
    const other = await scopedDataSource(DataSource, stage.tenantry, { entities: [] }).initialize()
    await other.destroy()
    expect(await inside(0, () => dataSource.manager.countBy(note, { id: 1 }))).toBe(1)
  })

  it('refuses its query cache, and a version that does not take the pool', () => {
    const cached = { entities: [], cache: true }
    expect(() => scopedDataSource(DataSource, stage.tenantry, cached)).toThrow(/query cache knows no tenants/)
    const Other = class extends DataSource {
      override driver = { postgres: pg } as unknown as DataSource['driver']
    }
    expect(() => scopedDataSource(Other, stage.tenantry, { entities: [] })).toThrow(/does not take the pool/)
  })
})

describe('MikroORM', () => {
  const note = new MikroSchema<Note>({
    ...{ name: 'note', tableName: 'suite_note' },
    properties: { id: { type: 'integer', primary: true }, body: { type: 'text' } },
  })
  let orm: ScopedMikroOrm
  beforeAll(async () => {
    orm = await scopedMikroOrm(postgresql, stage.tenantry, { entities: [note] })
  })
  afterAll(() => orm.close())

  it('remembers an entity for one scope alone', async () => {
    for (const at of [0, 1, 2, 3, 0]) {
      const [first, again] = await inside(at, async () => [
        await orm.em.findOne(note, 1),
        await orm.em.findOne(note, 1),
      ])
      expect(first?.body).toBe(`${slugAt(at)}/1`)
      expect(again).toBe(first)
    }
  })

  it('refuses an entity manager of one tenant in another', async () => {
    const kept = orm.em.fork()
    await inside(0, () => kept.findOne(note, 1))
    expect(await refusal(inside(1, async () => kept.findOne(note, 1)))).toContain('CLIENT_SCOPE_MISMATCH')
    expect(await inside(0, () => kept.findOne(note, 1))).toMatchObject({ body: `${slugAt(0)}/1` })
  })

  it("keeps each tenant's part of the result cache to itself", async () => {
    const options = { cache: ['note 1', 60_000] as [string, number], disableIdentityMap: true }
    const read = (at: number) => inside(at, () => orm.em.findOne(note, 1, options))
    for (const at of [0, 1, 2, 3]) expect((await read(at))?.body).toBe(`${slugAt(at)}/1`)
    await inside(0, () => orm.em.nativeUpdate(note, 1, { body: `${slugAt(0)}/changed` }))
    expect((await read(0))?.body, 'it is a cache').toBe(`${slugAt(0)}/1`)
    await inside(0, () => orm.em.clearCache('note 1'))
    expect((await read(0))?.body).toBe(`${slugAt(0)}/changed`)
  })

  it('reads dates as MikroORM does over its own connections', async () => {
    const rows = await inside(0, () =>
      orm.em.execute("select date '2026-02-03' as day, '2026-02-03 04:05:06+00'::timestamptz at"),
    )
    expect(rows).toEqual([{ day: '2026-02-03', at: '2026-02-03 04:05:06+00' }])
  })

  it('refuses another version', async () => {
    // MikroORM 7 has no Knex.
    const seven = { ...postgresql, PostgreSqlKnexDialect: undefined } as unknown as typeof postgresql
    const made = scopedMikroOrm(seven, stage.tenantry, { entities: [note] })
    await expect(made).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' })
  })
})
