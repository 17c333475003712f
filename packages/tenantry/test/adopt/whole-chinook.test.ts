// A real database adopted from its plan to the end, to shared tables and to schemas: each row has exactly one tenant or
// is global on purpose, and what each tenant invoices adds up to what it was.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { fingerprintsOf } from '../../src/engine/catalogue/fingerprints.ts'
import { readAnswer } from '../../src/features/adopt/decide-answers.ts'
import { inspectDatabase } from '../../src/features/adopt/inspect.ts'
import type { AdoptPlan } from '../../src/features/adopt/plan.ts'
import { planOf } from '../../src/features/adopt/plan-make.ts'
import { ADOPTED_MIGRATION, tenantMigration } from '../../src/features/adopt/split-ddl.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { skipUnless } from '../harness/skip.ts'
import { type AdoptFixture, databaseWithChinook } from '../support/adopt-fixture.ts'
import { findChinook, readChinook } from '../support/chinook.ts'

const path = findChinook()
const chinook = path === undefined ? undefined : readChinook(path)
const closing: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const close of closing.toReversed()) await close()
})

interface Case {
  readonly root: 'customer' | 'employee'
  readonly target: 'row' | 'schema'
}

interface Adopted extends AdoptFixture {
  readonly plan: AdoptPlan
  readonly tenantry: Tenantry
}

const SUMS = {
  customer:
    'select customer_id::text as key, sum(total)::text as total, count(*)::int as count from invoice group by 1',
  employee: `select support_rep_id::text as key, sum(total)::text as total, count(*)::int as count
    from invoice join customer using (customer_id) group by 1`,
}

async function adopt({ root, target }: Case): Promise<Adopted> {
  if (chinook === undefined) throw new Error('There is no Chinook.')
  const fixture = await databaseWithChinook(chinook)
  closing.push(() => fixture.drop())
  const inspection = await inspectDatabase(fixture.database, 'public')
  const answers = [readAnswer('playlist_track=global')]
  const plan = await planOf(fixture.database, inspection, { root: { table: root }, target, answers })
  const migrations = mkdtempSync(join(tmpdir(), 'tenantry-adopt-'))
  if (target === 'schema') {
    mkdirSync(join(migrations, 'tenant'))
    writeFileSync(join(migrations, 'tenant', ADOPTED_MIGRATION), tenantMigration(inspection, plan))
  }
  const tenantry = createTenantry({ adminUrl: fixture.adminUrl, migrations })
  closing.push(async () => {
    await tenantry.close()
    rmSync(migrations, { recursive: true, force: true })
  })
  return { ...fixture, plan, tenantry }
}

/** What each root row invoices, by the tables of before. */
async function invoiced({ database }: Adopted, root: Case['root']): Promise<ReadonlyMap<string, string>> {
  const { rows } = await database.query<{ key: string; total: string; count: number }>(SUMS[root])
  return new Map(rows.map((row) => [row.key, `${row.total} in ${row.count}`]))
}

/** Stops when the rows of three tenants are moved; then the application writes once more, where it still may. */
async function interrupt({ tenantry, database, plan }: Adopted, root: Case['root']): Promise<void> {
  const stopping = new AbortController()
  const copied: string[] = []
  const halfWay = tenantry.adopt.apply(plan, {
    signal: stopping.signal,
    onProgress: ({ stage, subject }) => {
      if (stage === 'split' && !['split', 'schemas'].includes(subject) && !subject.includes('public.')) {
        copied.push(subject)
        if (copied.length === 3) stopping.abort()
      }
    },
  })
  await expect(halfWay).rejects.toThrow()
  expect(copied).toHaveLength(3)
  await expect(database.query(`update ${root} set city = city || '!'`)).rejects.toMatchObject({ code: '55000' })
  const moved = '(select tenant_id from tenantry.adoption_split)'
  await database.query(`update invoice set total = total + 1 where tenant_id not in ${moved}`)
  const { rowCount } = await database.query(`update ${root} set city = city || '!' where tenant_id not in ${moved}`)
  expect(rowCount).toBeGreaterThan(0)
}

/** The tenant of each key of the root. */
async function tenantsOf({ database }: Adopted): Promise<ReadonlyMap<string, string>> {
  const { rows } = await database.query<{ key: string; slug: string }>(
    `select a.root_key as key, t.slug from tenantry.adopt_tenant a join tenantry.tenant t on t.id = a.tenant_id`,
  )
  return new Map(rows.map(({ key, slug }) => [key, slug]))
}

const cases: readonly Case[] = [
  { root: 'customer', target: 'row' },
  { root: 'employee', target: 'row' },
  { root: 'customer', target: 'schema' },
  { root: 'employee', target: 'schema' },
]

describe.each(cases)('Chinook with each $root as a tenant, to $target', (which) => {
  let adopted: Adopted
  let before: ReadonlyMap<string, string>
  const isTenant = (table: string) =>
    adopted.plan.tables.some((each) => each.table === table && each.decision === 'tenant')

  test('is applied to the end, also where it was interrupted and written to', async (context) => {
    skipUnless(context, chinook !== undefined, 'the Chinook file is absent')
    adopted = await adopt(which)
    if (which.target === 'schema') await interrupt(adopted, which.root)
    before = await invoiced(adopted, which.root)
    const { stages, tables } = await adopted.tenantry.adopt.apply(adopted.plan)
    expect(stages.every(({ state }) => state === 'done')).toBe(true)
    expect(tables.every(({ same }) => same !== false)).toBe(true)
  }, 120_000)

  test('shows each tenant the invoices that were its own, and those sums', async (context) => {
    skipUnless(context, chinook !== undefined, 'the Chinook file is absent')
    const found = new Map<string, string>()
    for (const [key, slug] of await tenantsOf(adopted)) {
      const { rows } = await adopted.tenantry
        .scope(slug)
        .query<{ total: string | null; count: number }>(
          'select sum(total)::text as total, count(*)::int as count from invoice',
        )
      if (rows[0] !== undefined && rows[0].count > 0) found.set(key, `${rows[0].total ?? ''} in ${rows[0].count}`)
    }
    expect(found).toEqual(before)
  })

  test('has every row of a tenant table in exactly one tenant, and the others with all', async (context) => {
    skipUnless(context, chinook !== undefined, 'the Chinook file is absent')
    const seen = new Map<string, number>()
    for (const slug of (await tenantsOf(adopted)).values()) {
      const counts = adopted.plan.tables.map(({ table }) => {
        const name = table.replace('public.', '')
        return `(select count(*)::int from ${isTenant(table) ? name : table}) as ${name}`
      })
      const { rows } = await adopted.tenantry.scope(slug).query<Record<string, number>>(`select ${counts.join(', ')}`)
      for (const [name, count] of Object.entries(rows[0] ?? {})) {
        const planned = adopted.plan.tables.find(({ table }) => table === `public.${name}`)
        if (planned?.decision === 'global') expect([name, count]).toEqual([name, planned.rows])
        else seen.set(name, (seen.get(name) ?? 0) + count)
      }
    }
    const tenants = adopted.plan.tables.filter(({ decision }) => decision === 'tenant')
    expect(Object.fromEntries(seen)).toEqual(
      Object.fromEntries(tenants.map(({ table, rows }) => [table.replace('public.', ''), rows])),
    )
  })

  test('leaves nothing for verify to find', async (context) => {
    skipUnless(context, chinook !== undefined, 'the Chinook file is absent')
    const { checks } = await adopted.tenantry.verify()
    expect(checks.filter((check) => !check.ok && check.severity !== 'warning')).toEqual([])
  })

  if (which.target === 'schema') {
    test('gives a new tenant the same schema as those that were split out', async (context) => {
      skipUnless(context, chinook !== undefined, 'the Chinook file is absent')
      const fresh = await adopted.tenantry.tenants.create({ name: 'A new one', slug: 'a-new-one', isolation: 'schema' })
      const { rows } = await adopted.database.query<{ name: string; tenantId: string }>(
        `select schema_name as name, id as "tenantId" from tenantry.tenant`,
      )
      const fingerprints = await fingerprintsOf(adopted.database, rows)
      expect(rows.length).toBeGreaterThan(5)
      expect(new Set(fingerprints.values()).size).toBe(1)
      expect(fingerprints.has(fresh.schemaName)).toBe(true)
      const next = await adopted.tenantry.scope('a-new-one').query('select count(*)::int as count from invoice')
      expect(next.rows).toEqual([{ count: 0 }])
      await adopted.tenantry.tenants.delete('a-new-one')
    })
  }

  test('is taken back, and the originals are as they were', async (context) => {
    skipUnless(context, chinook !== undefined, 'the Chinook file is absent')
    await adopted.tenantry.adopt.revert()
    const after = await inspectDatabase(adopted.database, 'public')
    expect(after.fingerprint).toBe(adopted.plan.fingerprint)
    expect(after.tables.map(({ table, rows }) => [table, rows])).toEqual(
      adopted.plan.tables.map(({ table, rows }) => [table, rows]),
    )
    const { rows } = await adopted.database.query(
      `select nspname from pg_namespace where nspname like 'tenant\\_%' and nspname <> 'tenant_a_new_one' and nspname not like 'archived%'`,
    )
    expect(rows).toEqual([])
  }, 120_000)
})
