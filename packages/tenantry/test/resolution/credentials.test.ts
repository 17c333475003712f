// What proves or verifies a tenant: tokens, sessions and domains, and how they meet what anybody can claim.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Resolution } from '../../src/features/resolution/resolution.ts'
import type { ResolutionSettings, VerifiedSession } from '../../src/features/resolution/settings.ts'
import { TenantryError } from '../../src/kernel/errors.ts'
import { type Issuer, startIssuer } from '../support/issuer.ts'
import { type RequestParts, requestOf, resolutionInMemory, tenantIds } from '../support/requests.ts'

const summary = ({ tenant, resolver, trust, refusal }: Resolution) => ({
  ...{ tenant: tenant?.slug, resolver, trust, refusal: refusal?.code },
})
const refusedWith = (refusal: string) => ({ tenant: undefined, refusal })

const sessions: Readonly<Record<string, VerifiedSession>> = {
  'anna-at-acme': { tenant: 'acme', userId: 'anna' },
  'ben-at-acme': { tenant: 'acme', userId: 'ben' },
  'ben-at-beta': { tenant: { slug: 'beta' }, userId: 'ben' },
  'device-at-acme': { tenant: { id: tenantIds.acme } },
  'before-login': {},
  'anna-anywhere': { userId: 'anna' },
}
const session: NonNullable<ResolutionSettings['session']> = { cookieName: 'sid', verify: (cookie) => sessions[cookie] }
const customDomain: NonNullable<ResolutionSettings['customDomain']> = {
  lookup: async (host) => ({ 'acme.example.org': 'acme', 'beta.example.org': { id: tenantIds.beta } })[host],
}

const { resolve: resolveSessions } = resolutionInMemory({ session, customDomain, public: ['/login'] })
const asked = async (parts: RequestParts) => resolveSessions(requestOf(parts))
const cookie = (value: string) => ({ cookie: `theme=dark; sid=${value}; x` })

describe('a session', () => {
  test('names its tenant and its user', async () => {
    const result = await asked({ headers: cookie('anna-at-acme') })
    expect(summary(result)).toEqual({ tenant: 'acme', resolver: 'session', trust: 'proven', refusal: undefined })
    expect(result.caller).toEqual({ kind: 'user', user: { userId: 'anna' }, via: 'session' })
    expect(result.membership?.userId).toBe('anna')
  })

  test('of a user who is no member binds nothing; one without a user, and one in quotes, do', async () => {
    expect(summary(await asked({ headers: cookie('ben-at-acme') }))).toMatchObject(refusedWith('NOT_A_MEMBER'))
    expect(summary(await asked({ headers: cookie('device-at-acme') }))).toMatchObject({ tenant: 'acme' })
    expect(summary(await asked({ headers: cookie('"anna-at-acme"') }))).toMatchObject({ tenant: 'acme' })
  })

  test('of no tenant still says who the user is', async () => {
    const host = 'acme.app.example.com'
    expect(summary(await asked({ host, headers: cookie('anna-anywhere') }))).toMatchObject({
      resolver: 'subdomain',
      tenant: 'acme',
    })
    expect(summary(await asked({ host, headers: cookie('before-login') }))).toMatchObject(refusedWith('NOT_A_MEMBER'))
  })

  test('that is not valid is refused, or is nobody where the route is public', async () => {
    const parts = { host: 'acme.app.example.com', headers: cookie('stolen') }
    expect(summary(await asked(parts))).toMatchObject(refusedWith('TOKEN_INVALID'))
    const login = await asked({ ...parts, target: '/login' })
    expect(login).toMatchObject({ tenant: { slug: 'acme' }, caller: { kind: 'anonymous' } })
    expect(login.credentialRefusal?.code).toBe('TOKEN_INVALID')
  })

  test('that was sent twice with different values binds nothing', async () => {
    const headers = { cookie: 'sid=anna-at-acme; sid=ben-at-beta' }
    expect(summary(await asked({ headers }))).toMatchObject(refusedWith('TENANT_CONFLICT'))
    expect(summary(await asked({ headers: { cookie: 'sid=anna-at-acme; sid=anna-at-acme' } }))).toMatchObject({
      tenant: 'acme',
    })
  })

  test('is verified once a request', async () => {
    let verified = 0
    const verify = async (value: string) => {
      verified += 1
      return sessions[value]
    }
    const { resolve } = resolutionInMemory({ session: { cookieName: 'sid', verify } })
    expect(summary(await resolve(requestOf({ headers: cookie('anna-at-acme') })))).toMatchObject({ tenant: 'acme' })
    expect(verified).toBe(1)
  })
})

test("L14 a session or cookie of another tenant's host binds nothing", async () => {
  for (const parts of [
    { host: 'acme.app.example.com', headers: cookie('ben-at-beta') },
    { host: 'acme.example.org', headers: cookie('ben-at-beta') },
    { host: 'beta.app.example.com', headers: cookie('anna-at-acme') },
    { host: 'beta.app.example.com', headers: cookie('device-at-acme') },
    { host: 'beta.app.example.com', target: '/login', headers: cookie('anna-at-acme') },
    { target: '/tenants/beta/', headers: cookie('anna-at-acme') },
    { headers: { ...cookie('anna-at-acme'), 'x-tenant-id': tenantIds.beta } },
  ]) {
    const result = await asked(parts)
    expect(summary(result)).toMatchObject(refusedWith('TENANT_CONFLICT'))
    expect(result.refusal?.status).toBe(409)
  }
})

describe('a domain of a tenant', () => {
  test.each([
    ['acme.example.org', 'acme'],
    ['www.acme.example.org', 'acme'],
    ['ACME.example.org.:443', 'acme'],
    ['beta.example.org', 'beta'],
  ])('%s binds %s for anybody', async (host, tenant) => {
    expect(summary(await asked({ host }))).toEqual({
      tenant,
      resolver: 'customDomain',
      trust: 'verified',
      refusal: undefined,
    })
  })

  test('is checked for membership where a user comes', async () => {
    const parts = { host: 'acme.example.org', headers: { 'x-user': 'ben' } }
    expect(summary(await asked(parts))).toMatchObject(refusedWith('NOT_A_MEMBER'))
  })

  test('vouches for a header that names the same tenant, and not for another', async () => {
    const host = 'acme.example.org'
    expect(summary(await asked({ host, headers: { 'x-tenant-id': 'acme' } }))).toMatchObject({
      tenant: 'acme',
      resolver: 'header',
    })
    expect(summary(await asked({ host, headers: { 'x-tenant-id': 'beta' } }))).toMatchObject(
      refusedWith('TENANT_CONFLICT'),
    )
  })

  test('is not looked up under the base domain, for addresses, and for single names', async () => {
    const seen: string[] = []
    const lookup = async (host: string) => {
      seen.push(host)
      return undefined
    }
    const { resolve } = resolutionInMemory({ customDomain: { lookup } })
    for (const host of [
      'app.example.com',
      'x.app.example.com',
      'a.b.app.example.com',
      '127.0.0.1',
      '[::1]',
      'localhost',
      'a_b.com',
    ]) {
      await resolve(requestOf({ host }))
    }
    expect(seen).toEqual([])
    for (let n = 0; n < 3; n += 1) await resolve(requestOf({ host: 'www.nobody.example' }))
    expect(seen).toEqual(['www.nobody.example', 'nobody.example'])
  })

  test('is a refusal where the look-up fails, and the next request asks again', async () => {
    let fails = true
    const lookup = async () => {
      if (fails) throw new Error('password in here')
      return 'acme'
    }
    const { resolve } = resolutionInMemory({ customDomain: { lookup } })
    const { refusal } = await resolve(requestOf({ host: 'acme.example.org' }))
    expect(refusal).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
    expect(refusal?.message).not.toContain('password')
    fails = false
    expect(summary(await resolve(requestOf({ host: 'acme.example.org' })))).toMatchObject({ tenant: 'acme' })
  })
})

describe('a token', () => {
  let issuer: Issuer
  beforeAll(async () => {
    issuer = await startIssuer()
  })
  afterAll(() => issuer.close())

  const bearer = async (claims: Record<string, unknown>, more: Parameters<Issuer['sign']>[0] = {}) => ({
    authorization: `Bearer ${await issuer.sign({ claims, ...more })}`,
  })
  const resolutionOf = (settings: ResolutionSettings = {}) =>
    resolutionInMemory({ jwt: issuer.settings, session, customDomain, public: ['/login'], ...settings }).resolve

  test('names its tenant and its user, and is then in memory', async () => {
    const resolve = resolutionOf()
    const request = requestOf({ headers: await bearer({ tenant_id: 'acme' }) })
    const result = await resolve(request)
    expect(summary(result)).toEqual({ tenant: 'acme', resolver: 'jwt', trust: 'proven', refusal: undefined })
    expect(result.caller).toMatchObject({
      kind: 'user',
      via: 'jwt',
      user: { userId: 'anna' },
      claims: { tenant_id: 'acme' },
    })
    expect(resolve(request)).not.toBeInstanceOf(Promise)
  })

  test('has its tenant where the settings say, nested as other systems nest it', async () => {
    const claims = { 'https://hasura.io/jwt/claims': { 'x-hasura-tenant-id': tenantIds.acme } }
    const headers = await bearer(claims)
    for (const settings of [
      { preset: 'nself' as const },
      { jwtClaimKey: ['https://hasura.io/jwt/claims', 'x-hasura-tenant-id'] },
    ]) {
      expect(summary(await resolutionOf(settings)(requestOf({ headers })))).toMatchObject({
        tenant: 'acme',
        resolver: 'jwt',
      })
    }
  })

  test.each<[string, Record<string, unknown>, string]>([
    ['a tenant whose member the user is not', { sub: 'ben', tenant_id: 'acme' }, 'NOT_A_MEMBER'],
    ['a tenant that is suspended', { tenant_id: 'paused' }, 'TENANT_SUSPENDED'],
    ['a tenant that does not exist', { tenant_id: 'nobody-at-all' }, 'TENANT_NOT_FOUND'],
    ['no tenant', {}, 'TENANT_NOT_RESOLVED'],
    ['something that is no text', { tenant_id: ['acme'] }, 'TOKEN_INVALID'],
  ])('that names %s binds nothing', async (_what, claims, code) => {
    expect(summary(await resolutionOf()(requestOf({ headers: await bearer(claims) })))).toMatchObject(refusedWith(code))
  })

  test('that is not valid is refused with its code, and neither session nor header takes its place', async () => {
    const others = { ...cookie('anna-at-acme'), 'x-tenant-id': 'acme', 'x-user': 'anna' }
    for (const [headers, code] of [
      [await bearer({}, { expiresIn: -60 }), 'TOKEN_EXPIRED'],
      [await bearer({}, { audience: 'other' }), 'TOKEN_INVALID'],
      [{ authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.' }, 'TOKEN_INVALID'],
    ] as const) {
      const parts = { host: 'acme.app.example.com', headers: { ...others, ...headers } }
      expect(summary(await resolutionOf()(requestOf(parts)))).toMatchObject(refusedWith(code))
      const login = await resolutionOf()(requestOf({ ...parts, target: '/login' }))
      expect(login).toMatchObject({ tenant: { slug: 'acme' }, caller: { kind: 'anonymous' }, membership: null })
      expect(login.credentialRefusal?.code).toBe(code)
    }
  })

  test('of any other form is refused where the application has no users of its own', async () => {
    const resolve = resolutionOf({ user: () => undefined })
    for (const token of ['opaque', '', 'a.b.c', 'x'.repeat(20_000)]) {
      expect(summary(await resolve(requestOf({ headers: { authorization: `Bearer ${token}` } })))).toMatchObject(
        refusedWith('TOKEN_INVALID'),
      )
    }
    const basic = await resolve(requestOf({ headers: { authorization: 'Basic YTpi' } }))
    expect(summary(basic)).toMatchObject(refusedWith('TENANT_NOT_RESOLVED'))
  })

  test('is refused, also on a public route, where the keys cannot be had', async () => {
    const away = await startIssuer()
    away.mode = 'fails'
    const { resolve } = resolutionInMemory({ jwt: away.settings, public: ['/login'] })
    const headers = { authorization: `Bearer ${await away.sign({ claims: { tenant_id: 'acme' } })}` }
    for (const target of ['/', '/login']) {
      expect(summary(await resolve(requestOf({ target, headers })))).toMatchObject(refusedWith('KEYS_UNAVAILABLE'))
    }
    await away.close()
  })

  test('L10 its tenant must be the one that host, path and header name', async () => {
    const headers = await bearer({ tenant_id: 'acme' })
    for (const parts of [
      { host: 'beta.app.example.com', headers },
      { host: 'beta.example.org', headers },
      { target: '/tenants/beta/notes', headers },
      { headers: { ...headers, 'x-tenant-id': tenantIds.beta } },
      { headers: { ...headers, 'x-tenant-slug': 'beta' } },
      { headers: { ...headers, ...cookie('ben-at-beta') } },
    ]) {
      expect(summary(await resolutionOf()(requestOf(parts)))).toMatchObject(refusedWith('TENANT_CONFLICT'))
    }
  })

  test('L10 what a URL or a header names is bound to members, by whatever way the user is known', async () => {
    const ben = await bearer({ sub: 'ben' })
    for (const headers of [ben, { 'x-user': 'ben' }, { 'x-user': 'nobody' }, {}]) {
      for (const parts of [
        { host: 'acme.app.example.com', headers },
        { target: '/tenants/acme/notes', headers },
        { headers: { ...headers, 'x-tenant-id': tenantIds.acme } },
      ]) {
        expect(summary(await resolutionOf()(requestOf(parts)))).toMatchObject(refusedWith('NOT_A_MEMBER'))
      }
    }
  })
})

test('L18 no header, claim or cookie makes a caller an admin', async () => {
  const issuer = await startIssuer()
  try {
    const claims = {
      sub: 'ben',
      role: 'admin',
      is_admin: true,
      kind: 'admin',
      'x-hasura-role': 'admin',
      tenantId: null,
    }
    const { resolve } = resolutionInMemory({ jwt: issuer.settings, session })
    for (const headers of [
      { authorization: `Bearer ${await issuer.sign({ claims })}` },
      { 'x-user': 'ben', 'x-tenant-admin': 'true', 'x-admin': '1', 'x-tenantry-admin': 'true', cookie: 'admin=1' },
      { 'x-user': 'ben', 'x-role': 'super_admin', 'x-hasura-role': 'admin' },
    ]) {
      const result = await resolve(requestOf({ headers: { ...headers, 'x-tenant-id': 'acme' } }))
      expect(summary(result)).toMatchObject(refusedWith('NOT_A_MEMBER'))
      expect(result.caller.kind).toBe('user')
    }
  } finally {
    await issuer.close()
  }
})

test('what the application throws of a user is the refusal', async () => {
  const user = () => Promise.reject(new TenantryError('TOKEN_EXPIRED', 'The session has ended.'))
  const { resolve } = resolutionInMemory({ user })
  expect(summary(await resolve(requestOf({ headers: { 'x-tenant-id': 'acme' } })))).toMatchObject(
    refusedWith('TOKEN_EXPIRED'),
  )
})
