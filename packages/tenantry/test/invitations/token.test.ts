import { expect, test } from 'vitest'
import { newToken } from '../../src/features/invitations/invitation-token.ts'

test('a token can be given on a command line: it never begins as an option does', () => {
  const tokens = Array.from({ length: 2_000 }, () => newToken())
  expect(tokens.filter((token) => !/^[\w][\w-]{42}$/.test(token))).toEqual([])
  expect(new Set(tokens).size).toBe(tokens.length)
})
