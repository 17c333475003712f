// From a request to its tenant: microseconds of one resolution that everything is in memory for, by resolver, and what
// 10,000 hosts that nobody has cost the database.
import { setImmediate as turn } from 'node:timers/promises'
import { SignJWT } from 'jose'
import { openCentralDatabase } from '../../packages/tenantry/dist/engine/sql/central-database.js'
import { createResolution } from '../../packages/tenantry/dist/features/resolution/create-resolution.js'
import { createCachedRegistry } from '../../packages/tenantry/dist/tenants/cached-registry.js'
import { addRowTenants, openStage } from '../src/stage.mjs'

const TENANTS = 1_000
const SLICE = 20_000
const BOGUS = 10_000
const SECRET = 'a shared secret of at least 32 bytes'
const jwt = { issuer: 'https://issuer.example', audience: 'bench', secret: SECRET }
const membership = {
  peek: (tenantId, userId) => ({
    ...{
      tenantId,
      userId,
      role: 'member',
      rank: 40,
      permissions: [],
      source: 'member',
      readOnly: false,
      expiresAt: null,
    },
  }),
}

export async function run({ rounds, progress, only }) {
  const stage = await openStage()
  const database = countingDatabase(stage.adminUrl)
  try {
    progress('preparing data')
    const ids = await addRowTenants(stage, TENANTS, 'tenant-')
    const registry = createCachedRegistry({
      database,
      channel: 'bench',
      clock: { now: () => Date.now() },
      ttlMs: 3_600_000,
    })
    for (const id of ids) await registry.lookup({ id })
    const results = await resolvers({ registry, ids, rounds, progress, only })
    progress('hosts that nobody has')
    const flood = await bogusHosts(registry, database)
    return {
      ratios: { ...results, [`queries per ${BOGUS} bogus hosts`]: flood.queries },
      rows: Object.entries(results).map(([key, us]) => ({ resolver: key, us })),
      notes: [`${BOGUS} bogus hosts in ${flood.seconds.toFixed(2)} s: ${flood.queries} queries`],
    }
  } finally {
    await database.close()
    await stage.close()
  }
}

async function resolvers({ registry, ids, rounds, progress, only }) {
  const modes = (await modesOf(registry, ids)).filter(({ key }) => key.includes(only))
  const seen = new Map(modes.map(({ key }) => [key, []]))
  for (const mode of modes) await warm(mode)
  for (let round = 0; round < rounds; round += 1) {
    progress(`round ${round + 1} of ${rounds}`)
    for (const mode of modes) seen.get(mode.key).push(timed(mode))
  }
  return Object.fromEntries(modes.map(({ key }) => [key, median(seen.get(key))]))
}

/** A request each of 100 tenants, as bridges hand them over; every one is resolved once before it is measured. */
async function modesOf(registry, ids) {
  const slugs = ids.map((id) => registry.peek({ id }).slug).slice(0, 100)
  const user = { userId: 'anna' }
  const request = (headers, target = '/notes') => ({
    ...{ method: 'GET', target, hasTwoHosts: false, remoteAddress: '127.0.0.1', raw: undefined },
    header: (name) => headers[name],
  })
  const mode = (key, settings, make) => {
    const keys = {
      peek: (id) => ({ keyId: id, prefix: 'tn_', kind: 'tenant', tenantId: id.slice(3), permissions: [] }),
    }
    const ports = { tenants: registry, members: undefined, keys, reservedSlugs: undefined }
    const { resolve } = createResolution({ membership, user: () => user, ...settings }, ports)
    return { key: `${key} µs`, resolve, requests: slugs.map(make) }
  }
  const tokens = new Map()
  for (const slug of slugs) tokens.set(slug, await tokenOf(slug))
  const host = 'app.example.com'
  const idOf = (slug) => registry.peek(slug).id
  return [
    mode('jwt', { resolvers: ['jwt'], jwt }, (slug) => request({ host, authorization: `Bearer ${tokens.get(slug)}` })),
    mode('key', { resolvers: ['key'] }, (slug) => request({ host, authorization: `Bearer tn_${idOf(slug)}` })),
    mode('header', { resolvers: ['header'] }, (slug) => request({ host, 'x-tenant-id': idOf(slug) })),
    mode(
      'customDomain',
      {
        customDomain: { lookup: async (name) => name.split('.')[0], cacheTtlMs: 3_600_000 },
        resolvers: ['customDomain'],
      },
      (slug) => request({ host: `${slug}.example.org` }),
    ),
    mode('subdomain', { subdomainPattern: host, resolvers: ['subdomain'] }, (slug) =>
      request({ host: `${slug}.${host}` }),
    ),
    mode('path', { resolvers: ['path'] }, (slug) => request({ host }, `/tenants/${slug}/notes`)),
    mode(
      'session',
      { resolvers: ['session'], session: { verify: (cookie) => ({ tenant: cookie, userId: 'anna' }) } },
      (slug) => request({ host, cookie: `session=${slug}` }),
    ),
  ]
}

const tokenOf = (slug) =>
  new SignJWT({ tenant_id: slug, sub: 'anna' })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(jwt.issuer)
    .setAudience(jwt.audience)
    .setExpirationTime('1h')
    .sign(Buffer.from(SECRET))

async function warm({ key, resolve, requests }) {
  for (const request of requests) {
    const { tenant, refusal } = await resolve(request)
    if (tenant === undefined) throw new Error(`${key}: ${refusal?.code}`)
    if (resolve(request) instanceof Promise) throw new Error(`${key} is not in memory`)
  }
}

/** Microseconds a request. */
function timed({ resolve, requests }) {
  const started = performance.now()
  for (let n = 0; n < SLICE; n += 1) resolve(requests[n % requests.length])
  return ((performance.now() - started) * 1000) / SLICE
}

async function bogusHosts(registry, database) {
  const { resolve } = createResolution(
    { subdomainPattern: 'app.example.com', resolvers: ['subdomain'] },
    { tenants: registry, members: undefined, keys: undefined, reservedSlugs: undefined },
  )
  const before = database.count()
  const started = performance.now()
  const answers = []
  for (let n = 0; n < BOGUS; n += 1) {
    const header = (name) => (name === 'host' ? `bogus-${n}.app.example.com` : undefined)
    answers.push(
      resolve({ method: 'GET', target: '/', header, hasTwoHosts: false, remoteAddress: undefined, raw: undefined }),
    )
    // Each request comes in a turn of its own.
    await turn()
  }
  const refusals = (await Promise.all(answers)).map(({ refusal }) => refusal?.code)
  if (refusals.some((code) => code !== 'TENANT_NOT_FOUND')) throw new Error('A bogus host was not refused.')
  return { queries: database.count() - before, seconds: (performance.now() - started) / 1000 }
}

function countingDatabase(url) {
  const database = openCentralDatabase({ url })
  let queries = 0
  return {
    count: () => queries,
    close: () => database.close(),
    query: (text, values) => {
      queries += 1
      return database.query(text, values)
    },
  }
}

function median(values) {
  const sorted = [...values].sort((one, other) => one - other)
  return Math.round(sorted[Math.floor(sorted.length / 2)] * 100) / 100
}
