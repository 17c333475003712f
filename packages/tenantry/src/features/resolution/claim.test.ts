import { expect, test } from 'vitest'
import { claimReader } from './claim.ts'

const hasura = { 'https://hasura.io/jwt/claims': { 'x-hasura-tenant-id': 'acme' } }

test.each([
  ['tenant_id', { tenant_id: 'acme' }],
  ['app.tenant', { app: { tenant: 'acme' } }],
  ['app.tenant', { 'app.tenant': 'acme', app: { tenant: 'beta' } }],
  ['https://example.com/tenant', { 'https://example.com/tenant': 'acme' }],
  ['/https:~1~1hasura.io~1jwt~1claims/x-hasura-tenant-id', hasura],
  [['https://hasura.io/jwt/claims', 'x-hasura-tenant-id'], hasura],
  ['tenants.0', { tenants: ['acme'] }],
])('the claim %j is found', (path, claims) => {
  expect(claimReader(path, 'jwtClaimKey')(claims)).toBe('acme')
})

test.each([
  ['tenant', {}],
  ['app.tenant', { app: 'text' }],
  ['app.tenant', { app: null }],
  ['__proto__.tenant', {}],
  ['constructor.name', {}],
  ['toString', {}],
])('the claim %s is not where nobody wrote it', (path, claims) => {
  expect(claimReader(path, 'jwtClaimKey')(claims)).toBeUndefined()
})

test.each(['', '/', 'a..b', [], ['a', '']])('a claim cannot be called %j', (path) => {
  expect(() => claimReader(path, 'jwtClaimKey')).toThrow(expect.objectContaining({ code: 'CONFIGURATION_INVALID' }))
})
