// The admin key: made once whoever asks first, stored as a hash, replaced by a given one.
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { initialise } from '../../src/control/initialise.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import { createAdminKeys } from '../../src/features/keys/admin-keys.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

let database: TestDatabase
let central: CentralDatabase

beforeEach(async () => {
  database = await createTestDatabase()
  central = openCentralDatabase({ url: database.adminUrl })
  await initialise(central)
})

afterEach(async () => {
  await central.close()
  await database.drop()
})

const live = async () =>
  (
    await central.query<{ prefix: string; hash: Buffer }>(
      'select prefix, hash from tenantry.api_key where revoked_at is null',
    )
  ).rows

/** Keys as another process has them, on connections of its own. */
async function inOtherProcesses<T>(
  count: number,
  run: (keys: ReturnType<typeof createAdminKeys>, n: number) => Promise<T>,
) {
  const pools = Array.from({ length: count }, () => openCentralDatabase({ url: database.adminUrl, max: 1 }))
  try {
    return await Promise.all(pools.map((pool, n) => run(createAdminKeys(pool, { cacheMs: 0 }), n)))
  } finally {
    await Promise.all(pools.map((pool) => pool.close()))
  }
}

describe('a made key', () => {
  test('is shown once, verifies, and is stored as its SHA-256 only', async () => {
    const keys = createAdminKeys(central)
    const { key = '' } = await keys.ensure()
    expect(key).toMatch(/^tn_admin_[0-9a-f]{64}$/)
    expect(await keys.ensure()).toEqual({ key: undefined })
    expect(await keys.verify(key)).toBe(true)
    expect(await keys.verify(`${key}0`)).toBe(false)
    expect(await keys.verify('')).toBe(false)
    const [stored] = await live()
    expect(stored?.hash).toEqual(createHash('sha256').update(key).digest())
    expect(key.startsWith(stored?.prefix ?? 'nothing')).toBe(true)
    expect(stored?.prefix.length).toBe(15)
  })

  test('is one, however many processes start at once, and one of them sees it', async () => {
    const made = await inOtherProcesses(10, (keys) => keys.ensure())
    const shown = made.map(({ key }) => key).filter((key) => key !== undefined)
    expect(shown).toHaveLength(1)
    expect(await live()).toHaveLength(1)
    expect(await createAdminKeys(central).verify(shown[0] ?? '')).toBe(true)
  })
})

describe('a given key', () => {
  const given = 'a-given-admin-key'

  test('replaces the made one, here at once', async () => {
    const keys = createAdminKeys(central)
    const { key = '' } = await keys.ensure()
    expect(await keys.verify(key)).toBe(true)
    expect(await keys.ensure(given)).toEqual({ key: undefined })
    expect(await keys.verify(given)).toBe(true)
    expect(await keys.verify(key)).toBe(false)
    const [stored, ...more] = await live()
    expect(more).toEqual([])
    expect(given).not.toContain(stored?.prefix)
  })

  test('stays when it is no longer given, and may come back after another', async () => {
    const keys = createAdminKeys(central, { cacheMs: 0 })
    await keys.ensure(given)
    expect(await keys.ensure()).toEqual({ key: undefined })
    expect(await keys.verify(given)).toBe(true)
    await keys.ensure('another-admin-key')
    expect(await keys.verify(given)).toBe(false)
    await keys.ensure(given)
    expect(await keys.verify(given)).toBe(true)
    expect(await live()).toHaveLength(1)
  })

  test('leaves exactly one, even when processes start at once with different ones', async () => {
    await inOtherProcesses(10, (keys, n) => keys.ensure(`${given}-${n % 3}`))
    expect(await live()).toHaveLength(1)
  })

  test('wins over those that are made at the same moment', async () => {
    await inOtherProcesses(10, (keys, n) => keys.ensure(n % 2 === 0 ? given : undefined))
    expect(await live()).toHaveLength(1)
    expect(await createAdminKeys(central).verify(given)).toBe(true)
  })

  test.each(['', 'fifteen-letters', 'with spaces in it!', 'x'.repeat(257), 'with-a-newline-\n'])(
    'is refused where it is %j, without being quoted',
    async (weak) => {
      const error: unknown = await createAdminKeys(central)
        .ensure(weak)
        .catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'CONFIGURATION_INVALID', field: 'TENANTRY_ADMIN_KEY' })
      expect(await live()).toEqual([])
    },
  )
})

describe('verification', () => {
  test('asks the database once for all waiters, and again after a while', async () => {
    let queries = 0
    const counted: CentralDatabase = {
      query: (text, values) => {
        queries += 1
        return central.query(text, values)
      },
      transaction: (run) => central.transaction(run),
      session: (run) => central.session(run),
      listen: (channel, onNotify, onReconnect) => central.listen(channel, onNotify, onReconnect),
      close: () => central.close(),
    }
    let now = 0
    const keys = createAdminKeys(counted, { clock: { now: () => now }, cacheMs: 1_000 })
    const { key = '' } = await keys.ensure()
    queries = 0
    await Promise.all(Array.from({ length: 20 }, (_, n) => keys.verify(n % 2 === 0 ? key : `guess-${n}`)))
    expect(queries).toBe(1)
    await createAdminKeys(central).ensure('its-replacement-key')
    expect(await keys.verify(key)).toBe(true)
    now = 1_000
    expect(await keys.verify(key)).toBe(false)
    expect(await keys.verify('its-replacement-key')).toBe(true)
  })
})
