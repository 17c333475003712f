// What the tests of the ways in for migrations share: schema tenants at the first migration, and instances that know a
// second one.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { onTestFinished } from 'vitest'
import { createTestDatabase } from '../harness/database.ts'

export const slugs = ['acme', 'globex', 'initech'] as const

export interface FleetInstance {
  readonly adminUrl: string
  /** With tenantry.yaml and the migrations. */
  readonly folder: string
  /** Writes the next tenant migration, which adds a column to every tenant's table `note`. */
  addMigration(sql?: string): Promise<string>
  /** Writes a shared migration. */
  addShared(sql: string): Promise<string>
  /** An instance that has read the migrations that there are now. */
  open(): Promise<Tenantry>
  /** Changes a tenant's schema by hand. */
  byHand(sql: string): Promise<void>
  /** Keeps migrations from a tenant's table until the returned function is called. */
  lock(slug: string): Promise<() => Promise<void>>
  close(): Promise<void>
}

export async function openFleetInstance(): Promise<FleetInstance> {
  const database = await createTestDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'tenantry-fleet-'))
  const migrations = join(folder, 'migrations')
  const tenantFolder = join(migrations, 'tenant')
  await mkdir(tenantFolder, { recursive: true })
  await writeFile(join(folder, 'tenantry.yaml'), 'migrations: ./migrations\nisolation: schema\n')
  await writeFile(join(tenantFolder, '0001_note.sql'), 'create table note (id int primary key, text text)')
  const opened: Tenantry[] = []
  const open = async () => {
    const tenantry = createTenantry({ adminUrl: database.adminUrl, isolation: 'schema', migrations, maxClients: 4 })
    opened.push(tenantry)
    await tenantry.start()
    return tenantry
  }
  const first = await open()
  for (const slug of slugs) await first.tenants.create({ name: slug, slug })
  const central = openCentralDatabase({ url: database.adminUrl })
  let count = 1
  return {
    adminUrl: database.adminUrl,
    folder,
    open,
    addMigration: async (sql) => {
      count += 1
      const name = `${String(count).padStart(4, '0')}_more_${count}.sql`
      await writeFile(join(tenantFolder, name), sql ?? `alter table note add column c${count} int`)
      return name
    },
    addShared: async (sql) => {
      const name = '0001_shared.sql'
      await mkdir(join(migrations, 'shared'), { recursive: true })
      await writeFile(join(migrations, 'shared', name), sql)
      return name
    },
    byHand: async (sql) => {
      await central.query(sql)
    },
    lock: async (slug) => {
      let release = (): void => {}
      const released = new Promise<void>((resolve) => {
        release = resolve
      })
      let ended = Promise.resolve()
      await new Promise<void>((resolve, reject) => {
        ended = central.transaction(async (tx) => {
          await tx.query(`lock table tenant_${slug}.note in access share mode`)
          resolve()
          await released
        })
        ended.catch(reject)
      })
      const unlock = () => {
        release()
        return ended
      }
      onTestFinished(unlock)
      return unlock
    },
    close: async () => {
      for (const tenantry of opened) await tenantry.close()
      await central.close()
      await database.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
