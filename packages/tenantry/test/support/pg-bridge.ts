// The bridge suite's operations over plain pg: the reference that has to pass, and the base of those that must not.
import type { Pool, PoolClient } from '../../src/engine/sql/pg.ts'
import type { BridgeOperations, BridgeSession, SuiteComment, SuiteThread } from '../../src/testing/index.ts'

/** What the operations need: a pool, or a client in a transaction. */
export interface Sender {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[]; rowCount: number | null }>
}

interface NoteRow {
  readonly id: number
  readonly body: string
}

const THREADS = `select n.id, n.body, coalesce(json_agg(json_build_object('id', c.id, 'text', c.text))
    filter (where c.id is not null), '[]') as comments
  from suite_note n left join suite_comment c on c.note_id = n.id group by n.id, n.body`

export function pgOperations(sender: Sender): BridgeOperations {
  const rows = async <R>(text: string, values?: unknown[]) => (await sender.query(text, values)).rows as R[]
  const count = async (text: string, values?: unknown[]) => (await sender.query(text, values)).rowCount ?? 0
  const insert = 'insert into suite_note (id, parent_id, body) values ($1, $2, $3)'
  return {
    insert: ({ id, parentId, body }) => sender.query(insert, [id, parentId, body]),
    insertAs: (tenantId, { id, parentId, body }) =>
      sender.query('insert into suite_note (tenant_id, id, parent_id, body) values ($1, $2, $3, $4)', [
        ...[tenantId, id, parentId, body],
      ]),
    list: () => rows<NoteRow>('select id, body from suite_note'),
    find: async (id) => (await rows<NoteRow>('select id, body from suite_note where id = $1', [id]))[0],
    updateAll: (body) => count('update suite_note set body = $1', [body]),
    remove: (id) => count('delete from suite_note where id = $1', [id]),
    removeAll: () => count('delete from suite_note'),
    raw: (text, values) => rows(text, [...values]),
    nestedInsert: async ({ id, parentId, body }, comments: readonly SuiteComment[]) =>
      sender.query(
        `with note as (${insert} returning id)
         insert into suite_comment (id, note_id, text)
           select c.id, note.id, c.text from note, json_to_recordset($4) as c (id integer, text text)`,
        [id, parentId, body, JSON.stringify(comments)],
      ),
    listThreads: () => rows<SuiteThread>(THREADS),
  }
}

export function pgSession(pool: Pick<Pool, 'query' | 'connect'>): BridgeSession {
  const session: BridgeSession = {
    ...pgOperations(pool),
    transaction: (run) => inTransaction(pool, (client) => run(pgOperations(client))),
    close: async () => {},
  }
  return session
}

async function inTransaction<T>(pool: Pick<Pool, 'connect'>, run: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const result = await run(client)
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}
