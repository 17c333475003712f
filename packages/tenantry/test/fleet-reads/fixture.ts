// An instance with two row tenants and two schema tenants, each with invoices of its own under the same table name.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import type { FleetRow, FleetRows } from '../../src/features/fleet/fleet.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase } from '../harness/database.ts'

export interface FleetFixture {
  readonly adminUrl: string
  readonly tenantry: Tenantry
  readonly admin: CentralDatabase
  readonly superuser: CentralDatabase
  readonly close: () => Promise<void>
}

const INVOICE =
  'create table invoice (id bigint primary key, product text, total numeric, pieces bigint, at timestamptz)'

const TENANTS = [
  ['acme', 'row'],
  ['globex', 'row'],
  ['north', 'schema'],
  ['south', 'schema'],
] as const

/** Each has two invoices: of a pencil, and of a product by its own slug. */
export async function openFleet(): Promise<FleetFixture> {
  const database = await createTestDatabase()
  const migrations = await mkdtemp(path.join(os.tmpdir(), 'tenantry-fleet-'))
  await mkdir(path.join(migrations, 'tenant'))
  await writeFile(path.join(migrations, 'tenant', '0001_invoices.sql'), `${INVOICE};`)
  const tenantry = createTenantry({ adminUrl: database.adminUrl, migrations })
  const admin = openCentralDatabase({ url: database.adminUrl })
  const superuser = openCentralDatabase({ url: database.superUrl })
  await tenantry.start()
  await admin.query(INVOICE)
  await tenantry.protect('invoice')
  for (const [index, [slug, isolation]] of TENANTS.entries()) {
    await tenantry.tenants.create({ name: slug, slug, isolation, plan: index < 2 ? 'pro' : 'free' })
    await tenantry.scope(slug).query(
      `insert into invoice (id, product, total, pieces, at)
       values ($1, 'pencil', 0.10, 9007199254740993, '2026-01-01'), ($1 + 1, $2, 1.005, null, '2026-01-02')`,
      [index * 10, slug],
    )
  }
  const close = async () => {
    await Promise.all([tenantry.close(), admin.close(), superuser.close()])
    await rm(migrations, { recursive: true, force: true })
    await database.drop()
  }
  return { adminUrl: database.adminUrl, tenantry, admin, superuser, close }
}

/** All rows. */
export async function all(rows: FleetRows): Promise<FleetRow[]> {
  const read: FleetRow[] = []
  for await (const row of rows) read.push(row)
  return read
}
