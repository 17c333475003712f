// Kysely takes the pool as it is.
import { type Generated, Kysely, PostgresDialect, sql } from 'kysely'
import { jsonArrayFrom } from 'kysely/helpers/postgres'
import type { Bridge, BridgeOperations, SuiteComment } from '../../src/testing/index.ts'
import { describeBridge } from '../support/bridge-tests.ts'

interface Tables {
  suite_note: { tenant_id: Generated<string>; id: number; parent_id: number | null; body: string }
  suite_comment: { id: number; note_id: number; text: string }
}

function operationsOf(db: Kysely<Tables>, inTransaction: boolean): BridgeOperations {
  const transaction = <T>(run: (tx: Kysely<Tables>) => Promise<T>) =>
    inTransaction ? run(db) : db.transaction().execute(run)
  return {
    insert: ({ id, parentId, body }) => db.insertInto('suite_note').values({ id, parent_id: parentId, body }).execute(),
    insertAs: (tenantId, { id, parentId, body }) =>
      db.insertInto('suite_note').values({ tenant_id: tenantId, id, parent_id: parentId, body }).execute(),
    list: () => db.selectFrom('suite_note').select(['id', 'body']).execute(),
    find: (id) => db.selectFrom('suite_note').select(['id', 'body']).where('id', '=', id).executeTakeFirst(),
    updateAll: async (body) =>
      Number((await db.updateTable('suite_note').set({ body }).executeTakeFirst()).numUpdatedRows),
    remove: async (id) =>
      Number((await db.deleteFrom('suite_note').where('id', '=', id).executeTakeFirst()).numDeletedRows),
    removeAll: async () => Number((await db.deleteFrom('suite_note').executeTakeFirst()).numDeletedRows),
    raw: async (statement, values) => {
      const parts = statement.split(/\$\d+/).map((part) => sql.raw(part))
      const pieces = parts.flatMap((part, at) => (at === 0 ? [part] : [sql`${values[at - 1]}`, part]))
      return (await sql<Record<string, unknown>>`${sql.join(pieces, sql.raw(''))}`.execute(db)).rows
    },
    nestedInsert: ({ id, parentId, body }, comments: readonly SuiteComment[]) =>
      transaction(async (tx) => {
        await tx.insertInto('suite_note').values({ id, parent_id: parentId, body }).execute()
        const rows = comments.map(({ noteId, ...rest }) => ({ ...rest, note_id: noteId }))
        await tx.insertInto('suite_comment').values(rows).execute()
      }),
    listThreads: () =>
      db
        .selectFrom('suite_note')
        .select((builder) => [
          ...(['id', 'body'] as const),
          jsonArrayFrom(
            builder
              .selectFrom('suite_comment')
              .select(['suite_comment.id', 'suite_comment.text'])
              .whereRef('note_id', '=', 'suite_note.id'),
          ).as('comments'),
        ])
        .execute(),
  }
}

const bridge: Bridge = {
  name: 'Kysely',
  open: async (pool) => {
    const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
    return {
      ...operationsOf(db, false),
      transaction: (run) => db.transaction().execute((tx) => run(operationsOf(tx, true))),
      close: () => db.destroy(),
    }
  },
}

describeBridge(bridge)
