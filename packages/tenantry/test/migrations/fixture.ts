// A folder of migrations for one test, and schema tenants that are made from it.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { createMigrations, type Migrations } from '../../src/features/migrations/create-migrations.ts'
import { type MigrationSettings, readMigrationFiles } from '../../src/features/migrations/migration-files.ts'
import type { Tenants } from '../../src/tenants/tenants.ts'
import { openTenantsFixture, type TenantsFixture } from '../harness/tenants.ts'

export type Texts = Readonly<Record<string, string | Buffer>>

export interface MigrationStage {
  /** The folder of the test that runs. */
  folder(): string
  write(files: Texts): Promise<void>
  /** The migrations and tenants of what lies in the folder, or of settings. */
  load(source?: MigrationSettings): Promise<{ migrations: Migrations; tenants: Tenants }>
  /** Writes files and creates a schema tenant from them. */
  tenant(slug: string, files: Texts): Promise<void>
  rows(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>
  fixture(): TenantsFixture
}

/** Call at the top of a test file. */
export function migrationStage(): MigrationStage {
  let fixture: TenantsFixture
  let folder: string
  beforeAll(async () => {
    fixture = await openTenantsFixture()
  })
  afterAll(() => fixture.close())
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tenantry-sources-'))
    // What a project has: its packages beside its migrations.
    await symlink(resolve('node_modules'), join(folder, 'node_modules'))
    return () => rm(folder, { recursive: true })
  })
  const write = async (files: Texts) => {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), text)
    }
  }
  const load = async (source?: MigrationSettings) => {
    const migrations = createMigrations({
      files: await readMigrationFiles(source ?? join(folder, 'migrations')),
      roles: fixture.instance.roles,
    })
    return { migrations, tenants: fixture.tenants({ participants: [migrations.participant] }) }
  }
  return {
    ...{ folder: () => folder, write, load, fixture: () => fixture },
    tenant: async (slug, files) => {
      await write(files)
      const { tenants } = await load()
      await tenants.create({ name: slug, slug, isolation: 'schema' })
    },
    rows: async (text, values) => (await fixture.admin.query(text, values)).rows,
  }
}

/** The error that a promise rejects with. */
export const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => error,
  )
