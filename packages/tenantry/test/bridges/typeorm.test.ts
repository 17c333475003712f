// TypeORM, over a driver that hands out the scoped pool.
import { DataSource, type EntityManager, EntitySchema, EntitySchemaOptions, IsNull, Not } from 'typeorm'
import { scopedDataSource } from '../../src/bridges/typeorm.ts'
import type { Bridge, BridgeOperations, SuiteComment, SuiteNote } from '../../src/testing/index.ts'
import { describeBridge } from '../support/bridge-tests.ts'

const columns = {
  id: { type: 'integer', primary: true },
  parentId: { type: 'integer', name: 'parent_id', nullable: true },
  body: { type: 'text' },
} as const

/** TypeORM's type of these options is a class. */
const entity = <T>(options: { [Key in keyof EntitySchemaOptions<T>]: EntitySchemaOptions<T>[Key] }) =>
  new EntitySchema<T>(Object.assign(new EntitySchemaOptions<T>(), options))

const note = entity<SuiteNote & { comments: SuiteComment[] }>({
  name: 'note',
  tableName: 'suite_note',
  columns,
  relations: { comments: { type: 'one-to-many', target: 'comment', inverseSide: 'note', cascade: ['insert'] } },
})
const noteOfTenant = entity<SuiteNote & { tenantId: string }>({
  name: 'noteOfTenant',
  tableName: 'suite_note',
  columns: { ...columns, tenantId: { type: 'uuid', name: 'tenant_id' } },
})
const comment = entity<SuiteComment & { note: SuiteNote }>({
  name: 'comment',
  tableName: 'suite_comment',
  columns: {
    id: { type: 'integer', primary: true },
    noteId: { type: 'integer', name: 'note_id' },
    text: { type: 'text' },
  },
  relations: { note: { type: 'many-to-one', target: 'note', joinColumn: { name: 'note_id' } } },
})

function operationsOf(manager: EntityManager): BridgeOperations {
  return {
    insert: (row) => manager.insert(note, row),
    insertAs: (tenantId, row) => manager.insert(noteOfTenant, { ...row, tenantId }),
    list: () => manager.find(note),
    find: (id) => manager.findOneBy(note, { id }),
    updateAll: async (body) => (await manager.update(note, { id: Not(IsNull()) }, { body })).affected ?? 0,
    remove: async (id) => (await manager.delete(note, { id })).affected ?? 0,
    removeAll: async () => (await manager.createQueryBuilder().delete().from(note).execute()).affected ?? 0,
    raw: async (sql, values) => {
      const answer = await manager.query<unknown[]>(sql, [...values])
      // Of UPDATE and DELETE TypeORM gives the rows and how many they were.
      return (Array.isArray(answer[0]) ? answer[0] : answer) as Record<string, unknown>[]
    },
    nestedInsert: (row, comments) =>
      manager.save(note, { ...row, comments: comments.map(({ id, text }) => ({ id, text })) }),
    listThreads: () => manager.find(note, { relations: { comments: true } }),
  }
}

const bridge: Bridge = {
  name: 'TypeORM',
  open: async (_, tenantry) => {
    const dataSource = scopedDataSource(DataSource, tenantry, { entities: [note, noteOfTenant, comment] })
    await dataSource.initialize()
    return {
      ...operationsOf(dataSource.manager),
      transaction: (run) => dataSource.transaction((manager) => run(operationsOf(manager))),
      close: () => dataSource.destroy(),
    }
  },
}

describeBridge(bridge)
