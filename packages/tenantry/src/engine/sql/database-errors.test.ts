import { describe, expect, test } from 'vitest'
import { isTenantryError } from '../../kernel/errors.ts'
import { toConnectError, toTenantryError } from './database-errors.ts'

const failure = (code: string, message = 'as the driver says it') => Object.assign(new Error(message), { code })

describe('toTenantryError', () => {
  test.each([
    ['TN001', 'TENANT_CONTEXT_MISSING', false],
    ['TN002', 'CONTEXT_INVALID', false],
    ['TN003', 'CONTEXT_EXPIRED', true],
    ['28P01', 'DATABASE_AUTH_FAILED', false],
    ['28000', 'DATABASE_AUTH_FAILED', false],
    ['3D000', 'DATABASE_UNAVAILABLE', true],
    ['53300', 'DATABASE_UNAVAILABLE', true],
    ['57P01', 'DATABASE_UNAVAILABLE', true],
    ['57P03', 'DATABASE_UNAVAILABLE', true],
    ['08006', 'DATABASE_UNAVAILABLE', true],
    ['ECONNREFUSED', 'DATABASE_UNAVAILABLE', true],
    ['ENOTFOUND', 'DATABASE_UNAVAILABLE', true],
    ['ECONNRESET', 'DATABASE_UNAVAILABLE', true],
  ] as const)('%s is %s', (code, expected, retryable) => {
    const cause = failure(code)
    const error = toTenantryError(cause)
    expect(error).toMatchObject({ code: expected, retryable, cause })
  })

  test('carries the SQLSTATE of a server error and none of a network error', () => {
    expect(toTenantryError(failure('57P01'))).toMatchObject({ sqlState: '57P01' })
    expect(toTenantryError(failure('EPIPE'))).toMatchObject({ code: 'DATABASE_UNAVAILABLE', sqlState: undefined })
  })

  test.each([
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'timeout exceeded when trying to connect',
    'Client has encountered a connection error and is not queryable',
  ])('knows the driver message without a code: %s', (message) => {
    expect(toTenantryError(new Error(message))).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
  })

  test('tells several statements in one text from other syntax errors', () => {
    const several = failure('42601', 'cannot insert multiple commands into a prepared statement')
    expect(toTenantryError(several)).toMatchObject({ code: 'MULTIPLE_STATEMENTS' })
    const syntax = failure('42601', 'syntax error at or near "selec"')
    expect(toTenantryError(syntax)).toBe(syntax)
  })

  test('returns every other error, and what is no error, unchanged', () => {
    for (const value of [failure('23505'), failure('P0001'), new TypeError('x'), 'text', undefined, null]) {
      expect(toTenantryError(value)).toBe(value)
    }
    const mapped = toTenantryError(failure('TN001'))
    expect(toTenantryError(mapped)).toBe(mapped)
  })

  test('drops the cause of a malformed URL, which carries the connection string', () => {
    const error = toTenantryError(Object.assign(failure('ERR_INVALID_URL'), { input: 'postgres://a:secret@' }))
    expect(error).toMatchObject({ code: 'CONFIGURATION_INVALID' })
    expect(error).not.toHaveProperty('cause')
  })
})

test('a failed connection attempt without a code of its own is DATABASE_UNAVAILABLE, with its cause', () => {
  const cause = new Error('The server does not support SSL connections')
  const error = toConnectError(cause)
  expect(isTenantryError(error, 'DATABASE_UNAVAILABLE')).toBe(true)
  expect(error.cause).toBe(cause)
})

test('a login without CONNECT on the database is refused as a login, not as a server that is away', () => {
  expect(toConnectError(failure('42501'))).toMatchObject({ code: 'DATABASE_AUTH_FAILED', retryable: false })
})
