// The bridge suite itself: plain pg passes it, and bridges that leak in one way each are rejected by the case that says so.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Pool, PoolClient } from '../../src/engine/sql/pg.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { batchLoader } from '../../src/testing/batch-loader.ts'
import { type Bridge, type BridgeSession, bridgeSoak, bridgeSuite } from '../../src/testing/index.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { describeBridge } from '../support/bridge-tests.ts'
import { pgOperations, pgSession } from '../support/pg-bridge.ts'

const plain: Bridge = { name: 'pg', open: async (pool) => pgSession(pool) }

describeBridge(plain)

/** A bridge that is plain pg but for what it gets wrong. */
const wrong = (change: (session: BridgeSession, pool: Pool) => Partial<BridgeSession>): Bridge => ({
  name: 'leaky',
  open: async (pool) => {
    const session = pgSession(pool)
    return { ...session, ...change(session, pool) }
  },
})

const AS = `select current_setting('tenantry.context') as context, current_setting('search_path') as path, current_user as role`

/** A raw pool that enters a tenant for the session where it should for the transaction, so only a connection's first counts. */
function sessionWide(url: string, tenantry: () => Tenantry): { bridge: Bridge; end: () => Promise<void> } {
  const pool = new pg.Pool({ connectionString: url, max: 2 })
  const entered = new WeakSet<pg.PoolClient>()
  const connect = async () => {
    const client = await pool.connect()
    if (!entered.has(client) && tenantry().current()) {
      const { rows } = await tenantry().pool.query<{ context: string; path: string; role: string }>(AS)
      const set =
        "select set_config('tenantry.context', $1, false), set_config('search_path', $2, false), set_config('role', $3, false)"
      await client.query(set, [rows[0]?.context, rows[0]?.path, rows[0]?.role])
      entered.add(client)
    }
    return client
  }
  const query = async (text: string, values?: unknown[]) => {
    const client = await connect()
    try {
      return await client.query<Record<string, unknown>>(text, values)
    } finally {
      client.release()
    }
  }
  const leaky = { query, connect } as unknown as Pool
  return { bridge: { name: 'leaky', open: async () => pgSession(leaky) }, end: () => pool.end() }
}

describe('the bridge suite rejects', () => {
  let database: TestDatabase
  let tenantry: Tenantry

  beforeAll(async () => {
    database = await createTestDatabase()
    tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent' })
  })
  afterAll(async () => {
    await tenantry.close()
    await database.drop()
  })

  /** The names of the claims that do not hold, without bridge and isolation; each has to fail for both isolations. */
  async function failures(bridge: Bridge): Promise<readonly string[]> {
    const failed: string[] = []
    for (const { name, run } of bridgeSuite({ bridge, tenantry })) {
      await run().catch(() => failed.push(name))
    }
    const claims = failed.map((name) => name.replace(/^leaky(, (row|schema) tenants:)? /, ''))
    return [...new Set(claims.filter((claim, at) => claims.indexOf(claim) !== at))].sort()
  }

  it('a raw pool that sets the tenant for the session, and its soak counts foreign rows', async () => {
    const { bridge, end } = sessionWide(database.superUrl, () => tenantry)
    try {
      expect(await failures(bridge)).toEqual(
        expect.arrayContaining([
          'batch loaders made for each scope keep tenants apart',
          'nested writes and relations stay inside the tenant',
          'nothing works outside of every tenant',
          'reads of all tenants at once show own rows only',
          'SQL text is scoped',
          'the same key asked for by all tenants in one tick is answered with their own rows',
          'transactions commit',
          'writes of all tenants at once land with their own tenant',
        ]),
      )
      const report = await bridgeSoak({ bridge, tenantry, operations: 500, seed: 1 })
      expect(report.foreignRows).toBeGreaterThan(0)
      expect(report.faults).not.toEqual([])
    } finally {
      await end()
    }
  })

  it('look-ups that are batched across tenants', async () => {
    const batched = wrong((session) => {
      const load = batchLoader(async (ids: readonly number[]) => {
        const notes = new Map((await session.list()).map((note) => [note.id, note]))
        return ids.map((id) => notes.get(id))
      })
      return { find: load }
    })
    expect(await failures(batched)).toContain(
      'the same key asked for by all tenants in one tick is answered with their own rows',
    )
  })

  it('answers that are kept for the next tenant', async () => {
    const caching = wrong((session) => {
      let kept: ReturnType<BridgeSession['list']> | undefined
      return { list: () => (kept ??= session.list()) }
    })
    expect(await failures(caching)).toContain('reads of all tenants at once show own rows only')
  })

  it('transactions whose statements go elsewhere', async () => {
    const loose = wrong((_, pool) => ({ transaction: (run) => run(pgOperations(pool)) }))
    expect(await failures(loose)).toEqual([
      'transactions roll back',
      'what a transaction has not committed is seen by nobody else',
    ])
  })

  it('refusals that are swallowed', async () => {
    const silent = wrong((session) => ({ list: () => session.list().catch(() => []) }))
    expect(await failures(silent)).toEqual(['nothing works outside of every tenant'])
  })

  it('lazy queries that remember their tenant', async () => {
    const eager = wrong((session) => ({ lazyList: () => session.list() }))
    expect(await failures(eager)).toEqual(['a lazy query runs in its tenant or not at all'])
  })

  it('clients that are kept', async () => {
    const kept: PoolClient[] = []
    const keeping = wrong((_, pool) => ({
      find: async (id) => {
        const client = await pool.connect()
        const note = await pgOperations(client).find(id)
        // A client takes a connection with the first statement that needs one of its own.
        await client.query('select pg_advisory_lock_shared(1)')
        // One is enough; were it all of them, there would soon be none left.
        if (kept.length === 0) kept.push(client)
        else client.release()
        return note
      },
    }))
    const cases = bridgeSuite({ bridge: keeping, tenantry })
    await cases[0]?.run()
    await expect(cases.at(-1)?.run()).rejects.toThrow('The bridge keeps clients of the pool.')
    for (const client of kept) client.release()
  })
})
