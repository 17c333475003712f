// The operations of the soak. Each runs inside one tenant and checks its own answer; what it throws beyond a lost
// connection is a failure of the soak.
import type { PoolClient, QueryResult } from '../../src/engine/sql/pg.ts'
import type { TenantQueryConfig } from '../../src/engine/sql/query-arguments.ts'
import type { Tenantry } from '../../src/tenantry.ts'
import type { Random } from '../../src/testing/random.ts'
import { isOutage, type SoakTenant } from './soak-tenant.ts'

/** What an operation is given. */
export interface Soak {
  readonly tenantry: Tenantry
  readonly random: Random
  readonly own: SoakTenant
  /** Another tenant, never to be seen. */
  readonly other: SoakTenant
}

type Answer = QueryResult<Record<string, unknown>>
type Send = (statement: string | TenantQueryConfig, values?: unknown[]) => Promise<Answer>

const INSERT = 'insert into entry (id, marker) values ($1, $2) returning id, marker'
const ONE = 'select id, marker from entry where id = $1'
const SOME = 'select id, marker from entry where marker is not null order by id desc limit 10'

class Wrong extends Error {}

function expectThat(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Wrong(what)
}

function expectOwn({ rows }: Answer, own: SoakTenant): void {
  for (const { id, marker } of rows) {
    expectThat(marker === own.slug && String(id).startsWith(`${own.slug}/`), `${String(id)} was shown to ${own.slug}`)
  }
}

/** The operation fails with this code, or loses its connection. */
async function expectCode(work: Promise<unknown>, ...codes: readonly string[]): Promise<void> {
  try {
    await work
  } catch (error) {
    if (isOutage(error)) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (codes.includes(code)) return
    throw error
  }
  throw new Wrong(`nothing was thrown, where ${codes.join(' or ')} was due`)
}

// Never the first one, which is there so that policies have something to be asked about.
const ownRow = ({ own, random }: Soak) =>
  own.present.size < 2 ? undefined : [...own.present].at(-1 - random.below(Math.min(own.present.size - 1, 50)))

// The WHERE runs before the SELECT list, so the rows are read under the altered context.
const readUnder = (context: string) =>
  `select query_to_xml('select * from entry', true, false, '')
     from (select set_config('tenantry.context', ${context}, true) as set) s where set is not null`

/** One statement, by each of the ways there are. */
export const statements = {
  async 'read one'(soak: Soak, send: Send) {
    const id = ownRow(soak)
    if (id === undefined) return
    const named = soak.random.next() < 0.5
    // Somebody else may delete it meanwhile, but nobody may show another one.
    const answer = await send(named ? { name: 'one', text: ONE, values: [id] } : { text: ONE, values: [id] })
    expectOwn(answer, soak.own)
    expectThat(answer.rows.length === (answer.rowCount ?? -1), 'rows and their count differ')
    expectThat(answer.rows.length === 0 ? !soak.own.present.has(id) : answer.rows[0]?.id === id, `${id} was not shown`)
  },
  async 'read some'(soak: Soak, send: Send) {
    const named = soak.random.next() < 0.5
    expectOwn(await send(named ? { name: 'some', text: SOME } : SOME), soak.own)
  },
  async 'ask who is in scope'({ own }: Soak, send: Send) {
    const { rows } = await send('select tenantry.current_tenant_id()::text as id, pg_backend_pid() as pid')
    expectThat(rows[0]?.id === own.tenant.id, `${own.slug} ran as ${String(rows[0]?.id)}`)
  },
  async insert({ own }: Soak, send: Send) {
    const id = own.newId()
    const answer = await own.write([id], () => send({ name: 'insert', text: INSERT, values: [id, own.slug] }))
    expectThat(answer.rows.length === 1 && answer.rows[0]?.id === id, `${id} was not answered`)
    expectOwn(answer, own)
  },
  async 'read a foreign row by its key'({ other }: Soak, send: Send) {
    const id = other.present.values().next().value ?? `${other.slug}/0`
    expectThat((await send(ONE, [id])).rows.length === 0, `${id} was shown to a stranger`)
  },
  async 'change a foreign row'({ other }: Soak, send: Send) {
    const id = other.present.values().next().value ?? `${other.slug}/0`
    const { rowCount } = await send("update entry set marker = 'stolen' where id = $1", [id])
    expectThat(rowCount === 0, `${id} was changed by a stranger`)
  },
  'read a foreign schema': async ({ other }: Soak, send: Send) => {
    if (other.tenant.isolation === 'row') return
    expectThat(
      (await send(`select * from ${other.tenant.schemaName}.entry`)).rows.length === 0,
      `${other.slug} was read`,
    )
  },
  'divide by zero': (_: Soak, send: Send) => expectCode(send('select 1 / $1::int', [0]), '22012'),
  'send nonsense': (_: Soak, send: Send) => expectCode(send('selekt 1'), '42601'),
  'read the key': (_: Soak, send: Send) => expectCode(send('select * from tenantry.signing_key'), '42501'),
  'send what cannot be sent': (_: Soak, send: Send) => expectCode(send('select $1::int', ['not a number']), '22P02'),
  'run out of time': (_: Soak, send: Send) =>
    expectCode(send({ text: 'select pg_sleep(5)', query_timeout: 5 }), '57014'),
  'break a unique key': ({ own }: Soak, send: Send) => {
    const id = own.newId()
    own.absent.add(id)
    const twice = 'insert into entry (id, marker) select $1, $2 union all select $1, $2'
    return expectCode(send(twice, [id, own.slug]), '23505')
  },
  'forge a context': ({ other }: Soak, send: Send) =>
    expectCode(send(readUnder(`'${'0'.repeat(64)}.0001.${other.tenant.id}.9999999999..'`)), 'CONTEXT_INVALID'),
  'swap the tenant under a true signature': ({ own, other }: Soak, send: Send) =>
    expectCode(
      send(readUnder(`replace(current_setting('tenantry.context'), '${own.tenant.id}', '${other.tenant.id}')`)),
      'CONTEXT_INVALID',
    ),
} satisfies Record<string, (soak: Soak, send: Send) => Promise<void>>

/**
 * Changes the session inside a function that the text does not show: the connection must not go to anybody else. Over a
 * shared one it is refused; a text that was slow lately, as on a busy machine, goes over a client of its own, which is
 * not used again. Whoever comes next must find the setting as it was.
 */
async function driftSession({ tenantry, own }: Soak): Promise<void> {
  await tenantry.run(own.slug, async () => {
    await tenantry.pool.query('select drift()').catch((error: unknown) => {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'STATEMENT_REFUSED') throw error
    })
    const { rows } = await tenantry.pool.query("select current_setting('timezone') = 'Asia/Tokyo' as left")
    if ((rows as { left: boolean }[])[0]?.left !== false) throw new Wrong('a later statement met the setting')
  })
}

async function withClient(soak: Soak, work: (client: PoolClient) => Promise<void>): Promise<void> {
  const { tenantry, own } = soak
  await tenantry.run(own.slug, async () => {
    const client = await tenantry.pool.connect()
    try {
      await work(client)
    } finally {
      client.release()
    }
  })
}

const clientSend =
  (client: PoolClient): Send =>
  (statement, values) =>
    typeof statement === 'string' ? client.query(statement, values) : client.query(statement)

/** Several statements that belong together. */
export const sequences = {
  async 'a client without a transaction'(soak: Soak) {
    await withClient(soak, async (client) => {
      const send = clientSend(client)
      await statements['read some'](soak, send)
      await statements['divide by zero'](soak, send)
      await statements.insert(soak, send)
      await statements['ask who is in scope'](soak, send)
    })
  },
  async 'a client with a transaction that commits'(soak: Soak) {
    await withClient(soak, (client) => commitByHand(soak, client))
  },
  async 'a client with a transaction that rolls back'(soak: Soak) {
    const { own } = soak
    await withClient(soak, async (client) => {
      const id = own.newId()
      own.absent.add(id)
      await client.query('begin')
      await client.query(INSERT, [id, own.slug])
      await statements['ask who is in scope'](soak, clientSend(client))
      if (soak.random.next() < 0.5) await expectCode(client.query('select 1/0'), '22012')
      // Without a ROLLBACK the release has to do it.
      if (soak.random.next() < 0.5) await client.query('rollback')
    })
  },
  async 'a scoped transaction that commits'(soak: Soak) {
    const { tenantry, own, random } = soak
    const ids = [own.newId(), own.newId()] as const
    await own.write(ids, () =>
      tenantry.scope(own.slug).transaction(async (tx) => {
        await tx.query(INSERT, [ids[0], own.slug])
        await statements['ask who is in scope'](soak, (statement, values) => tx.query(statement, values))
        expectOwn(await tx.query(SOME), own)
        if (random.next() < 0.5) await tx.queryAndCommit(INSERT, [ids[1], own.slug])
        else await tx.query({ name: 'insert', text: INSERT, values: [ids[1], own.slug] })
      }),
    )
  },
  async 'a scoped transaction that throws'({ tenantry, own }: Soak) {
    const ids = [own.newId(), own.newId()]
    const error = new Error('changed my mind')
    const thrown = await tenantry
      .scope(own.slug)
      .transaction(async (tx) => {
        for (const id of ids) await tx.query(INSERT, [id, own.slug])
        throw error
      })
      .catch((reason: unknown) => reason)
    for (const id of ids) own.absent.add(id)
    if (isOutage(thrown)) throw thrown
    expectThat(thrown === error, `the callback's error was replaced by ${String(thrown)}`)
  },
  async 'a savepoint that is rolled back'({ tenantry, own }: Soak) {
    const [kept, lost] = [own.newId(), own.newId()]
    own.absent.add(lost)
    await own.write([kept], () =>
      tenantry.scope(own.slug).transaction(async (tx) => {
        await tx.query('savepoint here')
        await tx.query(INSERT, [lost, own.slug])
        await expectCode(tx.query(INSERT, [lost, own.slug]), '23505')
        await tx.query('rollback to savepoint here')
        await tx.query(INSERT, [kept, own.slug])
      }),
    )
  },
  async 'role and context re-pointed in a transaction'(soak: Soak) {
    await withClient(soak, async (client) => {
      await client.query('begin')
      await client.query(`select set_config('role', 'none', true),
        set_config('tenantry.context', '', true), set_config('search_path', 'tenantry', true)`)
      const send = clientSend(client)
      await statements['ask who is in scope'](soak, send)
      expectOwn(await send(SOME), soak.own)
      await client.query('rollback')
    })
  },
  async 'delete a row'(soak: Soak) {
    const { tenantry, own } = soak
    const id = ownRow(soak)
    if (id === undefined) return
    await own.delete(id, () => tenantry.scope(own.slug).query('delete from entry where id = $1', [id]))
  },
  async 'a session lock left behind'(soak: Soak) {
    await withClient(soak, async (client) => {
      await client.query('select pg_try_advisory_lock($1)', [soak.random.below(1_000_000)])
    })
  },
  'a session setting left behind': driftSession,
} satisfies Record<string, (soak: Soak) => Promise<void>>

async function commitByHand(soak: Soak, client: PoolClient): Promise<void> {
  const { own } = soak
  const ids = [own.newId(), own.newId()]
  await own.write(ids, async () => {
    await client.query('begin')
    for (const id of ids) await client.query(INSERT, [id, own.slug])
    expectOwn(await client.query(SOME), own)
    await client.query('commit')
  })
}

/** The ways a single statement can go. */
export function waysOf({ tenantry, own }: Soak): readonly Send[] {
  const { pool } = tenantry
  const byPool: Send = (statement, values) =>
    tenantry.run(own.slug, () =>
      typeof statement === 'string' ? pool.query(statement, values) : pool.query(statement),
    )
  const byScope: Send = (statement, values) => tenantry.scope(own.slug).query(statement, values)
  const byClient: Send = async (statement, values) => {
    let answer: Answer | undefined
    await withClient({ tenantry, own } as Soak, async (client) => {
      answer = await clientSend(client)(statement, values)
    })
    if (answer === undefined) throw new Wrong('no answer')
    return answer
  }
  return [byPool, byPool, byPool, byPool, byScope, byClient]
}
