import { describe, expect, test } from 'vitest'
import type { Resolution } from '../../src/features/resolution/resolution.ts'
import type { ResolutionSettings } from '../../src/features/resolution/settings.ts'
import { TenantryError } from '../../src/kernel/errors.ts'
import { type RequestParts, requestOf, resolutionInMemory, tenantIds } from '../support/requests.ts'

/** What became of a request, all in memory and so without a promise. */
function resolved(parts: RequestParts, settings: ResolutionSettings = {}): Resolution {
  const result = resolutionInMemory(settings).resolve(requestOf(parts))
  if (result instanceof Promise) throw new Error('It was not synchronous.')
  return result
}

const summary = ({ tenant, resolver, trust, refusal }: Resolution) => ({
  ...{ tenant: tenant?.slug, resolver, trust, refusal: refusal?.code },
})

const anna = { 'x-user': 'anna' }
const refusedWith = (refusal: string) => ({ tenant: undefined, refusal })

describe('the claimed resolvers', () => {
  test.each([
    ['header', { headers: { ...anna, 'x-tenant-id': tenantIds.acme } }],
    ['header', { headers: { ...anna, 'x-tenant-id': 'acme' } }],
    ['header', { headers: { ...anna, 'x-tenant-slug': 'acme' } }],
    ['header', { headers: { ...anna, 'x-tenant-slug': 'acme', 'x-tenant-id': tenantIds.acme.toUpperCase() } }],
    ['subdomain', { host: 'acme.app.example.com', headers: anna }],
    ['path', { target: '/tenants/acme/notes?limit=1', headers: anna }],
    ['path', { target: `/tenants/${tenantIds.acme}`, headers: anna }],
    ['path', { target: '/tenants/%61cme/notes', headers: anna }],
  ])('%s binds the tenant of a member and says so', (resolver, parts) => {
    const result = resolved(parts)
    expect(summary(result)).toEqual({ tenant: 'acme', resolver, trust: 'claimed', refusal: undefined })
    expect(result.membership).toMatchObject({ userId: 'anna', tenantId: tenantIds.acme })
    expect(result.caller).toEqual({ kind: 'user', user: { userId: 'anna' }, via: 'verifier' })
  })

  test.each([
    ['a user of another tenant', { 'x-user': 'ben' }],
    ['nobody', {}],
  ])('bind nothing for %s', (_who, who) => {
    for (const parts of [
      { headers: { ...who, 'x-tenant-id': 'acme' } },
      { host: 'acme.app.example.com', headers: who },
      { target: '/tenants/acme/', headers: who },
    ]) {
      expect(summary(resolved(parts))).toMatchObject(refusedWith('NOT_A_MEMBER'))
    }
  })

  test('bind for whoever asks for a public route, as nobody or as who they are', () => {
    const host = 'acme.app.example.com'
    const settings = { public: ['/about', '/blog/*'] }
    expect(summary(resolved({ host, target: '/about?x=1' }, settings))).toMatchObject({ tenant: 'acme' })
    const ben = resolved({ host, target: '/blog/1', headers: { 'x-user': 'ben' } }, settings)
    expect(ben).toMatchObject({ tenant: { slug: 'acme' }, membership: null, isPublic: true })
    expect(ben.caller).toMatchObject({ user: { userId: 'ben' } })
    for (const target of ['/about/', '/abou', '/Blog/1', '/blog', '/blog/../admin', '/blog/%2e%2e/admin', '/blog//x']) {
      expect(summary(resolved({ host, target }, settings))).toMatchObject(refusedWith('NOT_A_MEMBER'))
    }
    expect(summary(resolved({ host }, { public: ({ method }) => method === 'GET' }))).toMatchObject({ tenant: 'acme' })
  })

  test.each(['tn_admin_1', 'tn_service_1', 'tn_key_acme'])('bind for the service credential %s', (key) => {
    const headers = { authorization: `Bearer ${key}`, 'x-tenant-id': 'acme' }
    expect(summary(resolved({ headers }))).toMatchObject({ tenant: 'acme', refusal: undefined })
  })

  test('do not count a membership that is over, or is of somebody else', () => {
    const shared = { role: 'member', rank: 40, permissions: [], source: 'member', readOnly: false } as const
    for (const membership of [
      { ...shared, tenantId: tenantIds.acme, userId: 'anna', expiresAt: Date.now() - 1 },
      { ...shared, tenantId: tenantIds.beta, userId: 'anna', expiresAt: null },
      { ...shared, tenantId: tenantIds.acme, userId: 'ben', expiresAt: null },
    ]) {
      const settings = { membership: { peek: () => membership, lookup: async () => membership } }
      const result = resolved({ headers: { ...anna, 'x-tenant-id': 'acme' } }, settings)
      expect(summary(result)).toMatchObject(refusedWith('NOT_A_MEMBER'))
    }
  })
})

describe('a key of a tenant', () => {
  const authorization = 'Bearer tn_key_acme'
  test('names its tenant', () => {
    expect(summary(resolved({ headers: { authorization } }))).toMatchObject({
      tenant: 'acme',
      resolver: 'key',
      trust: 'proven',
    })
  })

  test('is good for no other, whichever resolvers there are and whether the route is public or not', () => {
    const parts = { headers: { authorization, 'x-tenant-id': 'beta' } }
    for (const settings of [{}, { resolvers: ['header'] }, { resolvers: ['header'], public: ['/'] }]) {
      expect(summary(resolved(parts, settings))).toMatchObject(refusedWith('TENANT_CONFLICT'))
    }
  })

  test('is refused where it is not known, and nobody else is tried in its place', () => {
    const headers = { ...anna, authorization: 'Bearer tn_key_none', 'x-tenant-id': 'acme' }
    expect(summary(resolved({ headers }))).toMatchObject({ ...refusedWith('TOKEN_INVALID'), resolver: undefined })
    const onPublic = resolved({ headers }, { public: ['/'] })
    expect(onPublic).toMatchObject({ tenant: { slug: 'acme' }, caller: { kind: 'anonymous' } })
    expect(onPublic.credentialRefusal?.code).toBe('TOKEN_INVALID')
  })
})

describe('several resolvers', () => {
  test('must name the same tenant, by whichever of its names', () => {
    const parts = {
      host: 'acme.app.example.com',
      target: '/tenants/acme/',
      headers: { ...anna, 'x-tenant-id': tenantIds.acme },
    }
    expect(summary(resolved(parts))).toMatchObject({ tenant: 'acme', resolver: 'header' })
  })

  test.each<RequestParts>([
    { host: 'acme.app.example.com', headers: { ...anna, 'x-tenant-id': 'beta' } },
    { host: 'acme.app.example.com', target: '/tenants/beta/', headers: anna },
    { host: 'acme.app.example.com', headers: { ...anna, 'x-tenant-id': 'nobody-at-all' } },
    { headers: { ...anna, 'x-tenant-id': 'acme', 'x-tenant-slug': 'beta' } },
    { headers: { ...anna, 'x-tenant-id': 'acme, beta' } },
    { headers: { authorization: 'Bearer tn_admin_1', 'x-tenant-id': 'acme', 'x-tenant-slug': 'beta' } },
  ])('that name two bind nothing: %j', (parts) => {
    for (const settings of [{}, { public: ['/*'] }]) {
      expect(summary(resolved(parts, settings))).toMatchObject(refusedWith('TENANT_CONFLICT'))
    }
  })

  test('the lowest number answers, and numbers can be set', () => {
    const parts = { host: 'acme.app.example.com', target: '/tenants/acme/', headers: anna }
    expect(summary(resolved(parts)).resolver).toBe('subdomain')
    expect(summary(resolved(parts, { priorities: { path: 5 } })).resolver).toBe('path')
  })
})

describe('a request', () => {
  test.each([
    ['that names nobody', {}, 'TENANT_NOT_RESOLVED'],
    ['for a tenant that does not exist', { headers: { ...anna, 'x-tenant-id': 'nobody-at-all' } }, 'TENANT_NOT_FOUND'],
    ['with text that is no slug', { headers: { ...anna, 'x-tenant-id': 'ACME!' } }, 'TENANT_NOT_FOUND'],
    ['with an over-long header', { headers: { ...anna, 'x-tenant-id': 'a'.repeat(100_000) } }, 'TENANT_NOT_FOUND'],
    ['with an empty header', { headers: { ...anna, 'x-tenant-id': '' } }, 'TENANT_NOT_RESOLVED'],
    ['for a suspended tenant', { headers: { ...anna, 'x-tenant-id': 'paused' } }, 'TENANT_SUSPENDED'],
    [
      'for a suspended tenant, with the admin key',
      { headers: { authorization: 'bearer tn_admin_1', 'x-tenant-id': 'paused' } },
      'TENANT_SUSPENDED',
    ],
    ['with a path that cannot be decoded', { target: '/tenants/%zz/', headers: anna }, 'TENANT_NOT_FOUND'],
    ['with an encoded slash', { target: '/tenants%2Facme/', headers: anna }, 'TENANT_NOT_RESOLVED'],
  ])('%s binds nothing', (_what, parts, code) => {
    expect(summary(resolved(parts))).toMatchObject(refusedWith(code))
  })

  test('is refused, and never rejected, where the database is away or a port fails', async () => {
    const away = new TenantryError('DATABASE_UNAVAILABLE', 'away')
    const tenants = { recall: () => undefined, lookup: () => Promise.reject(away) }
    const { resolve } = resolutionInMemory({}, { tenants })
    const request = requestOf({ headers: { ...anna, 'x-tenant-id': 'acme' } })
    expect((await resolve(request)).refusal).toBe(away)
    const fails = () => {
      throw new Error('secret detail')
    }
    for (const settings of [
      { user: fails },
      { public: fails },
      { membership: { lookup: () => Promise.reject(new Error('secret detail')) } },
      { resolvers: [{ name: 'own', priority: 1, trust: 'claimed' as const, resolve: fails }] },
    ]) {
      const { refusal, tenant } = await resolutionInMemory(settings).resolve(request)
      expect({ tenant, code: refusal?.code }).toEqual({ tenant: undefined, code: 'INTERNAL' })
      expect(refusal?.message).not.toContain('secret')
    }
  })
})
