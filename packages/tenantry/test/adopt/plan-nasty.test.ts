// What a plan decides where the schema is difficult, and what it asks about.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readAnswer } from '../../src/features/adopt/decide-answers.ts'
import { inspectCatalogue } from '../../src/features/adopt/inspect.ts'
import type { AdoptPlan } from '../../src/features/adopt/plan.ts'
import { makePlan } from '../../src/features/adopt/plan-make.ts'
import { type AdoptFixture, databaseWith, decisionsOf, tableOf } from '../support/adopt-fixture.ts'
import { nastyRows, nastySchema } from '../support/nasty-schema.ts'

let fixture: AdoptFixture
let plan: AdoptPlan

beforeAll(async () => {
  fixture = await databaseWith(nastySchema, nastyRows)
  plan = await makePlan(fixture.database, { root: { table: 'company' } })
})
afterAll(() => fixture.drop())

const keyOf = (table: string, name: string) => tableOf(plan, table).keys.find((key) => key.name === name)
const planWith = (...answers: string[]) =>
  makePlan(fixture.database, { root: { table: 'company' }, answers: answers.map(readAnswer) })

describe('a plan for a difficult schema', () => {
  test('finds the nearest way of each table, round no circle, and through composite keys', () => {
    expect(decisionsOf(plan)).toEqual({
      company: 'tenant',
      person: 'tenant by company_id→company',
      department: 'tenant by head_id→person company_id→company',
      '"Order"': 'tenant by company_id→company',
      '"Order Line"': 'tenant by company_id+number→"Order" company_id→company',
      project: 'tenant by company_id→company',
      assignment: 'tenant by person_id→person company_id→company',
      person_skill: 'tenant by person_id→person company_id→company',
      account: 'tenant by company_id→company',
      note: 'tenant by person_id→person company_id→company',
      event: 'tenant by company_id→company',
      log_line: 'tenant by company_id→company',
      document: 'tenant by company_id→company',
      contract: 'tenant by company_id→company',
      country: 'global',
      currency: 'global',
      skill: 'global',
      setting: 'undecided',
      transfer: 'undecided',
    })
  })

  test('asks where two ways are equally near and their rows differ, and where there is no way', () => {
    expect(plan.questions).toEqual([
      expect.objectContaining({ table: 'public.setting' }),
      expect.objectContaining({
        table: 'public.transfer',
        question:
          'public.transfer has 2 equally near ways to a tenant, and they differ for 1 row. Which one says whose a row is?',
      }),
    ])
    expect(plan.questions[1]?.choices.map(({ label }) => label)).toEqual([
      'the tenant of from_account → public.account, company_id → public.company',
      'the tenant of to_account → public.account, company_id → public.company',
      'all tenants share it',
    ])
  })

  test('takes a table that links two of tenants without asking, because all its rows agree', () => {
    expect(tableOf(plan, 'assignment').reason).toBe(
      'It links tables and finds its tenant by person_id → public.person, company_id → public.company; all rows agree with project_id → public.project.',
    )
    expect(keyOf('assignment', 'assignment_project_id_fkey')?.decision).toBe('composite')
  })

  test('keeps keys to shared tables, puts the tenant into those between tenants, self-references and circles included', () => {
    expect(keyOf('"Order"', 'Order_currency_fkey')).toMatchObject({ decision: 'kept', table: 'public.currency' })
    expect(keyOf('company', 'company_owner')?.decision).toBe('composite')
    expect(keyOf('person', 'person_boss_id_fkey')?.decision).toBe('composite')
    expect(keyOf('person', 'person_department_id_fkey')?.decision).toBe('composite')
  })

  test('counts the rows that lead to no tenant', () => {
    expect(tableOf(plan, 'note').notes[0]).toBe('1 row of 2 rows without a way to a tenant')
    expect(tableOf(plan, 'log_line').notes).toEqual([
      '1 row of 3 rows without a way to a tenant',
      'no primary key: its rows are found by their place',
    ])
  })

  test('notes what else there is: partitions, views, triggers, functions, generated columns, text indexes, policies', () => {
    const notes = (table: string) => tableOf(plan, table).notes.join('; ')
    expect(tableOf(plan, 'event').partitioned).toBe(true)
    expect(notes('event')).toContain('partitioned: 3 partitions')
    expect(notes('person')).toContain('the materialized view public.headcount reads it')
    expect(notes('person')).toContain(
      "the function public.headcount_of(text) names it, and runs with its owner's rights",
    )
    expect(notes('person')).toContain('generated columns: initials')
    expect(notes('person')).toContain('refers to itself: person_boss_id_fkey')
    expect(notes('department')).toContain('keys go round: public.department → public.person → public.department')
    expect(notes('"Order Line"')).toContain('full-text or other GIN and GiST indexes')
    expect(notes('"Order"')).toContain('the view public.order_note reads it')
    expect(notes('note')).toContain('triggers, which the backfill would fire: touched')
    expect(notes('setting')).toContain('policies of its own: readable')
    expect(notes('contract')).toContain('inherits from public.document')
  })

  test('answers settle questions, and drop the keys that would cross tenants then', async () => {
    const decided = await planWith(
      'transfer=tenant:via from_account→account',
      'setting=tenant:to acme',
      'note=tenant:to acme',
    )
    expect(decided.questions).toEqual([])
    const transfer = tableOf(decided, 'transfer')
    expect(transfer.keys.map(({ decision }) => decision)).toEqual(['composite', 'dropped'])
    expect(transfer.keys[1]?.reason).toBe('1 row points at a row of another tenant.')
    expect(tableOf(decided, 'setting')).toMatchObject({ decision: 'tenant', path: [], orphans: 'acme' })
    expect(tableOf(decided, 'note')).toMatchObject({ orphans: 'acme' })
  })

  test('a table said to be global closes the ways through it', async () => {
    const decided = await planWith('person=global', 'transfer=global', 'setting=global')
    expect(decisionsOf(decided)).toMatchObject({ person: 'global', department: 'global' })
    expect(tableOf(decided, 'person').keys.find(({ name }) => name === 'person_company_id_fkey')?.decision).toBe(
      'dropped',
    )
  })

  test.each([
    ['company=global', 'company says which tenant is meant, so it cannot be global'],
    ['skill=tenant', 'no foreign key leads from it to the root'],
    ['skill=tenant:via label→person', 'compares columns of types that cannot be equal'],
    ['skill=tenant:via nowhere→person', 'has no column nowhere'],
    ['setting=tenant:via name→country', 'leads to public.country, which is global|does not lead to the root'],
  ])('refuses %s where it contradicts the database', async (answer, message) => {
    const error = await planWith(answer).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'PLAN_INVALID' })
    expect(String(error)).toMatch(new RegExp(message))
  })

  test('a column as the root that is a key everywhere stands for the table it points at', async () => {
    const byColumn = await makePlan(fixture.database, { root: { column: 'company_id' } })
    expect(byColumn.root).toEqual(plan.root)
  })

  test('one default tenant takes every table, and every key can carry it', async () => {
    const whole = await makePlan(fixture.database, { root: { default: 'acme' } })
    expect(new Set(whole.tables.map(({ decision }) => decision))).toEqual(new Set(['tenant']))
    expect(whole.questions).toEqual([])
    expect(new Set(whole.tables.flatMap(({ keys }) => keys.map(({ decision }) => decision)))).toEqual(
      new Set(['composite']),
    )
  })

  test('the fingerprint changes with the catalogue and not with rows', async () => {
    const { fingerprint } = await inspectCatalogue(fixture.database, 'public')
    expect(fingerprint).toBe(plan.fingerprint)
    await fixture.database.query("insert into skill values (9, 'Go')")
    expect((await inspectCatalogue(fixture.database, 'public')).fingerprint).toBe(fingerprint)
    await fixture.database.query('alter table skill alter label set not null')
    expect((await inspectCatalogue(fixture.database, 'public')).fingerprint).not.toBe(fingerprint)
  })
})

test('a column without a table of its own names the tenant, directly or at the end of a way', async () => {
  const own = await databaseWith(`create table ticket (id integer primary key, org text not null);
    create table reply (id integer primary key, ticket_id integer not null references ticket)`)
  try {
    const byColumn = await makePlan(own.database, { root: { column: 'org' } })
    expect(byColumn.root).toEqual({ kind: 'column', column: 'org' })
    expect(decisionsOf(byColumn)).toEqual({ ticket: 'tenant in org', reply: 'tenant by ticket_id→ticket' })
  } finally {
    await own.drop()
  }
})
