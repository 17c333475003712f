// Objection sits on Knex, and so on its bridge.
import knex, { type Knex } from 'knex'
import { Model, transaction } from 'objection'
import { scopedKnex } from '../../src/bridges/knex.ts'
import type { Bridge, BridgeOperations } from '../../src/testing/index.ts'
import { describeBridge } from '../support/bridge-tests.ts'
import { knexRaw, noteRow } from '../support/knex-operations.ts'

class Comment extends Model {
  static override tableName = 'suite_comment'
  declare id: number
  declare note_id: number
  declare text: string
}

class Note extends Model {
  static override tableName = 'suite_note'
  static override relationMappings = {
    comments: {
      relation: Model.HasManyRelation,
      modelClass: Comment,
      join: { from: 'suite_note.id', to: 'suite_comment.note_id' },
    },
  }
  declare id: number
  declare body: string
  declare parent_id: number | null
  declare tenant_id: string
  declare comments: Comment[]
}

function operationsOf(db: Knex): BridgeOperations {
  const notes = () => Note.query(db)
  return {
    insert: (note) => notes().insert(noteRow(note)).execute(),
    insertAs: (tenantId, note) =>
      notes()
        .insert({ ...noteRow(note), tenant_id: tenantId })
        .execute(),
    list: () => notes().execute(),
    find: (id) => notes().findById(id).execute(),
    updateAll: (body) => notes().patch({ body }).execute(),
    remove: (id) => notes().deleteById(id).execute(),
    removeAll: () => notes().delete().execute(),
    raw: (statement, values) => knexRaw(db, statement, values),
    nestedInsert: (note, comments) =>
      transaction(db, async (tx) =>
        Note.query(tx).insertGraph({
          ...noteRow(note),
          comments: comments.map(({ id, text }) => ({ id, text })),
        }),
      ),
    listThreads: () => notes().withGraphFetched('comments').execute(),
  }
}

const bridge: Bridge = {
  name: 'Objection',
  open: async (pool) => {
    const db = scopedKnex(knex, pool, { log: { warn: () => {} } })
    return {
      ...operationsOf(db),
      transaction: (run) => transaction(db, (tx) => run(operationsOf(tx))),
      lazyList: () => Note.query(db),
      close: () => db.destroy(),
    }
  },
}

describeBridge(bridge)
