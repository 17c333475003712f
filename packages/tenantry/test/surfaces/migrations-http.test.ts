// Migrations over HTTP: runs that go on in the server, are watched and stopped, in this process and in another one.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { packageComposition } from '../../src/surfaces/cli/composition.ts'
import { readEvents, type ServerEvent } from '../../src/surfaces/cli/event-stream.ts'
import {
  FleetStatusSchema,
  MigrationProgressSchema,
  MigrationRunPageSchema,
  MigrationRunSchema,
} from '../../src/surfaces/http/contract/migrations.ts'
import type { HttpServer } from '../../src/surfaces/http/server.ts'
import type { Tenantry } from '../../src/tenantry.ts'
import { until } from '../harness/wait.ts'
import { type FleetInstance, openFleetInstance } from './fleet-instance.ts'

const ADMIN = 'key-of-this-test-run'
const authorization = `Bearer ${ADMIN}`

let stage: FleetInstance
let tenantry: Tenantry
let server: HttpServer

beforeAll(async () => {
  stage = await openFleetInstance()
})

afterAll(async () => {
  await stage.close()
})

// Files are read when an instance starts, so each test gets a server that knows one migration more.
beforeEach(async () => {
  await stage.addMigration()
  tenantry = await stage.open()
  server = await packageComposition.serve(tenantry, { port: 0, ephemeralKeys: [ADMIN] })
  return () => server.drain()
})

interface Sent {
  readonly headers?: Record<string, string>
  readonly [field: string]: unknown
}

async function call(method: 'GET' | 'POST', path: string, { headers = {}, ...sent }: Sent = {}) {
  const response = await fetch(`${server.url}/api/migrations${path}`, {
    method,
    headers: { authorization, 'content-type': 'application/json', ...headers },
    ...(method === 'POST' && { body: JSON.stringify(sent) }),
  })
  const body: unknown = await response.json()
  return { status: response.status, body }
}

/** The events of a stream, as they come. */
async function watch(query = '') {
  const controller = new AbortController()
  const { signal } = controller
  const response = await fetch(`${server.url}/api/migrations/events${query}`, { headers: { authorization }, signal })
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
  const events: ServerEvent[] = []
  const ended = (async () => {
    for await (const event of readEvents(response.body ?? new ReadableStream())) events.push(event)
  })().catch(() => {})
  return { events, ended, close: () => controller.abort() }
}

const endOf = (events: readonly ServerEvent[]) => events.find(({ event }) => event === 'end')

test('the status says who is behind, a dry run what would be done, and up does it while the caller waits', async () => {
  const status = FleetStatusSchema.parse((await call('GET', '')).body)
  expect(status).toMatchObject({ total: 3, upToDate: 0, pending: 3, failed: 0 })
  const dry = await call('POST', '/up', { dryRun: true })
  expect(dry).toMatchObject({ status: 200, body: { dryRun: true, total: 3, done: 0 } })
  expect(FleetStatusSchema.parse((await call('GET', '')).body)).toEqual(status)
  const up = await call('POST', '/up?wait=true', { tenants: ['acme'] })
  expect(up.status).toBe(200)
  expect(MigrationRunSchema.parse(up.body)).toMatchObject({ state: 'complete', total: 1, done: 1, failed: 0 })
  const rest = await call('POST', '/up?wait=true', { filter: { isolation: 'schema' }, canary: ['globex'], waves: [1] })
  expect(rest.body).toMatchObject({ state: 'complete', done: 2, upToDate: 1 })
  expect((await call('POST', '/up')).body).toMatchObject({ state: 'complete', total: 0, upToDate: 3 })
  expect((await call('POST', '/retry')).body).toMatchObject({ state: 'complete', total: 0 })
  const page = MigrationRunPageSchema.parse((await call('GET', '/runs')).body)
  expect(page.items[0]).toMatchObject({ done: 2 })
  const one = await call('GET', `/runs/${page.items[0]?.runId ?? ''}`)
  expect(one).toEqual({ status: 200, body: page.items[0] })
})

test.each([
  ['/up', { waves: [2] }, 'INVALID_INPUT'],
  ['/up', { connections: 0 }, 'INVALID_INPUT'],
  ['/up', { tenant: 'acme' }, 'UNKNOWN_FIELD'],
  ['/up', { tenants: ['nobody'] }, 'TENANT_NOT_FOUND'],
  ['/up?wait=yes', {}, 'INVALID_INPUT'],
  ['/runs/0191f2ab-0000-7000-8000-000000000000/stop', {}, 'MIGRATION_RUN_NOT_FOUND'],
])('POST %s with %j is refused as %s, and nothing runs', async (path, body, code) => {
  const runs = (await call('GET', '/runs')).body
  expect((await call('POST', path, body)).body).toMatchObject({ code })
  expect((await call('GET', '/runs')).body).toEqual(runs)
})

describe('a run that is not waited for', () => {
  test('is answered with 202, goes on in the server, and is watched to its end', async () => {
    const release = await stage.lock('acme')
    const all = await watch()
    const begun = await call('POST', '/up', { connections: 1, batchSize: 1, lockTimeoutMs: 20_000 })
    expect(begun).toMatchObject({ status: 202, body: { state: 'running', total: 3 } })
    const { runId } = MigrationRunSchema.parse(begun.body)
    const own = await watch(`?run=${runId}`)
    expect((await call('POST', '/up')).body).toMatchObject({ code: 'MIGRATION_RUNNING' })
    await until(() => all.events.some(({ event }) => event === 'progress'), { what: 'progress' })
    expect(MigrationProgressSchema.parse(JSON.parse(all.events[0]?.data ?? ''))).toMatchObject({ runId, total: 3 })
    await release()
    await own.ended
    expect(MigrationRunSchema.parse(JSON.parse(endOf(own.events)?.data ?? ''))).toMatchObject({
      runId,
      state: 'complete',
      done: 3,
    })
    await until(() => endOf(all.events), { what: 'the end, for who watches all runs' })
    all.close()
    const late = await watch(`?run=${runId}`)
    await late.ended
    expect(late.events.map(({ event }) => event)).toEqual(['end'])
  })

  test('can be stopped after what is under way, and gone on with', async () => {
    const release = await stage.lock('acme')
    const begun = await call('POST', '/up', { connections: 1, batchSize: 1, lockTimeoutMs: 20_000 })
    const { runId } = MigrationRunSchema.parse(begun.body)
    const stopped = call('POST', `/runs/${runId}/stop`)
    await release()
    const { status, body } = await stopped
    expect(status).toBe(200)
    const run = MigrationRunSchema.parse(body)
    expect(run).toMatchObject({ runId, state: 'stopped', failed: 0 })
    expect(run.done).toBeLessThan(3)
    expect((await call('POST', `/runs/${runId}/stop`)).body).toEqual((await call('GET', `/runs/${runId}`)).body)
    expect((await call('POST', '/up?wait=true')).body).toMatchObject({ state: 'complete', upToDate: run.done })
  })

  test('is begun once under one Idempotency-Key', async () => {
    const key = { 'idempotency-key': 'a-run' }
    const first = await call('POST', '/up?wait=true', { headers: key })
    expect(await call('POST', '/up?wait=true', { headers: key })).toEqual(first)
    expect((await call('GET', '/runs')).body).toMatchObject({ items: expect.arrayContaining([first.body]) as unknown })
  })
})

test('a run of another process is watched by its row, and is stopped from here', async () => {
  const other = await stage.open()
  const release = await stage.lock('acme')
  const all = await watch()
  const ended = other.migrations.up({ connections: 1, batchSize: 1, lockTimeoutMs: 20_000 })
  const progress = await until(() => all.events.find(({ event }) => event === 'progress'), { what: 'its progress' })
  const { runId } = MigrationProgressSchema.parse(JSON.parse(progress.data))
  expect(await call('POST', `/runs/${runId}/stop`)).toMatchObject({ status: 200, body: { runId, state: 'running' } })
  await release()
  const { done } = await ended
  expect(done).toBeLessThan(3)
  const end = await until(() => endOf(all.events), { what: 'its end' })
  expect(MigrationRunSchema.parse(JSON.parse(end.data))).toMatchObject({ runId, state: 'stopped', done })
  all.close()
})

test('a server that stops ends its streams', async () => {
  const all = await watch()
  await server.drain()
  await all.ended
  expect(all.events).toEqual([])
})
