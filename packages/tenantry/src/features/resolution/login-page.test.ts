// The way back from a login page never leads to another site.
import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../kernel/error-codes.ts'
import { loginPage, returnPath } from './login-page.ts'
import type { Caller, TenancyRequest } from './resolution.ts'

const anonymous: Caller = { kind: 'anonymous' }
const user: Caller = { kind: 'user', user: { userId: 'ann' }, via: 'jwt' }

const request = (over: Partial<TenancyRequest> = {}): TenancyRequest => ({
  ...{ method: 'GET', target: '/app?tab=1', hasTwoHosts: false, remoteAddress: undefined, raw: undefined },
  header: (name) => (name === 'accept' ? 'text/html' : undefined),
  ...over,
})

const pageFor = (code: ErrorCode, caller: Caller, over?: Partial<TenancyRequest>) =>
  loginPage('/login', { code, caller, request: request(over) })

describe('the way back', () => {
  it('is the path and query that were asked for', () => {
    expect(returnPath('/')).toBe('/')
    expect(returnPath('/a/b?c=%2F&d=//x')).toBe('/a/b?c=%2F&d=//x')
  })

  it('drops scheme and host of a target in absolute form', () => {
    expect(returnPath('http://evil.test/a?b')).toBe('/a?b')
    expect(returnPath('HTTPS://user:secret@evil.test:8/a')).toBe('/a')
  })

  it.each([
    ...['//evil.test', '///evil.test', '/\\evil.test', '/a\\..\\b', 'http://x//evil.test', 'http://x/\\evil.test'],
    ...[
      'evil.test',
      'javascript:alert(1)',
      '*',
      '',
      'http://evil.test',
      '/a\r\nSet-Cookie: x=1',
      '/a b',
      '/\tevil',
      '/ä',
    ],
  ])('is none for %j', (target) => {
    expect(returnPath(target)).toBeUndefined()
  })
})

describe('the login page', () => {
  it('is for browsers that nobody is signed in to', () => {
    expect(pageFor('NOT_A_MEMBER', anonymous)).toBe('/login?return-to=%2Fapp%3Ftab%3D1')
    expect(pageFor('TENANT_NOT_RESOLVED', anonymous)).toBeDefined()
    expect(pageFor('TOKEN_EXPIRED', user)).toBeDefined()
  })

  it('is not for those whom signing in would not help, or who do not look', () => {
    expect(pageFor('NOT_A_MEMBER', user)).toBeUndefined()
    expect(pageFor('TENANT_NOT_FOUND', anonymous)).toBeUndefined()
    expect(pageFor('TENANT_SUSPENDED', anonymous)).toBeUndefined()
    expect(pageFor('NOT_A_MEMBER', anonymous, { method: 'POST' })).toBeUndefined()
    expect(pageFor('NOT_A_MEMBER', anonymous, { header: () => 'application/json' })).toBeUndefined()
  })

  it('is asked for without a way back where there is no safe one', () => {
    expect(pageFor('NOT_A_MEMBER', anonymous, { target: '//evil.test' })).toBe('/login')
  })
})
