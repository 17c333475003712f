// What the host suite claims of ordinary requests: how they find their tenant, and what the guards answer.
import assert from 'node:assert/strict'
import type { Tenant } from '../tenants/tenant.ts'
import type { RawRequest, RawResponse } from './host-client.ts'
import { type HostPlay, memberOf, type Seen, seenIn } from './host-routes.ts'
import { baseDomain, NOTES, tokenFor, userOf } from './host-stage.ts'

export type HostCase = (play: HostPlay) => Promise<void>

export const notesOf = ({ slug }: Tenant) => NOTES.map((note) => `${slug}/${note}`)

/** The answer comes from inside this tenant: its scope, its rows, and what was attached. */
export function assertIn(tenant: Tenant, response: RawResponse): Seen {
  assert.equal(response.status, 200, response.text)
  const seen = seenIn(response)
  assert.equal(seen.tenantId, tenant.id)
  assert.equal(seen.slug, tenant.slug)
  assert.deepEqual(seen.notes, notesOf(tenant))
  return seen
}

/** The answer comes from outside of every tenant, where no statement runs. */
export function assertOutside(response: RawResponse): Seen {
  assert.equal(response.status, 200, response.text)
  const seen = seenIn(response)
  const nobody = [seen.tenantId, seen.userId, seen.role, seen.slug]
  assert.deepEqual(nobody, [null, null, null, null])
  assert.equal(seen.notes, 'TENANT_CONTEXT_MISSING')
  return seen
}

/** The answer is this problem, and says nothing of any tenant. */
export function assertProblem(play: HostPlay, response: RawResponse, [status, code]: readonly [number, string]): void {
  assert.equal(response.status, status, response.text)
  assert.equal(response.headers.get('content-type')?.split(';')[0], 'application/problem+json')
  const problem = JSON.parse(response.text) as Readonly<Record<string, unknown>>
  assert.deepEqual([problem['status'], problem['code']], [status, code])
  const requestId = response.headers.get('x-request-id')
  assert.equal(problem['requestId'], requestId)
  assert.equal(problem['instance'], `urn:tenantry:request:${requestId}`)
  const named = play.stage.tenants.filter(({ id, slug }) => response.text.includes(slug) || response.text.includes(id))
  assert.deepEqual(named, [], 'a problem names a tenant')
}

/** One way to name a tenant, and who answers it. */
type Source = readonly [resolver: string, trust: Seen['trust'], request: (tenant: Tenant) => RawRequest]

const asMember = ({ slug }: Tenant) => ['X-Suite-User', userOf(slug)] as const

const sources: readonly Source[] = [
  ['header', 'claimed', (tenant) => ({ headers: [asMember(tenant), ['X-Tenant-ID', tenant.id]] })],
  ['header', 'claimed', (tenant) => ({ headers: [asMember(tenant), ['X-Tenant-Slug', tenant.slug]] })],
  [
    'subdomain',
    'claimed',
    (tenant) => ({ headers: [asMember(tenant), ['Host', `${tenant.slug}.${baseDomain}:8080`]] }),
  ],
  ['customDomain', 'verified', (tenant) => ({ headers: [asMember(tenant), ['Host', `${tenant.slug}.shop.test`]] })],
  ['path', 'claimed', (tenant) => ({ headers: [asMember(tenant)], target: `/tenants/${tenant.slug}/notes` })],
  ['session', 'proven', ({ slug }) => ({ headers: [['Cookie', `theme=dark; session=${slug}`]] })],
  [
    'jwt',
    'proven',
    ({ id, slug }) => ({
      headers: [['Authorization', `Bearer ${tokenFor({ sub: userOf(slug), tenant_id: id })}`]],
    }),
  ],
]

const everySource: HostCase = async (play) => {
  for (const [resolver, trust, request] of sources) {
    for (const tenant of play.tenants.slice(0, 2)) {
      const seen = assertIn(tenant, await play.ask({ target: '/notes', ...request(tenant) }))
      assert.deepEqual([seen.resolver, seen.trust, seen.refusal], [resolver, trust, null])
      assert.deepEqual([seen.userId, seen.role], [userOf(tenant.slug), 'member'], resolver)
    }
  }
}

const withoutTenant: HostCase = async (play) => {
  const [first] = play.tenants
  const seen = assertOutside(await play.ask({ target: '/open' }))
  assert.equal(seen.refusal, 'TENANT_NOT_RESOLVED')
  const stranger = assertOutside(await play.ask({ target: '/open', headers: [['X-Tenant-Slug', first.slug]] }))
  assert.equal(stranger.refusal, 'NOT_A_MEMBER')
  const broken = assertOutside(await play.ask({ target: '/open', headers: [['X-Suite-User', 'broken']] }))
  assert.equal(broken.refusal, 'INTERNAL')
  assertIn(first, await play.ask({ target: '/open', headers: memberOf(first) }))
}

const guardOfTenants: HostCase = async (play) => {
  const [first, second] = play.tenants
  const suspended = play.stage.suspended
  const problem = async (request: RawRequest, expected: readonly [number, string]) =>
    assertProblem(play, await play.ask({ target: '/notes', ...request }), expected)
  await problem({}, [404, 'TENANT_NOT_RESOLVED'])
  await problem({ headers: [['X-Tenant-Slug', 'nobody-here']] }, [404, 'TENANT_NOT_FOUND'])
  await problem({ headers: memberOf(suspended) }, [403, 'TENANT_SUSPENDED'])
  await problem({ headers: [asMember(first), ['X-Tenant-Slug', second.slug]] }, [403, 'NOT_A_MEMBER'])
  await problem({ headers: [['X-Tenant-Slug', first.slug]] }, [403, 'NOT_A_MEMBER'])
  await problem({ headers: [...memberOf(first), ['Host', `${second.slug}.${baseDomain}`]] }, [409, 'TENANT_CONFLICT'])
  await problem(
    {
      headers: [
        ['X-Suite-User', 'broken'],
        ['X-Tenant-Slug', first.slug],
      ],
    },
    [500, 'INTERNAL'],
  )
  assertIn(first, await play.ask({ target: '/notes', headers: memberOf(first) }))
}

const invalidToken: HostCase = async (play) => {
  const [{ id, slug }] = play.tenants
  const valid = tokenFor({ sub: userOf(slug), tenant_id: id })
  for (const token of [`${valid.slice(0, -4)}AAAA`, 'a.b.c', tokenFor({ sub: userOf(slug), aud: 'another' })]) {
    const response = await play.ask({ target: '/notes', headers: [['Authorization', `Bearer ${token}`]] })
    assertProblem(play, response, [401, 'TOKEN_INVALID'])
    assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer /)
    assert.ok(!response.text.includes(token), 'a problem repeats the token')
  }
  const late = await play.ask({
    target: '/notes',
    headers: [['Authorization', `Bearer ${tokenFor({ sub: userOf(slug), exp: 1_000_000_000 })}`]],
  })
  assertProblem(play, late, [401, 'TOKEN_EXPIRED'])
}

const outage: HostCase = async (play) => {
  const [first] = play.tenants
  play.stage.isOut = true
  const request = { target: '/notes', headers: memberOf(first) }
  const response = await play.ask(request)
  assertProblem(play, response, [503, 'DATABASE_UNAVAILABLE'])
  assert.equal(response.headers.get('retry-after'), '1')
  assert.deepEqual(play.log, ['DATABASE_UNAVAILABLE'])
  assertOutside(await play.ask({ ...request, target: '/open' }))
  play.stage.isOut = false
  assertIn(first, await play.ask(request))
}

const rolesAndPermissions: HostCase = async (play) => {
  const [first] = play.tenants
  const ask = (target: string, headers: RawRequest['headers'] = memberOf(first)) =>
    play.ask({ target, headers: [...headers] })
  const denied = [403, 'PERMISSION_DENIED'] as const
  assertIn(first, await ask('/member'))
  assertIn(first, await ask('/read'))
  assertProblem(play, await ask('/admin'), denied)
  assertProblem(play, await ask('/write'), denied)
  assert.equal(assertIn(first, await ask('/admin', memberOf(first, 'admin'))).role, 'admin')
  assertIn(first, await ask('/write', memberOf(first, 'admin')))
  // A verified domain binds anybody, who then still is no member.
  const visitor = [['Host', `${first.slug}.shop.test`]] as const
  assert.equal(assertIn(first, await ask('/notes', visitor)).userId, null)
  for (const target of ['/member', '/admin', '/read']) {
    assertProblem(play, await ask(target, visitor), [403, 'NOT_A_MEMBER'])
  }
  assertProblem(play, await ask('/member', []), [404, 'TENANT_NOT_RESOLVED'])
}

const publicRoutes: HostCase = async (play) => {
  const [first] = play.tenants
  const seen = assertIn(first, await play.ask({ target: '/public/notes', headers: [['X-Tenant-Slug', first.slug]] }))
  assert.deepEqual([seen.userId, seen.role], [null, null])
}

const loginPages: HostCase = async (play) => {
  const [first, second] = play.tenants
  const browser = [['Accept', 'text/html,application/xhtml+xml']] as const
  const locationOf = async (target: string, headers: RawRequest['headers'] = []) => {
    const response = await play.ask({ target, headers: [...browser, ...headers] })
    assert.equal(response.status, 302, response.text)
    return response.headers.get('location')
  }
  const named = [['X-Tenant-Slug', first.slug]] as const
  const expected = `/login?return-to=${encodeURIComponent('/page?tab=1&x=%2F')}`
  assert.equal(await locationOf('/page?tab=1&x=%2F', named), expected)
  assert.equal(await locationOf('/page?tab=1&x=%2F'), expected)
  assert.equal(await locationOf('/page', [['Authorization', 'Bearer a.b.c']]), '/login?return-to=%2Fpage')
  // Only a path of this origin comes back, whatever the target was.
  assert.equal(
    await locationOf(`http://127.0.0.1/page?next=//evil.test`),
    `/login?return-to=${encodeURIComponent('/page?next=//evil.test')}`,
  )
  const api = await play.ask({ target: '/page', headers: [['Accept', 'application/json'], ...named] })
  assertProblem(play, api, [403, 'NOT_A_MEMBER'])
  const other = await play.ask({ target: '/page', headers: [...browser, asMember(second), ...named] })
  assertProblem(play, other, [403, 'NOT_A_MEMBER'])
  assertIn(first, await play.ask({ target: '/page', headers: [...browser, ...memberOf(first)] }))
}

const requestIds: HostCase = async (play) => {
  const idOf = async (...sent: readonly string[]) => {
    const response = await play.ask({ target: '/notes', headers: sent.map((id) => ['X-Request-Id', id]) })
    assertProblem(play, response, [404, 'TENANT_NOT_RESOLVED'])
    return response.headers.get('x-request-id') ?? ''
  }
  const isMade = /^[0-9a-f]{8}-[0-9a-f-]{27}$/
  assert.equal(await idOf('trace-01:a_b'), 'trace-01:a_b')
  assert.notEqual(await idOf(), await idOf())
  for (const sent of ['', 'x'.repeat(129), '<script>', 'two words', '{"a":1}']) assert.match(await idOf(sent), isMade)
  assert.match(await idOf('one', 'two'), isMade)
}

export const hostCases: Readonly<Record<string, HostCase>> = {
  'finds the tenant in every source, and runs the handler in it': everySource,
  'refuses nobody by itself: what is not bound runs without a scope': withoutTenant,
  'answers 404, 403 and 409 where a tenant is required': guardOfTenants,
  'answers 401 for tokens that are not valid': invalidToken,
  'answers 503 while nobody can tell who belongs where': outage,
  'lets roles and permissions pass that are there': rolesAndPermissions,
  'binds anybody on routes that are public': publicRoutes,
  'sends browsers to the login page, and back to this origin only': loginPages,
  'takes a sane request id over, and makes one otherwise': requestIds,
}
