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
