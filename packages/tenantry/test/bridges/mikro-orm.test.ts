// MikroORM, over a Knex client that takes its connections from the scoped pool.
import { type Collection, EntitySchema } from '@mikro-orm/core'
import * as postgresql from '@mikro-orm/postgresql'
import type { SqlEntityManager } from '@mikro-orm/postgresql'
import { scopedMikroOrm } from '../../src/bridges/mikro-orm.ts'
import type { Bridge, BridgeOperations } from '../../src/testing/index.ts'
import { describeBridge } from '../support/bridge-tests.ts'

interface Note {
  id: number
  parentId: number | null
  body: string
  comments: Collection<Comment>
}
interface Comment {
  id: number
  note: Note
  text: string
}

const columns = {
  id: { type: 'integer', primary: true },
  parentId: { type: 'integer', fieldName: 'parent_id', nullable: true },
  body: { type: 'text' },
} as const
const note = new EntitySchema<Note>({
  name: 'note',
  tableName: 'suite_note',
  properties: { ...columns, comments: { kind: '1:m', entity: 'comment', mappedBy: 'note' } },
})
const noteOfTenant = new EntitySchema<Omit<Note, 'comments'> & { tenantId: string }>({
  name: 'noteOfTenant',
  tableName: 'suite_note',
  properties: { ...columns, tenantId: { type: 'uuid', fieldName: 'tenant_id' } },
})
const comment = new EntitySchema<Comment>({
  name: 'comment',
  tableName: 'suite_comment',
  properties: {
    id: { type: 'integer', primary: true },
    note: { kind: 'm:1', entity: 'note', fieldName: 'note_id' },
    text: { type: 'text' },
  },
})

/** MikroORM writes bindings as question marks. */
const questionMarks = (sql: string) => sql.replace(/\$\d+/g, '?')

function operationsOf(manager: SqlEntityManager): BridgeOperations {
  return {
    insert: (row) => manager.insert<Note>(note, { ...row }),
    insertAs: (tenantId, row) => manager.insert(noteOfTenant, { ...row, tenantId }),
    list: () => manager.find(note, {}, { refresh: true }),
    find: (id) => manager.findOne(note, id),
    updateAll: (body) => manager.nativeUpdate(note, {}, { body }),
    remove: (id) => manager.nativeDelete(note, id),
    removeAll: () => manager.nativeDelete(note, {}),
    raw: (sql, values) => manager.execute<Record<string, unknown>[]>(questionMarks(sql), [...values]),
    nestedInsert: async (row, comments) => {
      const parent = manager.create<Note>(note, { ...row, comments: [] })
      for (const { id, text } of comments) manager.create<Comment>(comment, { id, text, note: parent })
      await manager.flush()
    },
    listThreads: async () => {
      const notes = await manager.find(note, {}, { populate: ['comments'], refresh: true })
      return notes.map(({ id, body, comments }) => ({ id, body, comments: comments.getItems() }))
    },
  }
}

const bridge: Bridge = {
  name: 'MikroORM',
  open: async (_, tenantry) => {
    const orm = await scopedMikroOrm(postgresql, tenantry, {
      entities: [note, noteOfTenant, comment],
      discovery: { checkDuplicateTableNames: false },
    })
    return {
      ...operationsOf(orm.em),
      transaction: (run) => orm.em.transactional((manager) => run(operationsOf(manager))),
      close: () => orm.close(),
    }
  },
}

describeBridge(bridge)
