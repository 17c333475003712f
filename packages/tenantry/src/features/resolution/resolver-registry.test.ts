import { describe, expect, test } from 'vitest'
import { isTenantryError } from '../../kernel/errors.ts'
import type { Resolver } from './resolution.ts'
import { ResolverRegistry } from './resolver-registry.ts'
import type { ResolutionSettings } from './settings.ts'

const order = (settings: ResolutionSettings) =>
  ResolverRegistry.fromConfig(settings)
    .ordered()
    .map(({ name, priority }) => `${name} ${priority}`)

const all: ResolutionSettings = {
  jwt: { issuer: 'i', audience: 'a', secret: 'x'.repeat(32) },
  customDomain: { lookup: async () => undefined },
  subdomainPattern: ['*.app.example.com', '{tenant}.bücher.example'],
  session: { verify: () => undefined },
}

const own: Resolver = { name: 'own', priority: 45, trust: 'claimed', resolve: () => [] }

/** The code and the message with which settings are refused. */
function refusalOf(settings: ResolutionSettings): string {
  try {
    return order(settings).join()
  } catch (error) {
    return isTenantryError(error) ? `${error.code} ${error.message}` : String(error)
  }
}

describe('the resolvers of the settings', () => {
  test('are those that the settings make possible, in the order of their numbers', () => {
    expect(order({})).toEqual(['key 15', 'header 20', 'path 40'])
    const names = ['jwt 10', 'key 15', 'header 20', 'customDomain 25', 'subdomain 30', 'path 40', 'session 50']
    expect(order(all)).toEqual(names)
    expect(order({ ...all, resolvers: ['path', own, 'jwt', 'header'] })).toEqual([
      'jwt 10',
      'header 20',
      'path 40',
      'own 45',
    ])
    expect(order({ ...all, resolvers: ['path', own], priorities: { path: 60, own: 5 } })).toEqual(['own 5', 'path 60'])
  })

  test('can have the order of another system', () => {
    expect(order({ ...all, preset: 'boundary' })).toEqual(['subdomain 10', 'jwt 20', 'header 30'])
    expect(order({ ...all, preset: 'nself' })).toEqual(['header 10', 'customDomain 20', 'subdomain 30', 'jwt 40'])
    expect(order({ ...all, preset: 'lexigram' })).toEqual(['jwt 10', 'header 20', 'subdomain 30', 'path 40'])
    expect(order({ preset: 'lexigram' })).toEqual(['header 20', 'path 40'])
    expect(order({ ...all, preset: 'lexigram', priorities: { path: 1 } })[0]).toBe('path 1')
  })

  test('an unknown name is an error that lists the known ones', () => {
    for (const name of ['cookie', 'jwt_claim', 'toString', '', '__proto__']) {
      expect(refusalOf({ resolvers: [name] })).toMatch(/^RESOLVER_UNKNOWN .*jwt, key, header/)
      if (name !== '__proto__') expect(refusalOf({ priorities: { [name]: 1 } })).toMatch(/^RESOLVER_UNKNOWN .*jwt, key/)
    }
  })

  test.each<[string, ResolutionSettings]>([
    ['a resolver without its setting', { resolvers: ['subdomain'] }],
    ['a resolver twice', { resolvers: ['header', 'header'] }],
    ['a number that is none', { priorities: { header: 0.5 } }],
    ['a number that is too large', { priorities: { header: 1001 } }],
    ['a base domain that is none', { subdomainPattern: 'http://example.com' }],
    ['a path without a place', { pathPattern: '/tenants/' }],
    ['a path with two places', { pathPattern: '/{tenant}/{tenant}' }],
    ['a place within a segment', { pathPattern: '/t-{tenant}/' }],
    ['a path that is none', { pathPattern: 'tenants/{tenant}' }],
    ['an unknown preset', { preset: 'other' as 'nself' }],
  ])('%s cannot be configured', (_what, settings) => {
    expect(() => order(settings)).toThrow(expect.objectContaining({ code: 'CONFIGURATION_INVALID' }))
  })

  test('of the application join by being registered', () => {
    const registry = ResolverRegistry.fromConfig({ resolvers: ['path'] })
    registry.register(own)
    registry.register({ ...own, name: 'first', priority: 1 })
    expect(registry.ordered().map(({ name }) => name)).toEqual(['first', 'path', 'own'])
    expect(() => registry.register(own)).toThrow(expect.objectContaining({ code: 'CONFIGURATION_INVALID' }))
  })

  test('of a class keep their own state under another number', () => {
    class Fixed implements Resolver {
      readonly name = 'fixed'
      readonly priority = 5
      readonly trust = 'claimed'
      readonly #tenant = 'acme'
      resolve() {
        return [this.#tenant]
      }
    }
    const [resolver] = ResolverRegistry.fromConfig({ resolvers: [new Fixed()], priorities: { fixed: 7 } }).ordered()
    const request = { method: 'GET', target: '/', header: () => undefined, hasTwoHosts: false }
    const resolved = resolver?.resolve({ ...request, remoteAddress: undefined, raw: undefined }, { kind: 'anonymous' })
    expect(resolved).toEqual(['acme'])
  })

  test('take the pattern of a path as other systems write it', () => {
    expect(order({ resolvers: ['path'], pathPattern: '/tenants/{tenant_id}/' })).toEqual(['path 40'])
  })
})
