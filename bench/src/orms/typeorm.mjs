// The point read in TypeORM: through its bridge, and on a plain pool handed over in the same way.
import { DataSource, EntitySchema } from 'typeorm'
import { scopedDataSource } from 'tenantry/typeorm'

const entity = (table, isPlain) =>
  new EntitySchema({
    name: table,
    columns: {
      id: { type: 'integer', primary: true },
      body: { type: 'text' },
      amount: { type: 'numeric' },
      ...(isPlain ? { tenant_id: { type: 'uuid' } } : {}),
    },
  })

/** A driver whose pool is the given one, which it leaves open. */
const driverOver = (pool) => ({
  Pool: class {
    constructor() {
      return new Proxy(pool, {
        get: (target, name) => {
          if (name === 'end') return (callback) => callback()
          const value = Reflect.get(target, name, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    }
  },
})

export const typeOrm = {
  name: 'typeorm',
  async open({ pool, tenantry }, table) {
    const item = entity(table, tenantry === undefined)
    const source = tenantry
      ? scopedDataSource(DataSource, tenantry, { entities: [item] })
      : new DataSource({ type: 'postgres', driver: driverOver(pool), entities: [item], installExtensions: false })
    await source.initialize()
    const select = { id: true, body: true, amount: true }
    return {
      find: (id, tenant) =>
        source.manager.find(item, { select, where: tenant === undefined ? { id } : { id, tenant_id: tenant } }),
      findInTransaction: (id, tenant) =>
        source.transaction(async (manager) => {
          await manager.query("select set_config('app.tenant', $1, true)", [tenant])
          return manager.find(item, { select, where: { id } })
        }),
    }
  },
}
