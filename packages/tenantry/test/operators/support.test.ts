// Support access: time-boxed, for a reason, read-only unless it says otherwise, seen by the tenant, in both audit trails.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Tenantry } from '../../src/tenantry.ts'
import { type NoteTenants, openNoteTenants } from '../support/note-tenants.ts'

let stage: NoteTenants
let tenantry: Tenantry

beforeAll(async () => {
  stage = await openNoteTenants()
  tenantry = stage.tenantry
  await tenantry.operators.set({ userId: 'sam', role: 'support' })
})

afterAll(() => stage.close())

beforeEach(() => central('delete from tenantry.support_access'))

const central = async (text: string, values?: readonly unknown[]) =>
  (await tenantry.asCentral('a look at the control plane', (db) => db.query(text, values))).rows

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  )

const open = (input: { write?: boolean; minutes?: number; userId?: string; reason?: string } = {}) =>
  tenantry.support.open('acme', { userId: 'sam', reason: 'ticket 4711', ...input }, { actor: 'operator:ada' })

const membership = () => tenantry.members.membership('acme', 'sam')

describe('a support access', () => {
  it('is an hour to read, for a reason, and makes its operator a member with the role support', async () => {
    expect(await membership()).toBeNull()
    const access = await open()
    expect(access).toMatchObject({ userId: 'sam', mayWrite: false, openedBy: 'operator:ada', endedAt: null })
    expect(Date.parse(access.expiresAt) - Date.parse(access.createdAt)).toBe(3_600_000)
    const found = await membership()
    expect(found).toMatchObject({ role: 'support', source: 'support', readOnly: true })
    expect(found?.expiresAt).toBe(Date.parse(access.expiresAt))
    expect(await tenantry.members.membership('globex', 'sam')).toBeNull()
    await open({ write: true })
    expect(await membership()).toMatchObject({ role: 'support', readOnly: false })
  })

  it('is refused without a reason, for others than operators, and for longer than a day', async () => {
    expect(await codeOf(open({ reason: ' ' }))).toBe('REASON_REQUIRED')
    expect(await codeOf(open({ userId: 'nobody' }))).toBe('OPERATOR_REQUIRED')
    expect(await codeOf(open({ minutes: 1441 }))).toBe('INVALID_INPUT')
    expect(await codeOf(tenantry.support.open('nowhere', { userId: 'sam', reason: 'x' }))).toBe('TENANT_NOT_FOUND')
    expect((await tenantry.support.list('acme')).total).toBe(0)
  })

  it('stands in the trail of the tenant and in that of the instance, opening and end', async () => {
    const { id } = await open()
    await tenantry.support.end('acme', id, { actor: 'user:olga' })
    const trail = await central(
      `select action, actor, tenant_id, reason from tenantry.audit_entry
        where detail ->> 'accessId' = $1 order by seq`,
      [id],
    )
    const acme = stage.ids.acme
    expect(trail).toEqual([
      { action: 'support.open', actor: 'operator:ada', tenant_id: acme, reason: 'ticket 4711' },
      { action: 'support.open', actor: 'operator:ada', tenant_id: null, reason: 'ticket 4711' },
      { action: 'support.end', actor: 'user:olga', tenant_id: acme, reason: 'ticket 4711' },
      { action: 'support.end', actor: 'user:olga', tenant_id: null, reason: 'ticket 4711' },
    ])
  })

  it('is seen by its tenant in plain SQL, by no other, and cannot be changed there', async () => {
    const { id } = await open()
    const read = 'select id, user_id, reason, may_write from tenantry.support_access'
    const seen = { id, user_id: 'sam', reason: 'ticket 4711', may_write: false }
    expect((await tenantry.scope('acme').query(read)).rows).toEqual([seen])
    expect((await tenantry.scope('globex').query(read)).rows).toEqual([])
    for (const text of [
      'update tenantry.support_access set may_write = true',
      'delete from tenantry.support_access',
      `insert into tenantry.support_access select * from tenantry.support_access`,
    ]) {
      expect(await codeOf(tenantry.scope('acme').query(text))).toBe('42501')
    }
    for (const table of ['operator', 'elevation']) {
      expect(await codeOf(tenantry.scope('acme').query(`select * from tenantry.${table}`))).toBe('42501')
    }
  })

  it('counts no more once it has ended, by hand, by its time, with the operator, or with the tenant', async () => {
    await using second = stage.open()
    const isMember = async () => (await second.members.membership('acme', 'sam')) !== null
    const { id } = await open()
    expect(await isMember()).toBe(true)
    const ended = await tenantry.support.end('acme', id)
    expect(await tenantry.support.end('acme', id)).toEqual(ended)
    expect(await codeOf(tenantry.support.end('globex', id))).toBe('SUPPORT_ACCESS_NOT_FOUND')
    expect(await isMember()).toBe(false)
    const late = await open()
    await central(
      `update tenantry.support_access set created_at = now() - interval '2 minutes', expires_at = now() where id = $1`,
      [late.id],
    )
    expect(await isMember()).toBe(false)
    await open()
    expect(await isMember()).toBe(true)
    await tenantry.operators.remove('sam')
    expect(await isMember()).toBe(false)
    await tenantry.operators.set({ userId: 'sam', role: 'support' })
    expect(await isMember()).toBe(false)
    await open()
    await tenantry.tenants.delete('acme')
    expect(
      (await central('select from tenantry.support_access where ended_at is null and expires_at > now()')).length,
    ).toBe(0)
    await tenantry.tenants.restore('acme')
    expect(await isMember()).toBe(false)
    expect((await tenantry.support.list('acme', { open: false })).total).toBe(4)
  })

  it('lets its operator read, and not write, where a request is resolved to their membership', async () => {
    await open()
    const { role, readOnly } = (await membership()) ?? { role: '', readOnly: false }
    await tenantry.run('acme', { userId: 'sam', role, readOnly }, async (scope) => {
      expect((await scope.query('select text from note')).rows).toEqual([{ text: 'acme' }])
      expect(await codeOf(scope.query(`insert into note values (9, 'x')`))).toBe('TENANT_READ_ONLY')
    })
  })

  it('is gone with a purge of its tenant; what the trails say of it stays', async () => {
    await tenantry.tenants.create({ name: 'brief', slug: 'brief' })
    const { id } = await tenantry.support.open('brief', { userId: 'sam', reason: 'x' })
    await tenantry.tenants.delete('brief')
    await tenantry.tenants.purge('brief', { confirm: 'brief' })
    expect(await central('select from tenantry.support_access where id = $1', [id])).toHaveLength(0)
    expect(await central(`select from tenantry.audit_entry where detail ->> 'accessId' = $1`, [id])).toHaveLength(4)
  })
})
