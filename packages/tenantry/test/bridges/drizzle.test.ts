// Drizzle takes the pool as it is.
import { eq, relations, sql } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { type AnyPgColumn, integer, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import type { BridgeOperations, Bridge } from '../../src/testing/index.ts'
import { describeBridge } from '../support/bridge-tests.ts'

const note = pgTable('suite_note', {
  id: integer().primaryKey(),
  parentId: integer('parent_id').references((): AnyPgColumn => note.id),
  body: text().notNull(),
})
// The same table as row tenants see it, tenant column included.
const noteOfTenant = pgTable('suite_note', {
  tenantId: uuid('tenant_id').notNull(),
  id: integer().primaryKey(),
  parentId: integer('parent_id'),
  body: text().notNull(),
})
const comment = pgTable('suite_comment', {
  id: integer().primaryKey(),
  noteId: integer('note_id')
    .notNull()
    .references(() => note.id),
  text: text().notNull(),
})
const noteRelations = relations(note, ({ many }) => ({ comments: many(comment) }))
const commentRelations = relations(comment, ({ one }) => ({
  note: one(note, { fields: [comment.noteId], references: [note.id] }),
}))
const schema = { note, comment, noteRelations, commentRelations }

type Database = Pick<NodePgDatabase<typeof schema>, 'select' | 'insert' | 'update' | 'delete' | 'execute' | 'query'> & {
  transaction(run: (tx: Database) => Promise<void>): Promise<void>
}

/** SQL text with `$1`, as Drizzle's own template. */
const asTemplate = (statement: string, values: readonly unknown[]) =>
  sql.join(
    statement
      .split(/\$\d+/)
      .flatMap((part, at) => (at === 0 ? [sql.raw(part)] : [sql`${values[at - 1]}`, sql.raw(part)])),
  )

function operationsOf(db: Database): BridgeOperations {
  return {
    insert: (row) => db.insert(note).values(row),
    insertAs: (tenantId, row) => db.insert(noteOfTenant).values({ ...row, tenantId }),
    list: () => db.select().from(note),
    find: (id) => db.query.note.findFirst({ where: eq(note.id, id) }),
    updateAll: async (body) => (await db.update(note).set({ body })).rowCount ?? 0,
    remove: async (id) => (await db.delete(note).where(eq(note.id, id))).rowCount ?? 0,
    removeAll: async () => (await db.delete(note)).rowCount ?? 0,
    raw: async (statement, values) => (await db.execute(asTemplate(statement, values))).rows,
    nestedInsert: (row, comments) =>
      db.transaction(async (tx) => {
        await tx.insert(note).values(row)
        await tx.insert(comment).values([...comments])
      }),
    listThreads: () => db.query.note.findMany({ with: { comments: true } }),
  }
}

const bridge: Bridge = {
  name: 'Drizzle',
  open: async (pool) => {
    const db = drizzle({ client: pool, schema })
    return {
      ...operationsOf(db),
      transaction: (run) => db.transaction((tx) => run(operationsOf(tx as Database))),
      lazyList: () => db.select().from(note),
      close: async () => {},
    }
  },
}

describeBridge(bridge)
