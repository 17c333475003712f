// The error reference and the error table say the same.
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { errorCodes } from '../../src/kernel/error-codes.ts'

const page = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8')
const documented = [...page.matchAll(/^\| `([A-Z_]+)` \| (\d+) \| (\d) \| (yes|no) \| (.+) \|$/gm)].map(
  ([, code, status, exit, retry, fix]) => ({ code, status: Number(status), exit: Number(exit), retry, fix }),
)

it('documents every error code as the table has it, and nothing else', () => {
  const table = Object.entries(errorCodes).map(([code, { status, exit, retryable, fix }]) => ({
    code,
    status,
    exit,
    retry: retryable ? 'yes' : 'no',
    fix,
  }))
  expect(documented).toEqual(table)
})

it('mentions no code outside the table in the whole page', () => {
  const mentioned = [...page.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code]) => code)
  expect(mentioned.filter((code) => code === undefined || !(code in errorCodes))).toEqual([])
})
