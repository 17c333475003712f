// Which tool wrote a folder: told by its files, or by settings, and refused where neither says.
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readMigrationFiles } from '../../src/features/migrations/migration-files.ts'
import { errorOf, migrationStage, type Texts } from './fixture.ts'

const stage = migrationStage()

const names = async () => (await readMigrationFiles(join(stage.folder(), 'migrations'))).tenant.map(({ name }) => name)

describe('the format of a folder', () => {
  test('is told by its files, or by settings, each folder with its own', async () => {
    await stage.write({ 'db/shared/0001_a.sql': 'select 1', 'prisma/migrations/1_a/migration.sql': 'select 1' })
    const [shared, tenant] = [join(stage.folder(), 'db/shared'), join(stage.folder(), 'prisma/migrations')]
    const files = await readMigrationFiles({ shared: { folder: shared }, tenant: { folder: tenant, format: 'prisma' } })
    expect(files).toMatchObject({ shared: [{ format: 'tenantry' }], tenant: [{ format: 'prisma' }] })
  })

  const unknown: readonly (readonly [string, Texts, RegExp])[] = [
    ['code that nothing tells', { '1_a.js': 'exports.up = (x) => x' }, /unknown format/],
    [
      'two kinds of code',
      { '1_a.js': `exports.up = (knex) => 1`, '2_b.js': `exports.up = (db) => 1` },
      /of knex and kysely/,
    ],
    [
      'SQL beside another tool’s code',
      { '0001_a.sql': '', '2_b.js': `exports.up = (knex) => 1` },
      /of knex and tenantry/,
    ],
  ]
  test.each(unknown)('of %s is asked for', async (_, files, message) => {
    for (const [name, text] of Object.entries(files)) await stage.write({ [`migrations/tenant/${name}`]: text })
    expect(await errorOf(names())).toMatchObject({
      code: 'CONFIGURATION_INVALID',
      message: expect.stringMatching(message) as string,
    })
  })

  test('that does not exist, and a folder that does not, are refused where settings name them', async () => {
    await stage.write({ 'x/0001_a.sql': '' })
    const folder = join(stage.folder(), 'x')
    const error = await errorOf(readMigrationFiles({ tenant: { folder, format: 'toString' as never } }))
    expect(error).toMatchObject({ code: 'CONFIGURATION_INVALID', fix: expect.stringContaining('drizzle') as string })
    expect(await errorOf(readMigrationFiles({ tenant: { folder: join(folder, 'nowhere') } }))).toMatchObject({
      code: 'CONFIGURATION_INVALID',
    })
  })

  test('of another tool where shared/ and tenant/ are expected asks whose it is', async () => {
    await stage.write({ 'migrations/1_a/migration.sql': '' })
    expect(await errorOf(names())).toMatchObject({ message: expect.stringContaining('is one of prisma') as string })
  })

  test('with a folder that is empty holds none', async () => {
    await stage.write({ 'migrations/tenant/.gitkeep': '' })
    expect(await names()).toEqual([])
    await rename(join(stage.folder(), 'migrations/tenant'), join(stage.folder(), 'empty'))
    expect(await readMigrationFiles({ shared: { folder: join(stage.folder(), 'empty') } })).toEqual({
      shared: [],
      tenant: [],
    })
  })
})
