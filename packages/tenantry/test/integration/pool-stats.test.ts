// The pool's gauges.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Tenantry } from '../../src/index.ts'
import { type NoteTenants, openNoteTenants } from '../support/note-tenants.ts'

let notes: NoteTenants
let tenantry: Tenantry

beforeAll(async () => {
  notes = await openNoteTenants()
  ;({ tenantry } = notes)
})

afterAll(() => notes.close())

test('the pool tells who waits, what is saturated and what was given up', async () => {
  await tenantry.scope('acme').query('select 1')
  const idle = tenantry.pool.stats()
  expect(idle).toMatchObject({ leased: 0, clients: { max: 4, waiting: 0, destroyed: 0 }, isSaturated: false })
  expect(idle.shared).toMatchObject({ max: 4, pending: 0, heldUp: 0, destroyed: 0, retired: 0 })
  await tenantry.run('acme', async () => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => tenantry.pool.connect()))
    for (const client of clients.slice(0, 4)) await client.query('begin')
    const waiting = clients[4]?.query('begin')
    expect(tenantry.pool.stats()).toMatchObject({ leased: 5, clients: { total: 4, idle: 0 }, isSaturated: true })
    clients[0]?.release()
    await waiting
    for (const client of clients.slice(1)) {
      await client.query('rollback')
      client.release()
    }
  })
  // The first one was released with its transaction open.
  expect(tenantry.pool.stats()).toMatchObject({ leased: 0, clients: { waiting: 0, destroyed: 1 }, isSaturated: false })
})
