// Operators: central power is a role with a switch that is on record, ends by itself, and is nobody else's.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Tenantry } from '../../src/tenantry.ts'
import { type NoteTenants, openNoteTenants } from '../support/note-tenants.ts'

let stage: NoteTenants
let tenantry: Tenantry

beforeAll(async () => {
  stage = await openNoteTenants()
  tenantry = stage.tenantry
})

afterAll(() => stage.close())

beforeEach(async () => {
  await central('delete from tenantry.elevation; delete from tenantry.operator')
})

const central = async (text: string, values?: readonly unknown[]) =>
  (await tenantry.asCentral('a look at the control plane', (db) => db.query(text, values))).rows

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  )

const entriesOf = (action: string) =>
  central(
    `select actor, tenant_id, reason, detail from tenantry.audit_entry
      where action = $1 and seq > (select max(seq) from tenantry.audit_entry where action = 'test.mark') order by seq`,
    [action],
  )

const mark = () =>
  central(`insert into tenantry.audit_entry (id, actor, action) values (gen_random_uuid(), 'test', 'test.mark')`)

const OPS = { actor: 'http:tn_admin_ab12cd' }

describe('operators', () => {
  it('are set, changed and removed, each with an event and an entry in the central trail', async () => {
    await mark()
    const made = await tenantry.operators.set({ userId: 'ada', role: 'super-admin' }, OPS)
    expect(made).toMatchObject({ userId: 'ada', role: 'super-admin' })
    await tenantry.operators.set({ userId: 'ada', role: 'super-admin' }, OPS)
    await tenantry.operators.set({ userId: 'ada', role: 'support' })
    expect(await tenantry.operators.list()).toEqual([{ ...made, role: 'support' }])
    expect(await tenantry.operators.remove('ada')).toMatchObject({ userId: 'ada', role: 'support' })
    expect(await tenantry.operators.list()).toEqual([])
    expect(await entriesOf('operator.set')).toEqual([
      { actor: OPS.actor, tenant_id: null, reason: null, detail: { userId: 'ada', role: 'super-admin' } },
      { actor: 'library', tenant_id: null, reason: null, detail: { userId: 'ada', role: 'support' } },
    ])
    expect(await entriesOf('operator.remove')).toHaveLength(1)
    const { items } = await tenantry.tenants.events({ type: 'operator.removed' })
    expect(items.at(-1)).toMatchObject({ tenantId: null, payload: { userId: 'ada' } })
  })

  it('are refused by name of the field where they are none', async () => {
    expect(await codeOf(tenantry.operators.remove('nobody'))).toBe('OPERATOR_NOT_FOUND')
    expect(await codeOf(tenantry.operators.set({ userId: '', role: 'support' }))).toBe('INVALID_INPUT')
    // @ts-expect-error no such role
    expect(await codeOf(tenantry.operators.set({ userId: 'ada', role: 'root' }))).toBe('INVALID_INPUT')
  })
})

describe('an elevation', () => {
  const reason = 'ticket 4711'

  it('gives its token once, for a reason and at most an hour, and is in the central trail', async () => {
    await tenantry.operators.set({ userId: 'ada', role: 'super-admin' })
    await mark()
    const { token, ...elevation } = await tenantry.operators.elevate({ userId: 'ada', reason, minutes: 60 }, OPS)
    expect(token).toMatch(/^tn_op_[0-9a-f]{64}$/)
    expect(Date.parse(elevation.expiresAt) - Date.parse(elevation.createdAt)).toBe(3_600_000)
    expect(await tenantry.operators.authenticate(token)).toEqual(elevation)
    const detail = { elevationId: elevation.id, userId: 'ada', expiresAt: elevation.expiresAt }
    expect(await entriesOf('operator.elevate')).toEqual([{ actor: OPS.actor, tenant_id: null, reason, detail }])
    const everything = await central(`select string_agg(t, ' ') as text from (
      select e::text as t from tenantry.elevation e union all select a::text from tenantry.audit_entry a
      union all select o::text from tenantry.event o) all_of_it`)
    expect(JSON.stringify(everything)).not.toContain(token.slice(6))
    expect((await tenantry.operators.elevations()).items).toEqual([elevation])
  })

  it('is for super-admins alone, and wants a reason and a span', async () => {
    await tenantry.operators.set({ userId: 'sam', role: 'support' })
    await tenantry.operators.set({ userId: 'ada', role: 'super-admin' })
    const elevate = (input: { userId: string; reason: string; minutes?: number }) =>
      codeOf(tenantry.operators.elevate(input))
    expect(await elevate({ userId: 'sam', reason })).toBe('OPERATOR_REQUIRED')
    expect(await elevate({ userId: 'nobody', reason })).toBe('OPERATOR_REQUIRED')
    expect(await elevate({ userId: 'ada', reason: '  ' })).toBe('REASON_REQUIRED')
    expect(await elevate({ userId: 'ada', reason, minutes: 61 })).toBe('INVALID_INPUT')
    expect(await elevate({ userId: 'ada', reason, minutes: 0 })).toBe('INVALID_INPUT')
    expect((await tenantry.operators.elevations()).total).toBe(0)
    const longer = `insert into tenantry.elevation (id, user_id, reason, token_hash, expires_at)
      values (gen_random_uuid(), 'ada', 'x', sha256('x'), now() + interval '61 minutes')`
    expect(await codeOf(central(longer))).toBe('23514')
  })

  it('ends by release, which can be repeated, and by its time', async () => {
    await tenantry.operators.set({ userId: 'ada', role: 'super-admin' })
    const { token, id } = await tenantry.operators.elevate({ userId: 'ada', reason })
    await mark()
    const ended = await tenantry.operators.release(id, OPS)
    expect(ended.endedAt).not.toBeNull()
    expect(await tenantry.operators.release(id)).toEqual(ended)
    expect(await entriesOf('operator.release')).toMatchObject([{ actor: OPS.actor, detail: { elevationId: id } }])
    expect(await tenantry.operators.authenticate(token)).toBeNull()
    const other = await tenantry.operators.elevate({ userId: 'ada', reason })
    await central(
      `update tenantry.elevation set created_at = now() - interval '1 hour', expires_at = now() where id = $1`,
      [other.id],
    )
    expect(await tenantry.operators.authenticate(other.token)).toBeNull()
    expect(await codeOf(tenantry.operators.release('no id'))).toBe('ELEVATION_NOT_FOUND')
  })

  it('ends with the operator’s role, at once in every process', async () => {
    await using second = stage.open()
    for (const end of [
      () => tenantry.operators.remove('ada'),
      () => tenantry.operators.set({ userId: 'ada', role: 'support' }),
    ]) {
      await tenantry.operators.set({ userId: 'ada', role: 'super-admin' })
      const { token, id } = await tenantry.operators.elevate({ userId: 'ada', reason })
      expect(await second.operators.authenticate(token)).toMatchObject({ id })
      await end()
      expect(await second.operators.authenticate(token)).toBeNull()
      // Becoming one again does not bring the old power back.
      await tenantry.operators.set({ userId: 'ada', role: 'super-admin' })
      expect(await second.operators.authenticate(token)).toBeNull()
    }
  })

  it('ends even where only the operator’s row went away', async () => {
    await tenantry.operators.set({ userId: 'ada', role: 'super-admin' })
    const { token } = await tenantry.operators.elevate({ userId: 'ada', reason })
    await central('delete from tenantry.operator')
    expect(await tenantry.operators.authenticate(token)).toBeNull()
  })

  it('is nobody’s for any other text', async () => {
    const others = [
      '',
      'tn_op_',
      `tn_op_${'0'.repeat(64)}`,
      `tn_op_${'0'.repeat(63)}`,
      'x'.repeat(10_000),
      "' or 1=1 --",
    ]
    for (const text of others) expect(await tenantry.operators.authenticate(text)).toBeNull()
  })

  it('cannot be had by a removal that runs beside it', async () => {
    for (let round = 0; round < 10; round++) {
      await tenantry.operators.set({ userId: 'ada', role: 'super-admin' })
      const [elevated] = await Promise.allSettled([
        tenantry.operators.elevate({ userId: 'ada', reason }),
        tenantry.operators.remove('ada'),
      ])
      const open = await central(`select from tenantry.elevation where ended_at is null`)
      expect(open).toHaveLength(0)
      if (elevated.status === 'fulfilled') {
        expect(await tenantry.operators.authenticate(elevated.value.token)).toBeNull()
      }
    }
  })
})
