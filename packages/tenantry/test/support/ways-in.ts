// Every way in that the library itself offers, for the suites that try one attack over all of them.
import Cursor from 'pg-cursor'
import type { Tenantry } from '../../src/tenantry.ts'
import { poolWay, type WayIn } from '../../src/testing/way-in.ts'

type MakeWay = (tenantry: Tenantry) => WayIn

async function onClient(tenantry: Tenantry, sql: string, { params, begin }: { params?: unknown[]; begin: boolean }) {
  const client = await tenantry.pool.connect()
  try {
    if (begin) await client.query('begin')
    const answer = await client.query<Record<string, unknown>>(sql, params)
    if (begin) await client.query('commit')
    return answer
  } finally {
    // An open transaction costs the client its connection, as it should.
    client.release()
  }
}

async function byCursor(tenantry: Tenantry, sql: string, params?: unknown[]) {
  const client = await tenantry.pool.connect()
  try {
    const cursor = client.query(new Cursor<Record<string, unknown>>(sql, params))
    const rows = await cursor.read(1_000)
    await cursor.close()
    return { rows }
  } finally {
    client.release()
  }
}

/** A bridge joins with one line: its name, and how it sends raw SQL. */
export const waysIn: readonly MakeWay[] = [
  poolWay,
  (tenantry) => ({ name: 'scope.query()', query: (tenant, sql, params) => tenantry.scope(tenant).query(sql, params) }),
  (tenantry) => ({
    name: 'scope.run()',
    query: (tenant, sql, params) => tenantry.scope(tenant).run(() => tenantry.pool.query(sql, params)),
  }),
  (tenantry) => ({
    name: 'scope.transaction()',
    query: (tenant, sql, params) => tenantry.scope(tenant).transaction((tx) => tx.query(sql, params)),
  }),
  (tenantry) => ({
    name: 'a checked-out client',
    query: (tenant, sql, params) =>
      tenantry.run(tenant, () => onClient(tenantry, sql, { ...(params && { params }), begin: false })),
  }),
  (tenantry) => ({
    name: 'a checked-out client in a transaction',
    query: (tenant, sql, params) =>
      tenantry.run(tenant, () => onClient(tenantry, sql, { ...(params && { params }), begin: true })),
  }),
  (tenantry) => ({
    name: 'scope.batch()',
    query: async (tenant, sql, params) => {
      const [answer] = await tenantry.scope(tenant).batch([{ text: sql, ...(params && { values: params }) }])
      return { rows: answer?.rows ?? [] }
    },
  }),
  (tenantry) => ({
    name: 'a cursor of pg-cursor',
    query: (tenant, sql, params) => tenantry.run(tenant, () => byCursor(tenantry, sql, params)),
  }),
]
