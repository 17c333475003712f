// The bridge suite's operations in Knex's own way; Objection, which sits on Knex, borrows some.
import type { Knex } from 'knex'
import type { BridgeOperations, SuiteNote } from '../../src/testing/index.ts'

export const noteRow = ({ id, parentId, body }: SuiteNote) => ({ id, parent_id: parentId, body })

export async function knexRaw(db: Knex, statement: string, values: readonly unknown[]) {
  const text = statement.replaceAll(/\$\d+/g, '?')
  const result = await db.raw<{ rows: Record<string, unknown>[] }>(text, values as Knex.RawBinding[])
  return result.rows
}

interface NoteRow {
  readonly id: number
  readonly body: string
}

export function knexOperations(db: Knex): BridgeOperations {
  const notes = () => db<NoteRow>('suite_note')
  return {
    insert: (note) => db('suite_note').insert(noteRow(note)),
    insertAs: (tenantId, note) => db('suite_note').insert({ ...noteRow(note), tenant_id: tenantId }),
    list: () => notes().select('id', 'body'),
    find: (id) => notes().where({ id }).first('id', 'body'),
    updateAll: (body) => notes().update({ body }),
    remove: (id) => notes().where({ id }).delete(),
    removeAll: () => notes().delete(),
    raw: (statement, values) => knexRaw(db, statement, values),
    nestedInsert: (note, comments) =>
      db.transaction(async (tx) => {
        await tx('suite_note').insert(noteRow(note))
        await tx('suite_comment').insert(comments.map(({ id, noteId, text }) => ({ id, note_id: noteId, text })))
      }),
    listThreads: async () => {
      const rows = await db('suite_note as n')
        .leftJoin('suite_comment as c', 'c.note_id', 'n.id')
        .select<{ id: number; body: string; commentId: number | null; text: string }[]>({
          ...{ id: 'n.id', body: 'n.body', commentId: 'c.id', text: 'c.text' },
        })
      const threads = new Map(rows.map(({ id, body }) => [id, { id, body, comments: [] as NoteComment[] }]))
      for (const { id, commentId, text } of rows) {
        if (commentId !== null) threads.get(id)?.comments.push({ id: commentId, text })
      }
      return [...threads.values()]
    },
  }
}

interface NoteComment {
  readonly id: number
  readonly text: string
}
