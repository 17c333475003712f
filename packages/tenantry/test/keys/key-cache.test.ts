// What presented keys cost, and how soon their end is heard: queries are counted, and the other process is a real one.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { createKeys } from '../../src/features/keys/create-keys.ts'
import type { KeyParts } from '../../src/features/keys/api-key.ts'
import { isKeyText, makeKey } from '../../src/features/keys/key-text.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { startChild } from '../harness/child-process.ts'
import { until } from '../harness/wait.ts'
import { type KeysFixture, openKeysFixture } from './fixture.ts'

let fixture: KeysFixture
let queries: string[] = []
let now = 1_800_000_000_000
let parts: KeyParts
const registry = { isListening: true, onForget: (heard: typeof forget) => void (forget = heard) }
let forget: (tenantId: string | undefined) => void = () => {}

beforeAll(async () => {
  fixture = await openKeysFixture()
})

afterAll(async () => {
  await fixture.close()
})

beforeEach(() => {
  const { central } = fixture
  const database: CentralDatabase = {
    query: (text, values) => {
      queries.push(text)
      return central.query(text, values)
    },
    transaction: (run) => central.transaction(run),
    session: (run) => central.session(run),
    listen: (channel, onNotify, onReconnect) => central.listen(channel, onNotify, onReconnect),
    close: () => Promise.resolve(),
  }
  registry.isListening = true
  parts = createKeys({ database, registry, clock: { now: () => now }, logger: silentLogger, gatherMs: 60_000 })
  queries = []
})

const make = () => fixture.here.keys.create('acme', { name: 'cached', permissions: ['members:read'] })
const reads = () => queries.filter((text) => text.includes('unnest'))
const writes = () => queries.filter((text) => text.includes('last_used_at = '))

describe('a key in memory', () => {
  test('is asked for once by all who come in one turn, and not again', async () => {
    const { key } = await make()
    expect(parts.source.peek(key)).toBeUndefined()
    const answers = await Promise.all(Array.from({ length: 50 }, () => parts.source.lookup(key)))
    expect(new Set(answers).size).toBe(1)
    expect(parts.source.peek(key)).toBe(answers[0])
    expect(Object.isFrozen(answers[0])).toBe(true)
    expect(Object.isFrozen(answers[0]?.permissions)).toBe(true)
    expect(reads()).toHaveLength(1)
  })

  test('is asked for again after half a minute, should a notification ever be lost', async () => {
    const { key } = await make()
    await parts.source.lookup(key)
    now += 30_000
    expect(parts.source.peek(key)).toBeUndefined()
  })

  test('is trusted only while changes are heard', async () => {
    const { key, id } = await make()
    await parts.source.lookup(key)
    registry.isListening = false
    expect(parts.source.peek(key)).toBeUndefined()
    await fixture.here.keys.revoke('acme', id)
    expect(await parts.source.lookup(key)).toBeNull()
  })

  test('is dropped with its tenant, and service keys with what is of no one tenant', async () => {
    const { key, tenantId } = await make()
    const service = await fixture.here.keys.create(null, { name: 'cached', permissions: ['*'] })
    const load = () => Promise.all([parts.source.lookup(key), parts.source.lookup(service.key)])
    const known = () => [key, service.key].map((each) => parts.source.peek(each) !== undefined)
    await load()
    forget('0191f2ab-0000-7000-8000-000000000000')
    expect(known()).toEqual([true, true])
    forget(tenantId ?? '')
    expect(known()).toEqual([false, true])
    await load()
    forget('00000000-0000-0000-0000-000000000000')
    expect(known()).toEqual([true, false])
    forget(undefined)
    expect(known()).toEqual([false, false])
  })

  test('is not kept where it changed while it was read', async () => {
    const { key, tenantId } = await make()
    const reading = parts.source.lookup(key)
    await until(() => reads().length === 1)
    forget(tenantId ?? '')
    await reading
    expect(parts.source.peek(key)).toBeUndefined()
  })
})

describe('text that is no key', () => {
  test('is refused without a query where it cannot be one', async () => {
    const { key } = await make()
    const changed = `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`
    await parts.keys.verify('warm')
    queries = []
    for (const text of [
      '',
      'x',
      'tn_key_',
      changed,
      key.replace('key', 'svc'),
      `${key} `,
      key.toLowerCase(),
      'x'.repeat(9_999),
    ]) {
      expect(isKeyText(text)).toBe(false)
      if (text !== '') expect(await parts.keys.authenticate(text)).toBeNull()
    }
    expect(reads()).toHaveLength(0)
  })

  test('of the right form reaches the database once for as long as it is known to be none', async () => {
    const made = makeKey('tenant')
    expect(await parts.keys.authenticate(made)).toBeNull()
    expect(await parts.keys.authenticate(made)).toBeNull()
    expect(reads()).toHaveLength(1)
    now += 5_000
    expect(await parts.keys.authenticate(made)).toBeNull()
    expect(reads()).toHaveLength(2)
  })

  test('in ten thousand forms is a handful of queries, one at a time, and is not kept without bound', async () => {
    const guesses = Array.from({ length: 11_000 }, () => makeKey('service'))
    const answers = await Promise.all(guesses.map((guess) => parts.source.lookup(guess)))
    expect(answers.every((answer) => answer === null)).toBe(true)
    expect(reads()).toHaveLength(11)
    expect(guesses.filter((guess) => parts.source.peek(guess) === null)).toHaveLength(10_000)
  })
})

describe('a use', () => {
  test('is written once a minute at most, for all keys in one statement', async () => {
    const [one, two] = [await make(), await make()]
    for (let request = 0; request < 100; request += 1) {
      for (const { key } of [one, two]) await parts.keys.authenticate(key)
    }
    expect(writes()).toHaveLength(0)
    await parts.close()
    expect(writes()).toHaveLength(1)
    const used = await fixture.here.keys.get('acme', one.id)
    await parts.keys.authenticate(one.key)
    await parts.close()
    expect(writes()).toHaveLength(1)
    expect((await fixture.here.keys.get('acme', one.id)).lastUsedAt).toBe(used.lastUsedAt)
  })

  test('tells nobody to forget the key', async () => {
    const { key, id } = await make()
    await fixture.there.keys.authenticate(key)
    const heard: string[] = []
    const { rows } = await fixture.central.query<{ channel: string }>(
      `select 'tenantry_' || id || '_' || notify_secret as channel from tenantry.instance`,
    )
    const subscription = await fixture.central.listen(
      rows[0]?.channel ?? '',
      (payload) => heard.push(payload),
      () => {},
    )
    await fixture.central.query('update tenantry.api_key set last_used_at = now() where id = $1', [id])
    const after = await fixture.here.keys.create(null, { name: 'marks the end', permissions: ['x'] })
    await until(() => heard.includes('00000000-0000-0000-0000-000000000000'))
    expect(heard).toEqual(['00000000-0000-0000-0000-000000000000'])
    await subscription.close()
    await fixture.here.keys.revoke(null, after.id)
  })

  test('that cannot be written is no failure of the request', async () => {
    const { key } = await make()
    await parts.keys.authenticate(key)
    await fixture.central.query('alter table tenantry.api_key rename column last_used_at to hidden')
    await expect(parts.close()).resolves.toBeUndefined()
    await fixture.central.query('alter table tenantry.api_key rename column hidden to last_used_at')
  })
})

test.each(['acme', null])('another process hears of a revoked key (%s) long before it would ask again', async (ref) => {
  const { key, id } = await fixture.here.keys.create(ref, { name: 'far away', permissions: ['*'] })
  const child = startChild(new URL('key-child.ts', import.meta.url), { args: [fixture.database.adminUrl, key] })
  try {
    await child.line(/^works$/)
    const revokedAt = performance.now()
    await fixture.here.keys.revoke(ref, id)
    await child.line(/^refused$/)
    expect(performance.now() - revokedAt).toBeLessThan(10_000)
  } finally {
    await child.kill()
  }
})
