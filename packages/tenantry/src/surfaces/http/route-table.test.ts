import { describe, expect, it } from 'vitest'
import { allowedMethods, scopeOf } from './route-table.ts'

const middleware = { method: 'ALL', path: '/*' }

describe('the route table', () => {
  it('gives a listed route its scope', () => {
    expect(scopeOf([middleware, { method: 'GET', path: '/health' }])).toBe('public')
    expect(scopeOf([middleware, { method: 'GET', path: '/api/tenants/:tenant' }])).toBe('tenant tenants:read')
  })

  it('gives an unlisted route none', () => {
    expect(scopeOf([middleware])).toBeUndefined()
    expect(scopeOf([middleware, { method: 'GET', path: '/api/secrets' }])).toBeUndefined()
    expect(scopeOf([middleware, { method: 'ALL', path: '/health' }])).toBeUndefined()
    expect(scopeOf([{ method: 'x', path: 'toString' }])).toBeUndefined()
  })

  it('gives no scope where an unlisted handler matches beside a listed one', () => {
    expect(
      scopeOf([
        { method: 'GET', path: '/health' },
        { method: 'GET', path: '/:any' },
      ]),
    ).toBeUndefined()
  })

  it('asks for the stricter of two scopes', () => {
    expect(
      scopeOf([
        { method: 'GET', path: '/health' },
        { method: 'GET', path: '/api/stats' },
      ]),
    ).toBe('instance stats:read')
    expect(
      scopeOf([
        { method: 'GET', path: '/api/events' },
        { method: 'GET', path: '/api/stats' },
      ]),
    ).toBe('admin')
  })

  it('names the methods of a path', () => {
    expect(allowedMethods('/api/tenants')).toEqual(['POST', 'GET', 'HEAD', 'OPTIONS'])
    expect(allowedMethods('/api/tenants/acme/purge')).toEqual(['POST', 'OPTIONS'])
    expect(allowedMethods('/openapiXjson')).toEqual([])
    expect(allowedMethods('/api/tenants/')).toEqual([])
  })
})
