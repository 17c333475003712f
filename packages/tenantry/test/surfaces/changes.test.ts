// Changes of columns over HTTP and on the command line, directly and over HTTP.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import type { Changes, ChangeStatus } from '../../src/features/changes/change.ts'
import { BackfillLineSchema, ChangePageSchema, ChangeStatusSchema } from '../../src/surfaces/http/contract/changes.ts'
import { type HttpServer, serve } from '../../src/surfaces/http/server.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { runCli } from '../support/cli.ts'

const change = {
  ...{
    name: 'total_in_cents',
    table: 'invoice',
    from: 'total',
    to: { name: 'total_cents', type: 'bigint', notNull: true },
  },
  ...{ forward: '(total * 100)::bigint', back: 'total_cents / 100.0' },
}

let database: TestDatabase
let tenantry: Tenantry
let admin: CentralDatabase
let server: HttpServer
let key: string
let folder: string

beforeAll(async () => {
  database = await createTestDatabase()
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent' })
  admin = openCentralDatabase({ url: database.adminUrl })
  await tenantry.tenants.create({ name: 'acme', slug: 'acme', isolation: 'row' })
  key = (await tenantry.keys.ensure()).key ?? ''
  server = await serve(watched(tenantry), { port: 0 })
  folder = await mkdtemp(join(tmpdir(), 'tenantry-changes-'))
  await writeFile(join(folder, 'total.json'), JSON.stringify(change))
})

afterAll(async () => {
  await server.drain()
  await Promise.all([tenantry.close(), admin.close(), rm(folder, { recursive: true })])
  await database.drop()
})

beforeEach(async () => {
  await admin.query(`drop table if exists invoice; delete from tenantry.change;
    create table invoice (id bigint generated always as identity primary key, total numeric(12, 2) not null default 0)`)
  await tenantry.protect('invoice')
  await admin.query(
    `insert into invoice (tenant_id, total) select t.id, n / 4.0 from tenantry.tenant t, generate_series(1, 9000) n`,
  )
})

const backfills: Promise<ChangeStatus>[] = []

/** The instance, whose backfills can be waited for whoever began them. */
function watched(instance: Tenantry): Tenantry {
  const backfill: Changes['backfill'] = (...given) => {
    const ended = instance.changes.backfill(...given)
    backfills.push(ended)
    return ended
  }
  const changes = { ...instance.changes, backfill }
  return new Proxy(instance, {
    get(target, name) {
      if (name === 'changes') return changes
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

interface Sent {
  readonly body?: object
  readonly bearer?: string
  readonly signal?: AbortSignal
}

const send = (method: 'GET' | 'POST', path: string, { body, bearer = key, signal }: Sent = {}) =>
  fetch(`${server.url}/api/changes${path}`, {
    method,
    headers: { authorization: `Bearer ${bearer}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  })
const post = async (path: string, body?: object) => (await send('POST', path, body && { body })).json()
const linesOf = async (response: Response) =>
  (await response.text())
    .trimEnd()
    .split('\n')
    .map((line) => BackfillLineSchema.parse(JSON.parse(line)))

const columnsOf = async () => {
  const { rows } = await admin.query<{ name: string }>(
    `select attname as name from pg_attribute where attrelid = 'invoice'::regclass and attnum > 0 and not attisdropped`,
  )
  return rows.map(({ name }) => name)
}

test('goes through its steps over HTTP, with the lines of the backfill, and is on record', async () => {
  expect(ChangeStatusSchema.parse(await post('', { change }))).toMatchObject({ phase: 'expanded', targets: 0 })
  expect(await post('', { change })).toMatchObject({ phase: 'expanded' })
  const lines = await linesOf(await send('POST', '/total_in_cents/backfill', { body: { batchMs: 1, pauseMs: 1 } }))
  expect(lines.length).toBeGreaterThan(2)
  expect(lines[0]).toMatchObject({ progress: { targets: 1, done: 0 } })
  expect(lines.at(-1)).toMatchObject({ done: true, status: { phase: 'backfilled', done: 1, filled: 9000 } })
  for (const [verb, phase] of [
    ['validate', 'validated'],
    ['switch', 'switched'],
    ['contract', 'contracted'],
  ] as const) {
    expect(await post(`/total_in_cents/${verb}`)).toMatchObject({ phase })
  }
  expect(await columnsOf()).toEqual(expect.not.arrayContaining(['total']))
  const page = ChangePageSchema.parse(await (await send('GET', '')).json())
  expect(page.items).toEqual([await (await send('GET', '/total_in_cents')).json()])
  const { rows } = await admin.query<{ action: string; actor: string }>(
    `select action, actor from tenantry.audit_entry where detail->>'change' = 'total_in_cents' order by seq desc limit 5`,
  )
  const actions = ['contract', 'switch', 'validate', 'backfill', 'expand'].map((verb) => `change.${verb}`)
  expect(rows.map(({ action }) => action)).toEqual(actions)
  expect(new Set(rows.map(({ actor }) => actor))).toHaveLength(1)
})

test('keeps what is filled when whoever asked goes away in the middle, and goes on from there', async () => {
  await post('', { change })
  const controller = new AbortController()
  const body = { batchMs: 1, pauseMs: 200 }
  const response = await send('POST', '/total_in_cents/backfill', { body, signal: controller.signal })
  await response.body?.getReader().read()
  controller.abort()
  const stopped = await backfills.at(-1)
  expect(stopped?.filled).toBeGreaterThan(0)
  expect(stopped?.filled).toBeLessThan(9000)
  const lines = await linesOf(await send('POST', '/total_in_cents/backfill'))
  expect(lines.at(-1)).toMatchObject({ status: { phase: 'backfilled', filled: 9000 } })
})

test.each([
  ['', { change: { ...change, table: 'nothing' } }, 'TABLE_NOT_FOUND'],
  ['', { change: { ...change, name: 'Total' } }, 'INVALID_INPUT'],
  ['', { change: { ...change, sql: 'x' } }, 'UNKNOWN_FIELD'],
  ['', { change: { ...change, set: 'tenant' } }, 'INVALID_INPUT'],
  ['/unknown/backfill', {}, 'INVALID_INPUT'],
  ['/unknown/validate', {}, 'INVALID_INPUT'],
  ['/backfill', { change: { ...change, to: { name: 'total_cents' } } }, 'INVALID_INPUT'],
])('POST /api/changes%s with %j is refused as a problem', async (path, body, code) => {
  const response = await send('POST', path, { body })
  expect(response.ok).toBe(false)
  expect(await response.json()).toMatchObject({ code })
})

test('may bring SQL, and drop a column, by the admin alone; be brought on and looked at by who has the right', async () => {
  await post('', { change })
  const keyWith = async (permission: string) =>
    (await tenantry.keys.create(null, { name: permission, permissions: [permission] })).key
  const [writer, reader] = [await keyWith('migrations:write'), await keyWith('migrations:read')]
  const ofTenant = (await tenantry.keys.create('acme', { name: 'ours', permissions: ['*'] })).key
  const statusOf = async (path: string, bearer: string, body: object = {}) => {
    const response = await send('POST', path, { bearer, body })
    await response.text()
    return response.status
  }
  for (const bearer of [writer, reader, ofTenant]) {
    expect(await statusOf('', bearer, { change })).toBe(403)
    expect(await statusOf('/backfill', bearer, { change })).toBe(403)
    expect(await statusOf('/total_in_cents/contract', bearer)).toBe(403)
  }
  for (const bearer of [reader, ofTenant]) {
    for (const verb of ['backfill', 'validate', 'switch']) {
      expect(await statusOf(`/total_in_cents/${verb}`, bearer)).toBe(403)
    }
  }
  expect((await send('GET', '', { bearer: ofTenant })).status).toBe(403)
  expect((await send('GET', '/total_in_cents', { bearer: reader })).status).toBe(200)
  expect(await statusOf('/total_in_cents/backfill', writer)).toBe(200)
  expect(await statusOf('/total_in_cents/validate', writer)).toBe(200)
})

const ways = [
  ['directly', () => ({ DATABASE_ADMIN_URL: database.adminUrl })],
  ['over HTTP', () => ({ TENANTRY_URL: server.url, TENANTRY_KEY: key })],
] as const

test.each(ways)('goes through its steps on the command line, %s', async (_way, env) => {
  const cli = (...args: string[]) => runCli(['change', ...args], { env: env(), cwd: folder })
  expect(await cli('expand', '--file', 'total.json')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/expanded/) as string,
  })
  expect((await cli('validate', 'total_in_cents')).stderr).toContain('CHANGE_OUT_OF_ORDER')
  const filled = await cli('backfill', 'total_in_cents', '--batch', '5ms')
  expect(filled).toMatchObject({ code: 0, stdout: expect.stringMatching(/Rows filled: +9000/) as string })
  expect(filled.stderr).toMatch(/^\d+ rows filled, [01] of 1 tables\n/)
  expect((await cli('list')).stdout).toMatch(/total_in_cents +backfilled +1 +1 +0 +9000/)
  for (const verb of ['validate', 'switch']) expect((await cli(verb, 'total_in_cents')).code).toBe(0)
  expect((await cli('contract', 'total_in_cents')).stderr).toContain('CONFIRMATION_REQUIRED')
  expect(await columnsOf()).toContain('total')
  expect((await cli('contract', 'total_in_cents', '--yes', '--json')).stdout).toContain('"contracted"')
  expect(await columnsOf()).not.toContain('total')
})

test.each([
  [['backfill'], 'USAGE'],
  [['expand'], 'USAGE'],
  [['expand', '--file', 'nothing.json'], 'INVALID_INPUT'],
  [['status', 'unknown'], 'INVALID_INPUT'],
  [['status', '..'], 'INVALID_INPUT'],
  [['validate', 'total_in_cents', '--pause', '1s'], 'USAGE'],
  [['backfill', 'x', '--batch', '2h'], 'INVALID_INPUT'],
])('change %j is refused with %s', async (args, code) => {
  for (const [, env] of ways) {
    const result = await runCli(['change', ...args], { env: env(), cwd: folder })
    expect([result.code, result.stderr]).toEqual([2, expect.stringContaining(code)])
  }
})

test('is not taken from a file that holds no change', async () => {
  for (const text of [
    '[]',
    '"x"',
    '{"name":"a"}',
    '{"name":"a","to":{"name":1}}',
    JSON.stringify({ ...change, to: null }),
  ]) {
    await writeFile(join(folder, 'odd.json'), text)
    const { stderr } = await runCli(['change', 'expand', '--file', 'odd.json'], { env: ways[0][1](), cwd: folder })
    expect(stderr).toContain('INVALID_INPUT')
  }
})
