// Sequelize, over connections that hold nothing.
import { DataTypes, type ModelStatic, type Model, QueryTypes, Sequelize, type Transaction } from 'sequelize'
import { scopedSequelize } from '../../src/bridges/sequelize.ts'
import type { Bridge, BridgeOperations, SuiteComment, SuiteNote, SuiteThread } from '../../src/testing/index.ts'
import { describeBridge } from '../support/bridge-tests.ts'

type Row<T extends object> = Model<T, T> & T
type Stored<T> = ModelStatic<Row<T & object>>

interface Models {
  readonly note: Stored<SuiteNote>
  readonly noteOfTenant: Stored<SuiteNote & { tenantId: string }>
  readonly comment: Stored<SuiteComment>
}

const note = {
  id: { type: DataTypes.INTEGER, primaryKey: true },
  parentId: { type: DataTypes.INTEGER, field: 'parent_id' },
  body: { type: DataTypes.TEXT, allowNull: false },
}
const comment = {
  id: { type: DataTypes.INTEGER, primaryKey: true },
  noteId: { type: DataTypes.INTEGER, field: 'note_id', allowNull: false },
  text: { type: DataTypes.TEXT, allowNull: false },
}

function defineModels(sequelize: Sequelize): Models {
  const options = { timestamps: false }
  const models = {
    note: sequelize.define<Row<SuiteNote>>('note', note, { ...options, tableName: 'suite_note' }),
    noteOfTenant: sequelize.define<Row<SuiteNote & { tenantId: string }>>(
      'noteOfTenant',
      { ...note, tenantId: { type: DataTypes.UUID, field: 'tenant_id' } },
      { ...options, tableName: 'suite_note' },
    ),
    comment: sequelize.define<Row<SuiteComment>>('comment', comment, { ...options, tableName: 'suite_comment' }),
  }
  models.note.hasMany(models.comment, { as: 'comments', foreignKey: 'noteId' })
  return models
}

function operationsOf(sequelize: Sequelize, models: Models, transaction?: Transaction): BridgeOperations {
  const within = transaction === undefined ? {} : { transaction }
  return {
    insert: (row) => models.note.create(row, within),
    insertAs: (tenantId, row) => models.noteOfTenant.create({ ...row, tenantId }, within),
    list: () => models.note.findAll(within),
    find: (id) => models.note.findByPk(id, within),
    updateAll: async (body) => (await models.note.update({ body }, { where: {}, ...within }))[0],
    remove: (id) => models.note.destroy({ where: { id }, ...within }),
    removeAll: () => models.note.destroy({ where: {}, ...within }),
    raw: (sql, bind) => sequelize.query(sql, { bind: [...bind], type: QueryTypes.SELECT, ...within }),
    nestedInsert: (row, comments) =>
      models.note.create({ ...row, comments } as SuiteNote, { include: ['comments'], ...within }),
    listThreads: async () => {
      const found = await models.note.findAll({ include: ['comments'], ...within })
      return found.map((each) => each.get({ plain: true }) as unknown as SuiteThread)
    },
  }
}

const bridge: Bridge = {
  name: 'Sequelize',
  open: async (pool) => {
    const sequelize = scopedSequelize(Sequelize, pool, { logging: false })
    const models = defineModels(sequelize)
    return {
      ...operationsOf(sequelize, models),
      transaction: (run) => sequelize.transaction((transaction) => run(operationsOf(sequelize, models, transaction))),
      close: () => sequelize.close(),
    }
  },
}

describeBridge(bridge)
