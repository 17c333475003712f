// Several real processes over one database: they agree on the instance, and what one changes holds in the others.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { startChild, type TestChild } from '../harness/child-process.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { until } from '../harness/wait.ts'

const program = new URL('../support/instance-child.ts', import.meta.url)
const LISTENER = "datname = current_database() and query like 'listen %'"

let database: TestDatabase
let superuser: CentralDatabase
let tenantry: Tenantry

beforeAll(async () => {
  database = await createTestDatabase()
  superuser = openCentralDatabase({ url: database.superUrl })
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent' })
})

afterAll(async () => {
  await tenantry.close()
  await superuser.close()
  await database.drop()
})

test('ten processes that start at once on an empty database make one instance', { timeout: 90_000 }, async () => {
  const children = Array.from({ length: 10 }, () => startChild(program, { args: [database.adminUrl] }))
  try {
    await Promise.all(children.map((child) => child.line(/^started$/)))
    await Promise.all(children.map((child) => child.exited))
    expect(children.map((child) => child.process.exitCode)).toEqual(children.map(() => 0))
  } finally {
    await Promise.all(children.map((child) => child.kill()))
  }
  const { rows } = await superuser.query<{ id: string }>('select id from tenantry.instance')
  expect(rows).toHaveLength(1)
  const roles = await superuser.query("select from pg_roles where starts_with(rolname, 'tn_' || $1 || '_')", [
    rows[0]?.id,
  ])
  expect(roles.rows).toHaveLength(3)
})

describe('a tenant that one process suspends', () => {
  let child: TestChild

  beforeAll(async () => {
    await tenantry.tenants.create({ name: 'Row', slug: 'row-tenant' })
    await tenantry.tenants.create({ name: 'Schema', slug: 'schema-tenant', isolation: 'schema' })
    child = startChild(program, { args: [database.adminUrl, 'row-tenant', 'schema-tenant'] })
    for (const slug of ['row-tenant', 'schema-tenant']) await child.line(new RegExp(`^${slug} entered$`))
  })

  afterAll(() => child.kill())

  const last = (slug: string) => child.lines.filter((line) => line.startsWith(`${slug} `)).at(-1)
  const says = (slug: string, outcome: string, timeoutMs: number) =>
    until(() => last(slug) === `${slug} ${outcome}`, { timeoutMs, what: `${slug} ${outcome}` })

  test.each(['row-tenant', 'schema-tenant'])('is refused in the other within a second: %s', async (slug) => {
    await tenantry.tenants.suspend(slug, { reason: 'unpaid' })
    await says(slug, 'TENANT_SUSPENDED', 1_000)
    await tenantry.tenants.activate(slug)
    await says(slug, 'entered', 1_000)
  })

  test('is refused there even when its listening connection was ended just before', async () => {
    await superuser.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${LISTENER}`)
    await tenantry.tenants.suspend('row-tenant')
    await says('row-tenant', 'TENANT_SUSPENDED', 5_000)
    await until(async () => {
      const { rows } = await superuser.query(`select from pg_stat_activity where ${LISTENER}`)
      return rows.length === 2
    })
    await tenantry.tenants.activate('row-tenant')
    await says('row-tenant', 'entered', 1_000)
  })
})

test('a walk over the tenants reports one that was suspended meanwhile, and visits the rest', async () => {
  const made = []
  for (const slug of ['one', 'two', 'three', 'four']) {
    made.push(await tenantry.tenants.create({ name: slug, slug, plan: 'walk' }))
  }
  const [one, two, three, four] = made.map(({ id }) => id)
  const mine = new Error('mine')
  const visited: string[] = []
  const result = await tenantry.tenants.forEach(
    { plan: 'walk' },
    async ({ id, slug }) => {
      visited.push(slug)
      expect(tenantry.current()?.tenantId).toBe(id)
      const { rows } = await tenantry.pool.query('select tenantry.current_tenant_id() as id')
      expect(rows).toEqual([{ id }])
      if (slug === 'one') await tenantry.tenants.suspend('two')
      if (slug === 'three') throw mine
    },
    { concurrency: 1 },
  )
  expect(visited).toEqual(['one', 'three', 'four'])
  expect(result.succeeded).toEqual([one, four])
  expect(result.failed).toMatchObject([{ tenantId: two, error: { code: 'TENANT_SUSPENDED' } }, { tenantId: three }])
  expect(result.failed[1]?.error).toBe(mine)
})

describe('central access', () => {
  const entries = async () => {
    const { rows } = await superuser.query<{ reason: string }>(
      "select action, actor, reason from tenantry.audit_entry where action = 'central.entered' order by seq",
    )
    return rows
  }

  test('is on record before its first statement, also where the work fails', async () => {
    const before = (await entries()).length
    const mine = new Error('mine')
    const work = tenantry.asCentral(' nightly totals ', async (central) => {
      expect((await entries()).at(-1)).toEqual({
        action: 'central.entered',
        actor: 'library',
        reason: 'nightly totals',
      })
      await central.query('select 1')
      throw mine
    })
    await expect(work).rejects.toBe(mine)
    expect(await entries()).toHaveLength(before + 1)
  })

  test('without a reason is refused, and leaves no record', async () => {
    const before = (await entries()).length
    for (const reason of ['', '  ', undefined as unknown as string]) {
      await expect(tenantry.asCentral(reason, async () => 1)).rejects.toMatchObject({ code: 'REASON_REQUIRED' })
    }
    expect(await entries()).toHaveLength(before)
  })

  test('ends with its callback', async () => {
    const kept = await tenantry.asCentral('keep it', async (central) => central)
    await expect(kept.query('select 1')).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' })
    await expect(kept.transaction(async () => 1)).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' })
  })
})
