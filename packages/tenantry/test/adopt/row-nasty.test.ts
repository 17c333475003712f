// A difficult schema adopted into shared tables, to the end and back: circular keys, self-references, tables between two
// others, partitions, generated columns, text indexes, views, triggers and policies of before.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readInstance } from '../../src/control/instance.ts'
import { readAnswer } from '../../src/features/adopt/decide-answers.ts'
import { inspectDatabase } from '../../src/features/adopt/inspect.ts'
import { planOf } from '../../src/features/adopt/plan-make.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { type AdoptFixture, databaseWith } from '../support/adopt-fixture.ts'
import { adoptableRows, adoptableSchema } from '../support/nasty-schema.ts'
import { faultsOf, shapeOf } from './fixture.ts'

let fixture: AdoptFixture
let tenantry: Tenantry
let before: unknown

const answers = ['setting=global', 'transfer=tenant:via from_account→account', 'note=tenant:to house']

beforeAll(async () => {
  fixture = await databaseWith(adoptableSchema, adoptableRows)
  tenantry = createTenantry({ adminUrl: fixture.adminUrl, migrations: '/nonexistent' })
  await tenantry.start()
  before = await shapeOf(fixture.database, 'public')
  const inspection = await inspectDatabase(fixture.database, 'public')
  const plan = await planOf(fixture.database, inspection, {
    root: { table: 'company' },
    target: 'row',
    answers: [...answers, 'log_line=tenant:to house'].map((answer) => readAnswer(answer)),
  })
  await tenantry.adopt.apply(plan, { batchSize: 1 })
}, 120_000)

afterAll(async () => {
  await tenantry.close()
  await fixture.drop()
})

const ask = async (slug: string, text: string) => (await tenantry.scope(slug).query(text)).rows

describe('a difficult schema in shared tables', () => {
  test('shows each tenant its own rows, whatever way leads to them', async () => {
    const counts = (slug: string) =>
      ask(
        slug,
        `select (select count(*)::int from person) as people, (select count(*)::int from person_skill) as skilled,
          (select count(*)::int from assignment) as assigned, (select count(*)::int from department) as departments,
          (select count(*)::int from project) as projects, (select count(*)::int from event) as events,
          (select count(*)::int from transfer) as transfers, (select count(*)::int from log_line) as lines,
          (select count(*)::int from note) as notes`,
      )
    expect(await counts('acme')).toEqual([
      { people: 2, skilled: 1, assigned: 1, departments: 1, projects: 2, events: 1, transfers: 2, lines: 2, notes: 1 },
    ])
    expect(await counts('globex')).toEqual([
      { people: 1, skilled: 1, assigned: 1, departments: 0, projects: 1, events: 1, transfers: 0, lines: 0, notes: 0 },
    ])
    expect(await ask('house', 'select body from note union all select line from log_line order by 1')).toEqual([
      { body: 'whose?' },
      { body: 'y' },
    ])
  })

  test('computes generated columns, and finds by text index within the tenant', async () => {
    expect(await ask('acme', 'select initials from person order by id')).toEqual([
      { initials: 'AN' },
      { initials: 'BO' },
    ])
    const found = `select number from "Order Line" where to_tsvector('english', coalesce(note, '')) @@ to_tsquery('urgent')`
    expect(await ask('globex', found)).toEqual([{ number: 1 }])
    expect(await ask('acme', found)).toEqual([])
  })

  test('holds its views to the tenant who asks, once they are granted', async () => {
    const { roles } = await readInstance(fixture.database)
    await fixture.database.query(`grant select on order_note, open_order to "${roles.app}"`)
    expect(await ask('acme', 'select note from order_note')).toEqual([{ note: 'two of them' }])
    expect(await ask('globex', 'select note from order_note')).toEqual([{ note: 'urgent' }])
  })

  test('refuses keys into another tenant: in a circle, to itself, and between two', async () => {
    const refused = { code: '23503' }
    await expect(ask('globex', 'update person set boss_id = 1 where id = 3')).rejects.toMatchObject(refused)
    await expect(ask('globex', 'update person set department_id = 1')).rejects.toMatchObject(refused)
    await expect(ask('globex', 'update company set owner_id = 1')).rejects.toMatchObject(refused)
    await expect(ask('globex', 'insert into assignment (project_id, person_id) values (3, 1)')).rejects.toMatchObject(
      refused,
    )
    await expect(ask('globex', 'update project set parent_id = 1')).rejects.toMatchObject(refused)
  })

  test('leaves nothing for verify to find but a function of before, and comes back exactly', async () => {
    const { roles } = await readInstance(fixture.database)
    await fixture.database.query(`revoke select on order_note, open_order from "${roles.app}"`)
    // The application's own function that runs as its owner is named, as it was in the plan, and nothing else.
    expect(
      new Set((await faultsOf(tenantry)).map(({ subject }) => subject?.replace(/^function public\./, ''))),
    ).toEqual(new Set(['headcount_of(text)']))
    await tenantry.adopt.revert()
    expect(await shapeOf(fixture.database, 'public')).toEqual(before)
  })
})
