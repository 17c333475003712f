// The published suite over every resolver there is and one of an application's own, and over some that break it.
import { describe, expect, test } from 'vitest'
import type { Caller, Resolver } from '../../src/features/resolution/resolution.ts'
import { ResolverRegistry } from '../../src/features/resolution/resolver-registry.ts'
import { type ResolverExample, resolverSuite } from '../../src/testing/resolver-suite.ts'
import { keysInMemory, tenantIds } from '../support/requests.ts'

const user = (claims: Readonly<Record<string, unknown>>): Caller => ({
  ...{ kind: 'user', via: 'jwt', user: { userId: 'anna' }, claims },
})
const keyOfAcme = keysInMemory.peek('tn_key_acme')
const key = (tenantId: string): Caller => {
  if (keyOfAcme === null || keyOfAcme === undefined) throw new Error('no key')
  return { kind: 'key', key: { ...keyOfAcme, tenantId } }
}

const own: Resolver = {
  ...{ name: 'query', priority: 45, trust: 'claimed' },
  resolve: ({ target }) => new URLSearchParams(target.split('?')[1]).getAll('tenant'),
}

const registry = ResolverRegistry.fromConfig({
  jwt: { issuer: 'i', audience: 'a', secret: 'x'.repeat(32) },
  customDomain: { lookup: async (host) => ({ 'acme.example.org': 'acme', 'beta.example.org': 'beta' })[host] },
  subdomainPattern: 'app.example.com',
  session: { verify: (cookie) => (/^(acme|beta)$/.test(cookie) ? { tenant: cookie } : undefined) },
})
registry.register(own)

const examples: Readonly<Record<string, readonly ResolverExample[]>> = {
  jwt: ['acme', 'beta'].map((slug) => ({ request: {}, caller: user({ tenant_id: slug }), tenants: [slug] })),
  key: [tenantIds.acme, tenantIds.beta].map((id) => ({ request: {}, caller: key(id), tenants: [{ id }] })),
  header: [
    { request: { headers: { 'x-tenant-id': tenantIds.acme } }, tenants: [{ id: tenantIds.acme }] },
    { request: { headers: { 'x-tenant-slug': 'beta' } }, tenants: ['beta'] },
    { request: { headers: { 'x-tenant-id': 'acme', 'x-tenant-slug': 'beta' } }, tenants: ['acme', 'beta'] },
  ],
  customDomain: ['acme', 'beta'].map((slug) => ({ request: { host: `${slug}.example.org` }, tenants: [slug] })),
  subdomain: ['acme', 'beta'].map((slug) => ({ request: { host: `${slug}.app.example.com:80` }, tenants: [slug] })),
  path: ['acme', 'beta'].map((slug) => ({ request: { target: `/tenants/${slug}/x?y` }, tenants: [slug] })),
  session: ['acme', 'beta'].map((slug) => ({ request: { headers: { cookie: `session=${slug}` } }, tenants: [slug] })),
  query: ['acme', 'beta'].map((slug) => ({ request: { target: `/?tenant=${slug}` }, tenants: [slug] })),
}

for (const resolver of registry.ordered()) {
  describe(`the resolver ${resolver.name}`, () => {
    for (const { name, run } of resolverSuite({ resolver, examples: examples[resolver.name] ?? [] })) test(name, run)
  })
}

describe('the suite catches a resolver that', () => {
  const [acme = { request: {}, tenants: [] }, beta = { request: {}, tenants: [] }] = examples['query'] ?? []
  const failing = async (resolver: Partial<Resolver>) => {
    const failed: string[] = []
    for (const { name, run } of resolverSuite({ resolver: { ...own, ...resolver }, examples: [acme, beta] })) {
      await run().catch(() => failed.push(name.replace(/^[^:]*: /, '')))
    }
    return failed
  }
  let last: readonly string[] = []
  test.each<[string, string, Partial<Resolver>]>([
    [
      'throws for odd input',
      'takes whatever strangers send',
      {
        resolve: (request, caller) => {
          decodeURIComponent(request.target)
          return own.resolve(request, caller)
        },
      },
    ],
    ['calls a claim proven', 'believes what anybody can write only where it says so', { trust: 'proven' }],
    ['names somebody always', 'says nothing of a request that names nobody', { resolve: () => ['acme'] }],
    [
      'remembers the request before',
      'keeps nothing of one request for the next',
      {
        resolve: ({ target }) => {
          const before = last
          last = target === '/' ? last : new URLSearchParams(target.split('?')[1]).getAll('tenant')
          return target === '/' ? before : last
        },
      },
    ],
    ['has no number', 'has a name, a number and a trust tier', { priority: -1 }],
  ])('%s', async (_what, name, resolver) => {
    expect(await failing(resolver)).toContain(name)
  })
})
