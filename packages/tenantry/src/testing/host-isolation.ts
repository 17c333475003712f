// What the host suite claims of requests beside and after each other: none ever runs in another's tenant, and each leaves its
// own however it ends.
import assert from 'node:assert/strict'
import type { Tenant } from '../tenants/tenant.ts'
import { assertIn, assertOutside, assertProblem, type HostCase, notesOf } from './host-cases.ts'
import { type HostPlay, memberOf, type Seen, seenIn } from './host-routes.ts'
import { userOf } from './host-stage.ts'

const CONNECTIONS = 24
const REQUESTS_EACH = 100

const keptAlive: HostCase = async (play) => {
  const connection = await play.connect()
  for (const tenant of play.tenants.slice(0, 3)) {
    assertIn(tenant, await connection.ask({ target: '/notes', headers: memberOf(tenant) }))
    assertOutside(await connection.ask({ target: '/open' }))
    const body = { id: 7, text: `${tenant.slug}/7` }
    const inserted = await connection.ask({ method: 'POST', target: '/notes', headers: memberOf(tenant), body })
    assert.equal(inserted.status, 200, inserted.text)
    assertOutside(await connection.ask({ method: 'POST', target: '/open', body }))
  }
  connection.destroy()
}

const pipelined: HostCase = async (play) => {
  const connection = await play.connect()
  const tenants = [0, 1, 2].flatMap(() => play.tenants.slice(0, 3))
  connection.send(tenants.flatMap((tenant) => [{ target: '/notes', headers: memberOf(tenant) }, { target: '/open' }]))
  for (const tenant of tenants) {
    assertIn(tenant, await connection.answer())
    assertOutside(await connection.answer())
  }
  connection.destroy()
}

/** The body is read from the socket, where no scope is; the handler must be in its own again. */
const bodies: HostCase = async (play) => {
  const [first, second] = play.tenants
  const post = (tenant: Tenant, id: number, size = 0) =>
    play.ask({
      method: 'POST',
      target: '/notes',
      headers: memberOf(tenant),
      body: { id, text: `${tenant.slug}/${id}`, filling: 'x'.repeat(size) },
    })
  const answers = await Promise.all([
    post(first, 11),
    post(second, 11),
    post(first, 12, 60_000),
    post(second, 12, 60_000),
  ])
  for (const { status, text } of answers) assert.equal(status, 200, text)
  for (const tenant of [first, second]) {
    const expected = [...notesOf(tenant), `${tenant.slug}/11`, `${tenant.slug}/12`].sort()
    assert.deepEqual([...(await play.stage.stored(play.tenantry, tenant))], expected)
  }
}

const interleaved: HostCase = async (play) => {
  const tenants = play.stage.tenants.slice(0, -1)
  let answered = 0
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, lane) => {
      const connection = await play.connect()
      for (let at = 0; at < REQUESTS_EACH; at++) {
        const tenant = tenants[(lane + at * 7) % tenants.length]
        if (tenant === undefined) continue
        await askInTurn(connection, { tenant, lane, at })
        answered += 1
      }
      connection.destroy()
    }),
  )
  assert.equal(answered, CONNECTIONS * REQUESTS_EACH)
  for (const tenant of tenants) {
    const foreign = (await play.stage.stored(play.tenantry, tenant)).filter(
      (body) => !body.startsWith(`${tenant.slug}/`),
    )
    assert.deepEqual(foreign, [], `foreign notes of ${tenant.slug}`)
  }
}

interface Turn {
  readonly tenant: Tenant
  readonly lane: number
  readonly at: number
}

type Connection = Awaited<ReturnType<HostPlay['connect']>>

/** A read, a write or a request of nobody, whichever is due. */
async function askInTurn(connection: Connection, { tenant, lane, at }: Turn): Promise<void> {
  const own = (notes: Seen['notes']) =>
    typeof notes !== 'string' && notes.every((body) => body.startsWith(`${tenant.slug}/`))
  if (at % 10 === 9) {
    assertOutside(await connection.ask({ target: '/open' }))
  } else if (at % 10 === 4) {
    const body = { id: 1_000 + lane * REQUESTS_EACH + at, text: `${tenant.slug}/${lane}-${at}` }
    const { status, text } = await connection.ask({ method: 'POST', target: '/notes', headers: memberOf(tenant), body })
    assert.equal(status, 200, text)
    assert.ok(own((JSON.parse(text) as Pick<Seen, 'notes'>).notes), text)
  } else {
    const seen = seenIn(await connection.ask({ target: '/notes', headers: memberOf(tenant) }))
    assert.deepEqual([seen.tenantId, seen.userId], [tenant.id, userOf(tenant.slug)])
    assert.ok(own(seen.notes), JSON.stringify(seen.notes))
  }
}

const errors: HostCase = async (play) => {
  const [first, second] = play.tenants
  const connection = await play.connect()
  for (const tenant of [first, second]) {
    const failed = await connection.ask({ target: '/fails', headers: memberOf(tenant) })
    assert.equal(failed.status, 500, failed.text)
    assertOutside(await connection.ask({ target: '/open' }))
  }
  assertIn(second, await connection.ask({ target: '/notes', headers: memberOf(second) }))
  connection.destroy()
}

/** The handler of a request that nobody waits for any more goes on in its tenant, and the next one is not in it. */
const aborts: HostCase = async (play) => {
  const [first, second] = play.tenants
  const gone = await play.connect()
  gone.send([{ target: '/waits', headers: memberOf(first) }])
  await play.gate.reached
  gone.destroy()
  assertIn(second, await play.ask({ target: '/notes', headers: memberOf(second) }))
  assertOutside(await play.ask({ target: '/open' }))
  play.ended = undefined
  play.gate.open()
  const seen = await until(() => play.ended)
  assert.deepEqual([seen.tenantId, seen.notes], [first.id, notesOf(first)])
}

async function until<T>(get: () => Promise<T> | undefined): Promise<T> {
  for (let tries = 0; tries < 10_000; tries++) {
    const value = get()
    if (value !== undefined) return value
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error('It did not happen.')
}

const streams: HostCase = async (play) => {
  const [first, second] = play.tenants
  const slow = await play.connect()
  slow.send([{ target: '/streams', headers: memberOf(first) }])
  await play.gate.reached
  await slow.until(`${first.slug}/1`)
  const meanwhile = await play.connect()
  assertIn(second, await meanwhile.ask({ target: '/notes', headers: memberOf(second) }))
  play.gate.open()
  const { status, text } = await slow.answer()
  assert.equal(status, 200)
  const line = JSON.stringify(notesOf(first))
  assert.deepEqual(text.trim().split('\n'), [line, line, line])
  assertOutside(await slow.ask({ target: '/open' }))
  slow.destroy()
  meanwhile.destroy()
}

const suspendedMeanwhile: HostCase = async (play) => {
  const [first, second] = play.tenants
  const connection = await play.connect()
  connection.send([{ target: '/waits', headers: memberOf(first) }])
  await play.gate.reached
  await play.tenantry.tenants.suspend(first.slug, { reason: 'host suite' })
  play.gate.open()
  const response = await connection.answer()
  const next = await connection.ask({ target: '/notes', headers: memberOf(first) })
  await play.tenantry.tenants.activate(first.slug)
  assert.equal(seenIn(response).notes, 'TENANT_SUSPENDED')
  assertProblem(play, next, [403, 'TENANT_SUSPENDED'])
  assertIn(second, await connection.ask({ target: '/notes', headers: memberOf(second) }))
  connection.destroy()
}

const maintenance: HostCase = async (play) => {
  const [first, second] = play.tenants
  const ask = (tenant: Tenant, role?: string) => play.ask({ target: '/notes', headers: memberOf(tenant, role) })
  const operators = [userOf(first.slug, 'admin')]
  await play.tenantry.tenants.setMode(first.slug, { mode: 'maintenance', reason: 'host suite', operators })
  const [refused, letIn, other] = [await ask(first), await ask(first, 'admin'), await ask(second)]
  await play.tenantry.tenants.setMode(first.slug, { mode: 'normal' })
  assertProblem(play, refused, [503, 'TENANT_MAINTENANCE'])
  assertIn(first, letIn)
  assertIn(second, other)
  assertIn(first, await ask(first))
}

/** Who may only read gets a scope that only reads. */
const readers: HostCase = async (play) => {
  const [first] = play.tenants
  const headers = memberOf(first, 'reader')
  assertIn(first, await play.ask({ target: '/notes', headers }))
  const body = { id: 8, text: `${first.slug}/8` }
  const { notes } = seenIn(await play.ask({ method: 'POST', target: '/notes', headers, body }))
  assert.equal(notes, 'TENANT_READ_ONLY')
  assert.deepEqual(await play.stage.stored(play.tenantry, first), notesOf(first))
}

const leftOpen: HostCase = async (play) => {
  const [first] = play.tenants
  const { status } = await play.ask({ target: '/left-open', headers: memberOf(first) })
  assert.equal(status, 200)
  while (play.log.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual(play.log, ['TRANSACTION_LEFT_OPEN'])
  assert.deepEqual(await play.stage.stored(play.tenantry, first), notesOf(first))
  const { totalCount, idleCount } = play.tenantry.pool
  assert.equal(idleCount, totalCount, 'the client that was left in a transaction is still out')
}

/** What a request leaves behind and somebody else calls has no tenant of its own. */
const calledLater: HostCase = async (play) => {
  const [first] = play.tenants
  await play.ask({ target: '/later', headers: memberOf(first) })
  assert.equal(await play.later?.(), 'TENANT_CONTEXT_MISSING')
}

export const hostIsolation: Readonly<Record<string, HostCase>> = {
  'leaves the tenant before the next request of the same connection': keptAlive,
  'keeps requests apart that come in one packet': pipelined,
  'is in the tenant again once the body was read': bodies,
  [`never crosses tenants in ${CONNECTIONS * REQUESTS_EACH} interleaved requests`]: interleaved,
  'leaves the tenant where a handler fails': errors,
  'leaves the tenant where the client gives up': aborts,
  'stays in the tenant while a body is streamed': streams,
  'notices that a tenant was suspended while a request runs': suspendedMeanwhile,
  'lets nobody but named operators in during maintenance': maintenance,
  'lets a member who only reads write nothing': readers,
  'rolls back what a request left in a transaction': leftOpen,
  'gives nothing a scope that is called after the request': calledLater,
}
