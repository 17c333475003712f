// The engine with two row and two schema tenants, 25 notes each, and a superuser's connection beside it.
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import type { PoolClient } from '../../src/engine/sql/pg.ts'
import { startEngine, type TestEngine } from '../harness/engine.ts'

const NOTES = 'create table note (id int primary key, body text)'
const NUMBERED = 'create table numbered (id bigint generated always as identity primary key, body text)'

export interface NoteEngine extends TestEngine {
  readonly superuser: CentralDatabase
  /** Lends a callback a client of the pool in this tenant. */
  inTenant<T>(slug: string, work: (client: PoolClient) => Promise<T>): Promise<T>
  /** How many notes the tenant sees. */
  count(slug: string, where?: string): Promise<number>
}

/** acme and globex are row tenants, hooli and umbrella schema tenants; a note's body starts with its tenant's slug. */
export async function startNoteEngine(): Promise<NoteEngine> {
  const engine = await startEngine({ max: 3 })
  const superuser = openCentralDatabase({ url: engine.database.superUrl })
  for (const ddl of [NOTES, NUMBERED]) await engine.central.query(ddl)
  for (const table of ['note', 'numbered']) await engine.protect(table)
  for (const slug of ['acme', 'globex']) await engine.addTenant(slug)
  for (const slug of ['hooli', 'umbrella']) await engine.addTenant(slug, `${NOTES}; ${NUMBERED}`)
  for (const [index, slug] of ['acme', 'globex', 'hooli', 'umbrella'].entries()) {
    const fill = "insert into note select $1 * 1000 + n, $2 || ' ' || n from generate_series(1, 25) n"
    await engine.scopes.handle(slug, {}).query(fill, [index, slug])
  }
  const close = async () => {
    await superuser.close()
    await engine.close()
  }
  return { ...engine, superuser, close, inTenant: lender(engine), count: counter(engine) }
}

const lender =
  (engine: TestEngine): NoteEngine['inTenant'] =>
  (slug, work) =>
    engine.scopes.run(slug, {}, async () => {
      const client: PoolClient = await connect(engine)
      try {
        return await work(client)
      } finally {
        client.release()
      }
    })

/** A client of the scope the caller is in. */
export function connect(engine: TestEngine): Promise<PoolClient> {
  return engine.pool.connect()
}

const counter =
  (engine: TestEngine): NoteEngine['count'] =>
  async (slug, where = 'true') => {
    const { rows } = await engine.scopes.handle(slug, {}).query(`select count(*)::int as n from note where ${where}`)
    return rows[0]?.n as number
  }

export const bodies = (rows: readonly unknown[]) => rows.map((row) => (row as { body: string }).body)

/** Whether every note among these is the tenant's own. */
export const onlyOf = (slug: string, rows: readonly unknown[]) =>
  bodies(rows).every((body) => body.startsWith(`${slug} `))

/** The error that ends the work; undefined where none does. */
export const rejection = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )
