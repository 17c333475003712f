// Idempotency-Key over a real control plane: one key, one run, one answer, one caller.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { silentLogger } from '../../src/kernel/logger.ts'
import { handler } from '../../src/surfaces/http/index.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createInstanceDatabase, type InstanceDatabase } from '../support/instance-database.ts'

let database: InstanceDatabase
let tenantry: Tenantry
let handle: (request: Request) => Promise<Response>
let runs: string[]
/** What happens in a handler beside its work. */
let meanwhile: () => Promise<unknown>

beforeAll(async () => {
  database = await createInstanceDatabase()
  tenantry = createTenantry({ adminUrl: database.adminUrl, isolation: 'row' })
  await tenantry.start()
  const create: Tenantry['tenants']['create'] = async (input, options) => {
    runs.push(input.name)
    await meanwhile()
    return tenantry.tenants.create(input, options)
  }
  const parts = { verify: () => tenantry.verify(), lastVerification: () => tenantry.lastVerification() }
  const controlPlane = {
    ...{ ...tenantry, ...parts, logger: silentLogger, version: '0', health: () => tenantry.health() },
    tenants: { ...tenantry.tenants, create },
  }
  handle = handler(controlPlane, { ephemeralKeys: ['first', 'second'] })
})

beforeEach(async () => {
  runs = []
  meanwhile = () => Promise.resolve()
  await database.admin.query('truncate tenantry.idempotency')
})

afterAll(async () => {
  await tenantry.close()
  await database.drop()
})

interface Call {
  readonly method?: string
  readonly path?: string
  readonly body?: object | string
  readonly by?: string
}

/** A request under an idempotency key. */
async function send(key: string, { method = 'POST', path = '', body, by = 'first' }: Call = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${by}`, 'content-type': 'application/json', 'idempotency-key': key }
  const text = typeof body === 'object' ? JSON.stringify(body) : (body ?? null)
  return handle(new Request(`http://localhost/api/tenants${path}`, { method, headers, body: text }))
}

const create = (key: string, name: string, by = 'first') => send(key, { body: { name }, by })

const codeOf = async (response: Response): Promise<unknown> => ((await response.json()) as { code?: unknown }).code

test('a repeated request is answered as the first time, and runs once', async () => {
  const first = await create('create-1', 'Alpha')
  const again = await create('"create-1"', 'Alpha')
  expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([201, null])
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true'])
  for (const name of ['content-type', 'etag', 'location']) expect(again.headers.get(name)).toBe(first.headers.get(name))
  expect(again.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'))
  expect(await again.text()).toBe(await first.text())
  expect(runs).toEqual(['Alpha'])
})

test('without a key, and under two keys, it runs twice', async () => {
  await create('one', 'Beta')
  expect(await codeOf(await create('two', 'Beta'))).toBe('SLUG_TAKEN')
  expect(runs).toEqual(['Beta', 'Beta'])
})

test('of many at once one runs, and the others are told that it does', async () => {
  let others: Response[] = []
  meanwhile = async () => {
    others = await Promise.all(Array.from({ length: 12 }, () => create('at-once', 'Gamma')))
  }
  expect((await create('at-once', 'Gamma')).status).toBe(201)
  for (const other of others) expect([other.status, await codeOf(other)]).toEqual([409, 'IDEMPOTENCY_BUSY'])
  expect(others).toHaveLength(12)
  expect((await create('at-once', 'Gamma')).headers.get('idempotency-replayed')).toBe('true')
  expect(runs).toEqual(['Gamma'])
})

test('of two that race from the start exactly one runs, again and again', async () => {
  for (let round = 0; round < 20; round += 1) {
    const name = `Race ${round}`
    const answers = await Promise.all(Array.from({ length: 4 }, () => create(`race-${round}`, name)))
    expect(answers.filter(({ status }) => status === 201).length).toBeGreaterThanOrEqual(1)
    for (const answer of answers) if (answer.status !== 201) expect(await codeOf(answer)).toBe('IDEMPOTENCY_BUSY')
    expect(runs.filter((run) => run === name)).toHaveLength(1)
  }
})

test('another body, path or method under the key is a mismatch, and runs nothing', async () => {
  await create('mine', 'Delta')
  for (const other of [
    { body: { name: 'Epsilon' } },
    { body: '{"name": "Delta"}' },
    { path: '/delta/suspend', body: { name: 'Delta' } },
    { path: '/delta', method: 'DELETE' },
    { path: '?x=1', body: { name: 'Delta' } },
  ]) {
    const answer = await send('mine', other)
    expect([answer.status, await codeOf(answer)]).toEqual([422, 'IDEMPOTENCY_MISMATCH'])
  }
  expect(runs).toEqual(['Delta'])
  expect((await tenantry.tenants.get('delta')).status).toBe('active')
})

test('one caller’s key is another caller’s own: no answer crosses', async () => {
  const mine = await create('shared', 'Zeta', 'first')
  const theirs = await create('shared', 'Zeta', 'second')
  expect(theirs.headers.get('idempotency-replayed')).toBeNull()
  expect([mine.status, await codeOf(theirs)]).toEqual([201, 'SLUG_TAKEN'])
  expect((await create('shared', 'Zeta', 'nobody')).status).toBe(401)
})

test('a refusal is repeated, a failure and a refusal for now are not', async () => {
  const wrong = { body: { name: 'Eta', nme: 'Eta' } }
  expect(await codeOf(await send('wrong', wrong))).toBe('UNKNOWN_FIELD')
  const again = await send('wrong', wrong)
  expect([again.headers.get('idempotency-replayed'), await codeOf(again)]).toEqual(['true', 'UNKNOWN_FIELD'])
  meanwhile = () => Promise.reject(new Error('broken'))
  expect((await create('fails', 'Eta')).status).toBe(500)
  meanwhile = () => Promise.resolve()
  expect((await create('fails', 'Eta')).status).toBe(201)
  const stale = await handle(
    new Request('http://localhost/api/tenants/eta', {
      method: 'DELETE',
      headers: { authorization: 'Bearer first', 'idempotency-key': 'later', 'if-match': '"99"' },
    }),
  )
  expect(stale.status).toBe(412)
  expect((await send('later', { method: 'DELETE', path: '/eta' })).status).toBe(200)
})

test('a secret is answered once and kept nowhere', async () => {
  await tenantry.tenants.create({ name: 'Theta', slug: 'theta', isolation: 'schema' })
  const body = { username: 'theta_reports' }
  const first = await send('login', { path: '/theta/credentials', body })
  const { password } = (await first.json()) as { password: string }
  expect(password).toMatch(/^[A-Za-z0-9]{32}$/)
  const again = await send('login', { path: '/theta/credentials', body })
  expect([again.status, await codeOf(again)]).toEqual([409, 'IDEMPOTENCY_SECRET'])
  const { rows } = await database.admin.query('select status, body from tenantry.idempotency')
  expect(rows).toEqual([{ status: 201, body: null }])
  await tenantry.credentials.drop('theta', body)
})

test('a process that died blocks its key for no longer than its lease, and no answer of it counts then', async () => {
  const asked = { caller: 'user:1', key: 'died', request: 'POST /x' }
  const { idempotency } = tenantry
  const dead = await idempotency.claim(asked)
  if (!('holder' in dead)) throw new Error('was answered before')
  await expect(idempotency.claim(asked)).rejects.toMatchObject({ code: 'IDEMPOTENCY_BUSY', retryable: true })
  await database.admin.query("update tenantry.idempotency set lease_until = now() - interval '1 second'")
  await expect(idempotency.claim({ ...asked, request: 'POST /y' })).rejects.toMatchObject({
    code: 'IDEMPOTENCY_MISMATCH',
  })
  const heir = await idempotency.claim(asked)
  if (!('holder' in heir)) throw new Error('was answered before')
  expect(await idempotency.renew(dead.holder)).toBe(false)
  await idempotency.finish(dead.holder, { status: 200, headers: {}, body: 'of the dead' })
  await idempotency.abandon(dead.holder)
  expect(await idempotency.renew(heir.holder)).toBe(true)
  await idempotency.finish(heir.holder, { status: 200, headers: {}, body: 'of the heir' })
  expect(await idempotency.claim(asked)).toEqual({ answer: { status: 200, headers: {}, body: 'of the heir' } })
})

test('a renewed claim outlives its first minute', async () => {
  const asked = { caller: 'user:1', key: 'long', request: 'POST /x' }
  const claim = await tenantry.idempotency.claim(asked)
  if (!('holder' in claim)) throw new Error('was answered before')
  await database.admin.query("update tenantry.idempotency set lease_until = now() - interval '1 second'")
  expect(await tenantry.idempotency.renew(claim.holder)).toBe(true)
  await expect(tenantry.idempotency.claim(asked)).rejects.toMatchObject({ code: 'IDEMPOTENCY_BUSY' })
})

test('an answer is kept for 24 hours, then the key is free, and housekeeping removes what is left', async () => {
  await create('day', 'Iota')
  const { rows } = await database.admin.query(
    "select expires_at > now() + interval '23 hours 59 minutes' and expires_at <= now() + interval '24 hours' as a_day from tenantry.idempotency",
  )
  expect(rows).toEqual([{ a_day: true }])
  expect(await tenantry.idempotency.prune()).toBe(0)
  await database.admin.query('update tenantry.idempotency set expires_at = now()')
  expect(await codeOf(await create('day', 'Iota'))).toBe('SLUG_TAKEN')
  await database.admin.query('update tenantry.idempotency set expires_at = now()')
  expect(await tenantry.idempotency.prune()).toBe(1)
})

test('the login of tenants reads none of it', async () => {
  await tenantry.tenants.create({ name: 'Kappa', slug: 'kappa' })
  await expect(tenantry.scope('kappa').query('select * from tenantry.idempotency')).rejects.toMatchObject({
    code: '42501',
  })
})
