// What `verify` finds in the catalogue: nothing in an untouched instance.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openVerifiedInstance, type VerifiedInstance } from '../support/verified-instance.ts'

let verified: VerifiedInstance

beforeAll(async () => {
  verified = await openVerifiedInstance()
})

afterAll(() => verified.close())

test('an untouched instance holds in every check', async () => {
  const checks = await verified.check(verified.admin)
  expect(checks.filter(({ ok }) => !ok)).toEqual([])
})
