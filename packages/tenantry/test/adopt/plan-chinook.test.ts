// The plan for a real single-tenant database, with two different tables as the root.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readAnswer } from '../../src/features/adopt/decide-answers.ts'
import { makePlan } from '../../src/features/adopt/plan-make.ts'
import { skipUnless } from '../harness/skip.ts'
import { type AdoptFixture, databaseWithChinook, decisionsOf, tableOf } from '../support/adopt-fixture.ts'
import { findChinook, readChinook } from '../support/chinook.ts'

const path = findChinook()
let fixture: AdoptFixture | undefined

beforeAll(async () => {
  if (path !== undefined) fixture = await databaseWithChinook(readChinook(path))
})

afterAll(() => fixture?.drop())

const chinookDatabase = () => fixture?.database ?? expect.fail('there is no database')

describe('a plan for Chinook', () => {
  test('with customers as tenants follows invoices to them, and shares what is sold', async (context) => {
    skipUnless(context, path !== undefined, 'the Chinook file is absent')
    const plan = await makePlan(chinookDatabase(), { root: { table: 'customer' } })
    expect(decisionsOf(plan)).toEqual({
      customer: 'tenant',
      invoice: 'tenant by customer_id→customer',
      invoice_line: 'tenant by invoice_id→invoice customer_id→customer',
      ...Object.fromEntries(
        ['album', 'artist', 'employee', 'genre', 'media_type', 'track'].map((name) => [name, 'global']),
      ),
      playlist: 'undecided',
      playlist_track: 'undecided',
    })
    expect(plan.questions.map(({ table }) => table)).toEqual(['public.playlist', 'public.playlist_track'])
    expect(plan.root).toMatchObject({ key: 'customer_id', nameFrom: ['first_name', 'last_name'] })
    expect(tableOf(plan, 'track').reason).toBe(
      'public.invoice_line refers to it, and no key of its own leads to a tenant.',
    )
    expect(tableOf(plan, 'invoice').rows).toBe(412)
  })

  test('needs one answer, because what a shared table refers to is shared, too', async (context) => {
    skipUnless(context, path !== undefined, 'the Chinook file is absent')
    const answers = [readAnswer('playlist_track=global')]
    const plan = await makePlan(chinookDatabase(), { root: { table: 'customer' }, answers })
    expect(plan.questions).toEqual([])
    expect(decisionsOf(plan)).toMatchObject({ playlist: 'global', playlist_track: 'global' })
    expect(tableOf(plan, 'playlist_track').reason).toBe('It belongs to all tenants, chosen.')
  })

  test('with support agents as tenants gives them their customers, and drops the key to the boss', async (context) => {
    skipUnless(context, path !== undefined, 'the Chinook file is absent')
    const answers = [readAnswer('playlist_track=global')]
    const plan = await makePlan(chinookDatabase(), { root: { table: 'employee' }, answers })
    expect(decisionsOf(plan)).toMatchObject({
      employee: 'tenant',
      customer: 'tenant by support_rep_id→employee',
      invoice: 'tenant by customer_id→customer support_rep_id→employee',
      invoice_line: 'tenant by invoice_id→invoice customer_id→customer support_rep_id→employee',
      track: 'global',
    })
    expect(tableOf(plan, 'employee').keys).toEqual([
      expect.objectContaining({ decision: 'dropped', reason: '7 rows point at a row of another tenant.' }),
    ])
    expect(tableOf(plan, 'customer')).toMatchObject({
      reason: 'It finds its tenant by support_rep_id → public.employee, which may be missing.',
      orphans: null,
    })
  })
})
