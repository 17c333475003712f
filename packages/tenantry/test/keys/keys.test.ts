// Keys of tenants and services: what is stored of them, how they end, and what they may hold.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isKeyText } from '../../src/features/keys/key-text.ts'
import { until } from '../harness/wait.ts'
import { type KeysFixture, openKeysFixture } from './fixture.ts'

let fixture: KeysFixture

beforeAll(async () => {
  fixture = await openKeysFixture()
})

afterAll(async () => {
  await fixture.close()
})

const keys = () => fixture.here.keys
const acme = async () => (await fixture.here.tenants.get('acme')).id
const input = { name: 'import', permissions: ['members:read', 'roles:*'] } as const

describe('a new key', () => {
  test('is shown once, stands for its tenant, and is stored as its SHA-256 alone', async () => {
    const { key, ...made } = await keys().create('acme', input)
    expect(key).toMatch(/^tn_key_[0-9A-Za-z]{49}$/)
    expect(isKeyText(key)).toBe(true)
    expect(made).toMatchObject({
      ...{ tenantId: await acme(), name: 'import', permissions: ['members:read', 'roles:*'], createdBy: 'library' },
      ...{ expiresAt: null, lastUsedAt: null, revokedAt: null, replacedBy: null, prefix: key.slice(0, 13) },
    })
    expect(await keys().get('acme', made.id)).toEqual(made)
    const { rows } = await fixture.central.query<{ hash: Buffer; all: string }>(
      'select hash, to_jsonb(k)::text as all from tenantry.api_key k where id = $1',
      [made.id],
    )
    expect(rows[0]?.hash).toEqual(createHash('sha256').update(key).digest())
    expect(rows[0]?.all).not.toContain(key.slice(13))
    expect(await keys().authenticate(key)).toEqual({
      ...{ keyId: made.id, prefix: made.prefix, kind: 'tenant', tenantId: await acme() },
      permissions: ['members:read', 'roles:*'],
    })
    const [fact] = await fixture.facts('key.created')
    expect(fact).toMatchObject({ tenant_id: await acme(), action: 'key.create', actor: 'library' })
    expect(JSON.stringify(fact)).not.toContain(key.slice(13))
  })

  test('of a service is good for all tenants', async () => {
    const { key, id } = await keys().create(null, { name: 'gateway', permissions: ['*'] }, { actor: 'ops' })
    expect(key).toMatch(/^tn_svc_/)
    expect(await keys().authenticate(key)).toMatchObject({ keyId: id, kind: 'service', tenantId: null })
    expect((await fixture.facts('key.created')).at(-1)).toMatchObject({ tenant_id: null, actor: 'ops' })
    await expect(keys().get('acme', id)).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' })
  })
})

test('a last use is written by the minute, behind the request', async () => {
  const { key, id } = await keys().create('acme', input)
  await keys().authenticate(key)
  const { lastUsedAt } = await until(async () => {
    const read = await keys().get('acme', id)
    return read.lastUsedAt === null ? undefined : read
  })
  expect(lastUsedAt).toMatch(/:00\.000Z$/)
})

describe('a key ends', () => {
  test('where it is revoked, once, however often that is asked for', async () => {
    const { key, id } = await keys().create('acme', input)
    const revoked = await keys().revoke('acme', id, { actor: 'ops' })
    expect(revoked.revokedAt).not.toBeNull()
    expect(await keys().revoke('acme', id)).toEqual(revoked)
    expect(await keys().authenticate(key)).toBeNull()
    expect((await fixture.facts('key.revoked')).filter(({ payload }) => isOf(payload, id))).toHaveLength(1)
  })

  test('at its time, also while it is kept in memory', async () => {
    const { key, id, expiresAt, createdAt } = await keys().create('acme', { ...input, ttlSeconds: 3_600 })
    expect(Date.parse(expiresAt ?? '') - Date.parse(createdAt)).toBe(3_600_000)
    // As if the hour were almost over. Whoever has it in memory hears that its end was moved.
    await fixture.central.query(`update tenantry.api_key set expires_at = now() + interval '300 ms' where id = $1`, [
      id,
    ])
    expect(await keys().authenticate(key)).not.toBeNull()
    await until(async () => (await keys().authenticate(key)) === null)
  })

  test('for good with the deletion of its tenant, does not work while that is suspended, and is gone after a purge', async () => {
    const { tenants } = fixture.here
    const { id: tenantId } = await tenants.create({ name: 'Doomed', slug: 'doomed' })
    const { key, id } = await keys().create('doomed', input)
    const works = async () => (await keys().authenticate(key)) !== null
    const everywhere = async (expected: boolean) => {
      expect(await works()).toBe(expected)
      await until(async () => ((await fixture.there.keys.authenticate(key)) !== null) === expected)
    }
    await everywhere(true)
    await tenants.suspend('doomed')
    await everywhere(false)
    await expect(keys().create('doomed', input)).rejects.toMatchObject({ code: 'TENANT_SUSPENDED' })
    await tenants.activate('doomed')
    await everywhere(true)
    await tenants.delete('doomed')
    await everywhere(false)
    expect((await keys().get('doomed', id)).revokedAt).not.toBeNull()
    await tenants.restore('doomed')
    await everywhere(false)
    await tenants.delete('doomed')
    await tenants.purge('doomed', { confirm: 'doomed' })
    const { rows } = await fixture.central.query('select from tenantry.api_key where tenant_id = $1', [tenantId])
    expect(rows).toEqual([])
  })

  test('and what is left of it after a purge is named', async () => {
    const { tenants } = fixture.here
    const { id } = await tenants.create({ name: 'Left', slug: 'left-over' })
    await keys().create('left-over', input)
    await tenants.delete('left-over')
    // A trigger that keeps the row stands for whatever may keep a purge from removing it.
    await fixture.central.query(`create function keep() returns trigger language plpgsql as 'begin return null; end'`)
    await fixture.central.query(
      `create trigger keep before delete on tenantry.api_key for each row when (old.tenant_id = '${id}') execute function keep()`,
    )
    await expect(tenants.purge('left-over', { confirm: 'left-over' })).rejects.toMatchObject({
      code: 'PURGE_INCOMPLETE',
      message: expect.stringContaining('1 API keys') as string,
    })
    await fixture.central.query('drop function keep cascade')
    await tenants.purge('left-over', { confirm: 'left-over' })
  })
})

describe('a rotation', () => {
  test('makes a key with the same permissions and term; the old one works until the grace is over', async () => {
    const old = await keys().create('acme', { ...input, ttlSeconds: 864_000 })
    const { key, ...next } = await keys().rotate('acme', old.id, { graceSeconds: 60, actor: 'ops' })
    expect(next).toMatchObject({ name: old.name, permissions: old.permissions, createdBy: 'ops', replacedBy: null })
    expect(Date.parse(next.expiresAt ?? '') - Date.parse(next.createdAt)).toBe(864_000_000)
    const replaced = await keys().get('acme', old.id)
    expect(replaced).toMatchObject({ replacedBy: next.id, revokedAt: null })
    expect(Date.parse(replaced.expiresAt ?? '') - Date.parse(next.createdAt)).toBe(60_000)
    for (const each of [old.key, key]) expect(await keys().authenticate(each)).not.toBeNull()
  })

  test('without grace ends the old key at once, everywhere', async () => {
    const old = await keys().create('acme', input)
    expect(await fixture.there.keys.authenticate(old.key)).not.toBeNull()
    const { key } = await keys().rotate('acme', old.id, { graceSeconds: 0 })
    expect(await keys().authenticate(old.key)).toBeNull()
    await until(async () => (await fixture.there.keys.authenticate(old.key)) === null)
    expect(await keys().authenticate(key)).not.toBeNull()
  })

  test('never lets the old key live longer than it would have', async () => {
    const old = await keys().create('acme', { ...input, ttlSeconds: 30 })
    await keys().rotate('acme', old.id)
    expect((await keys().get('acme', old.id)).expiresAt).toBe(old.expiresAt)
  })

  test('goes on from the newest key; one that was replaced or has ended is rotated no more', async () => {
    const first = await keys().create('acme', input)
    const second = await keys().rotate('acme', first.id)
    const third = await keys().rotate('acme', second.id)
    expect((await keys().get('acme', second.id)).replacedBy).toBe(third.id)
    await expect(keys().rotate('acme', first.id)).rejects.toMatchObject({ code: 'KEY_STATE_CONFLICT' })
    await keys().revoke('acme', third.id)
    await expect(keys().rotate('acme', third.id)).rejects.toMatchObject({ code: 'KEY_STATE_CONFLICT' })
  })

  test('of one key by two at once makes one successor', async () => {
    const { id } = await keys().create(null, input)
    const both = await Promise.allSettled([keys().rotate(null, id), fixture.there.keys.rotate(null, id)])
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  })
})

describe('who asks for a key', () => {
  test('gives it no permission that they lack, as a member or as a key', async () => {
    await fixture.central.query(
      `insert into tenantry.member (tenant_id, user_id, role, state) values ($1, 'al', 'admin', 'active')
       on conflict do nothing`,
      [await acme()],
    )
    const asAdmin = { onBehalfOf: { userId: 'al' } }
    expect(await keys().create('acme', { name: 'x', permissions: ['members:*'] }, asAdmin)).toMatchObject({ name: 'x' })
    for (const permissions of [['*'], ['members:read', 'stats:*'], ['credentials:write']]) {
      const tooMuch = keys().create('acme', { name: 'x', permissions }, asAdmin)
      await expect(tooMuch).rejects.toMatchObject({ code: 'RANK_TOO_LOW', field: 'permissions' })
    }
    const asKey = { onBehalfOf: { permissions: ['keys:write', 'members:read'] } }
    await expect(keys().create('acme', { name: 'x', permissions: ['members:write'] }, asKey)).rejects.toMatchObject({
      code: 'RANK_TOO_LOW',
    })
    const stronger = await keys().create('acme', { name: 'x', permissions: ['*'] })
    for (const bounds of [asAdmin, asKey]) {
      await expect(keys().rotate('acme', stronger.id, bounds)).rejects.toMatchObject({ code: 'RANK_TOO_LOW' })
    }
    await expect(keys().create('globex', input, asAdmin)).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
  })

  test('makes no service key without central power', async () => {
    const asKey = { onBehalfOf: { permissions: ['*'] } }
    await expect(keys().create(null, input, asKey)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
    const { id } = await keys().create(null, input)
    await expect(keys().rotate(null, id, asKey)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
  })
})

describe('a tenant', () => {
  test("has no other's keys: not by id, not in lists", async () => {
    const { id } = await keys().create('globex', { name: 'of globex', permissions: ['*'] })
    for (const call of [
      () => keys().get('acme', id),
      () => keys().rotate('acme', id),
      () => keys().revoke('acme', id),
      () => keys().revoke(null, id),
      () => keys().get('acme', 'no-uuid'),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' })
    }
    const listed = await keys().list('acme', { limit: 100 })
    expect(listed.items.map((each) => each.tenantId)).toEqual(listed.items.map(() => listed.items[0]?.tenantId))
    expect((await keys().list('globex', { search: 'OF GLOB' })).items.map((each) => each.id)).toContain(id)
    expect((await keys().list('globex', { search: 'nothing like it' })).total).toBe(0)
  })

  test('lists its keys in pages, newest first', async () => {
    await fixture.here.tenants.create({ name: 'Paged', slug: 'paged' })
    const made = [
      await keys().create('paged', input),
      await keys().create('paged', input),
      await keys().create('paged', input),
    ]
    const first = await keys().list('paged', { limit: 2 })
    const rest = await keys().list('paged', { limit: 2, cursor: first.nextCursor ?? '' })
    expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(made.map(({ id }) => id).toReversed())
    expect([first.total, rest.nextCursor]).toEqual([3, null])
  })

  test('cannot read the table of keys from inside', async () => {
    for (const text of ['select * from tenantry.api_key', 'select count(hash) from tenantry.api_key']) {
      await expect(fixture.here.run('acme', () => fixture.here.pool.query(text))).rejects.toMatchObject({
        code: '42501',
      })
    }
  })
})

test.each([
  [{ ...input, name: '' }, 'name'],
  [{ ...input, name: 'x'.repeat(101) }, 'name'],
  [{ ...input, permissions: [] }, 'permissions'],
  [{ ...input, permissions: ['Members Read'] }, 'permissions'],
  [{ ...input, permissions: 'members:read' as never }, 'permissions'],
  [{ ...input, ttlSeconds: 0 }, 'ttlSeconds'],
  [{ ...input, ttlSeconds: 400_000_000 }, 'ttlSeconds'],
  [{ ...input, kind: 'admin' } as never, 'kind'],
])('a key like %j is refused', async (given, field) => {
  const code = field === 'kind' ? 'UNKNOWN_FIELD' : 'INVALID_INPUT'
  await expect(keys().create('acme', given)).rejects.toMatchObject({ code, field })
})

test('the admin key is no key that can be listed, rotated or revoked, and none of these can be given as admin key', async () => {
  const { key: admin = '' } = await keys().ensure()
  expect(await keys().authenticate(admin)).toMatchObject({ kind: 'admin', keyId: null, permissions: ['*'] })
  const { rows } = await fixture.central.query<{ id: string }>(`select id from tenantry.api_key where kind = 'admin'`)
  await expect(keys().revoke(null, rows[0]?.id ?? '')).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' })
  const { key } = await keys().create('acme', input)
  await expect(keys().ensure(key)).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' })
  expect(await keys().verify(admin)).toBe(true)
})

const isOf = (payload: unknown, keyId: string) => (payload as { readonly keyId?: string }).keyId === keyId
