// The fingerprint of the catalogue: the same for the same, whoever looks, and another for each change, which it names.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Sql } from '../../src/engine/sql/database.ts'
import { catalogueFingerprint } from '../../src/features/verify/catalogue/fingerprint.ts'
import { openVerifiedInstance, type VerifiedInstance } from '../support/verified-instance.ts'

let verified: VerifiedInstance

beforeAll(async () => {
  verified = await openVerifiedInstance()
})

afterAll(() => verified.close())

const fingerprintOf = (sql: Sql) => catalogueFingerprint(sql, verified.instance.roles)

test('two runs agree, and the admin login and a superuser see the same', async () => {
  const first = await fingerprintOf(verified.admin)
  expect(first.fingerprint).toMatch(/^[0-9a-f]{64}$/)
  expect(await fingerprintOf(verified.admin)).toEqual(first)
  expect(await fingerprintOf(verified.superuser)).toEqual(first)
})

test('a tenant more of the same shape, in either isolation, changes nothing', async () => {
  const before = await fingerprintOf(verified.admin)
  await verified.tenantry.tenants.create({ name: 'one more', slug: 'more', isolation: 'schema' })
  await verified.tenantry.tenants.create({ name: 'one more', slug: 'more-rows' })
  expect(await fingerprintOf(verified.admin)).toEqual(before)
})

test.each([
  ['policies', 'alter policy tenantry_tenant on customer using (true)'],
  ['policies', 'alter table customer no force row level security'],
  ['policies', 'drop policy tenantry_guard on tenant_south.note'],
  [
    'policies',
    'alter policy tenantry_guard on tenant_south.note using ((select tenantry.current_tenant_id()) = gen_random_uuid())',
  ],
  ['grants', 'grant select on customer to pg_monitor'],
  ['grants', 'grant select (name) on customer to pg_monitor'],
  ['grants', 'grant usage on schema tenant_south to public'],
  ['owners', 'alter table tenant_south.note owner to current_user'],
  ['views', 'alter view invoice_total reset (security_invoker)'],
  ['roles', 'alter role {central} bypassrls'],
  ['memberships', 'grant {central} to pg_monitor'],
  ['functions', 'alter function tenantry.current_tenant_id() security invoker'],
  ['functions', "create function public.peek() returns int language sql security definer as 'select 1'"],
  ['triggers', 'alter table tenantry.audit_entry disable trigger audit_entry_append_only'],
  ['default privileges', 'alter default privileges for role {central} grant select on tables to public'],
  ['global tables', 'delete from tenantry.global_table'],
] as const)('a change of %s is named: %s', async (part, sql) => {
  const before = await fingerprintOf(verified.superuser)
  let after: typeof before | undefined
  const back = new Error('rolled back')
  const run = verified.superuser.transaction(async (tx) => {
    await tx.query(sql.replaceAll('{central}', verified.instance.roles.central))
    after = await fingerprintOf(tx)
    throw back
  })
  await expect(run).rejects.toBe(back)
  expect(after?.fingerprint).not.toBe(before.fingerprint)
  const changed = Object.entries(after?.parts ?? {}).filter(([name, hash]) =>
    Object.entries(before.parts).every(([other, was]) => other !== name || was !== hash),
  )
  expect(changed.map(([name]) => name)).toEqual(part === 'owners' ? ['grants', 'owners'] : [part])
})
