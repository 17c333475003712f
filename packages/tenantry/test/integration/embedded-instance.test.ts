// An instance that brings its own PostgreSQL: nothing but a folder is needed, and the folder keeps everything.
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTenantry } from '../../src/tenantry.ts'

let dataDir: string
beforeAll(async () => {
  dataDir = await mkdtemp(path.join(os.tmpdir(), 'tenantry-embedded-instance-'))
})
afterAll(() => rm(dataDir, { recursive: true, force: true }))

const open = () =>
  createTenantry({ embedded: { dataDir, durable: false }, migrations: path.join(dataDir, 'no-migrations') })

test('an instance with an embedded server starts on first use and finds its tenants again', async () => {
  {
    await using tenantry = open()
    await tenantry.tenants.create({ name: 'Acme', slug: 'acme' })
    await tenantry.asCentral('test', (central) => central.query('create table item (id int primary key)'))
    await tenantry.protect('item')
    await tenantry.run('acme', () => tenantry.pool.query('insert into item (id) values (1)'))
  }
  await using again = open()
  const { rows } = await again.scope('acme').query('select id from item')
  expect(rows).toEqual([{ id: 1 }])
  expect((await again.health()).status).toBe('up')
})

test('neither a URL nor an embedded server, or both, is a mistake that is named', () => {
  const mistake = expect.objectContaining({ code: 'CONFIGURATION_INVALID' }) as Error
  expect(() => createTenantry({})).toThrow(mistake)
  expect(() => createTenantry({ embedded: true, adminUrl: 'postgresql://localhost/x' })).toThrow(mistake)
})
