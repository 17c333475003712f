// A tenant's read over HTTP, through the middleware, against the same route without tenancy: the server in a process of its
// own, autocannon in this one, every framework in one run.
import { fork } from 'node:child_process'
import autocannon from 'autocannon'
import { measureRounds } from '../src/rounds.mjs'
import { addRowTenants, openStage } from '../src/stage.mjs'

const TENANTS = 1_000
const ROWS = 200
const HOSTS = ['hono', 'fastify', 'express']
const IN_FLIGHT = [64, 8]
/**
 * Requests that each connection goes through in turn, and how many a slice sends. The same all through, so that tenants and
 * members are met in memory as often as by a server that serves nothing but this for longer than they are kept.
 */
const DIFFERENT = 50
const SLICE = { 64: 2_500, 8: 1_500 }

export async function run({ rounds, progress, only }) {
  const stage = await openStage()
  let server
  try {
    progress('preparing data')
    const tenants = await prepare(stage)
    server = await startServer({ adminUrl: stage.adminUrl, plain: stage.plain, hosts: HOSTS })
    const results = await measureRounds(modesOf(server.ports, requestsOf(tenants)), { rounds, progress, only })
    const ratios = Object.fromEntries(results.filter(({ ratio }) => ratio).map(({ key, ratio }) => [key, ratio]))
    const rows = results.map(({ key, perSecond, ratio }) => ({ mode: key, 'per second': perSecond, ratio: ratio ?? 1 }))
    return { ratios, rows }
  } finally {
    server?.stop()
    await stage.close()
  }
}

/** Row tenants of 200 items, each with one member; the plain table holds the same rows. */
async function prepare(stage) {
  const tenants = await addRowTenants(stage, TENANTS, 'row-')
  await stage.central(`create table plain_item (tenant_id uuid not null, id int not null, body text not null,
      amount numeric not null, primary key (tenant_id, id));
    create table item (like plain_item including all);
    insert into plain_item select t.id, g, 'item ' || g, g * 1.5 from tenantry.tenant t, generate_series(1, ${ROWS}) g;
    insert into item select * from plain_item; grant select on plain_item to bench_plain`)
  await stage.central(
    "insert into tenantry.member (tenant_id, user_id, role, state, joined_at) select id, 'user of ' || slug, 'owner', 'active', now() from tenantry.tenant",
  )
  await stage.central('vacuum analyze item')
  await stage.central('vacuum analyze plain_item')
  await stage.tenantry.protect('item')
  return tenants.map((id, index) => ({ id, slug: `row-${index + 1}` }))
}

function startServer(settings) {
  const child = fork(new URL('../src/http/server.mjs', import.meta.url), { stdio: 'inherit' })
  child.send(settings)
  return new Promise((resolve, reject) => {
    child.once('message', (ports) => resolve({ ports, stop: () => child.kill() }))
    child.once('exit', (code) => reject(new Error(`The server ended with ${code}.`)))
  })
}

function modesOf(ports, requests) {
  return IN_FLIGHT.flatMap((inFlight) =>
    HOSTS.flatMap((host) => {
      const mode = (name, baseline) => ({
        ...{ key: `${name} @${inFlight}`, baseline, inFlight },
        slice: () => fire(ports[name], { requests, inFlight }),
      })
      return [mode(`${host} plain`), mode(host, `${host} plain @${inFlight}`)]
    }),
  )
}

function requestsOf(tenants) {
  return Array.from({ length: DIFFERENT }, () => {
    const { id, slug } = tenants[Math.floor(Math.random() * tenants.length)]
    const headers = { 'x-tenant-id': id, 'x-user': `user of ${slug}` }
    return { path: `/items/${1 + Math.floor(Math.random() * ROWS)}`, headers }
  })
}

/** Sends one slice of requests; returns requests per second. Any answer but 200 ends the bench. */
async function fire(port, { requests, inFlight }) {
  const run = autocannon({
    ...{ url: `http://127.0.0.1:${port}`, connections: inFlight, amount: SLICE[inFlight], requests, sampleInt: 20 },
  })
  const startedAt = performance.now()
  // Its own clock ticks in whole samples.
  let lastAt = startedAt
  run.on('response', () => {
    lastAt = performance.now()
  })
  const { '2xx': answered, errors } = await run
  if (answered < SLICE[inFlight] || errors > 0) throw new Error(`${answered} of ${SLICE[inFlight]} were answered`)
  return (answered * 1000) / (lastAt - startedAt)
}
