// An instance with something of everything that `verify` looks at: shared tables with a partition, a child, keys and a
// view, a global table, row tenants, schema tenants, and one whose schema is archived.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { Check } from '../../src/control/admin-requirements.ts'
import { type Instance, readInstance } from '../../src/control/instance.ts'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase, Sql } from '../../src/engine/sql/database.ts'
import { checkCatalogue } from '../../src/features/verify/catalogue/check-catalogue.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase } from '../harness/database.ts'

export interface VerifiedInstance {
  readonly tenantry: Tenantry
  readonly instance: Instance
  readonly admin: CentralDatabase
  readonly superuser: CentralDatabase
  /** All checks over the given connection. */
  readonly check: (sql: Sql) => Promise<readonly Check[]>
  readonly close: () => Promise<void>
}

const SHARED = `
  create table customer (id uuid primary key default gen_random_uuid(), name text not null);
  create table invoice (id bigint generated always as identity primary key, customer_id uuid references customer, total bigint);
  create table reading (at date not null, value bigint) partition by range (at);
  create table reading_2026 partition of reading for values from ('2026-01-01') to ('2027-01-01');
  create table document (title text);
  create table letter () inherits (document);
  create view invoice_total as select sum(total) as total from invoice;
  create table country (code text primary key, name text);
  insert into country values ('ch', 'Switzerland');`

const TENANT = `
  create table note (id serial primary key, body text);
  create table task (id uuid primary key, note_id int references note (id));
  create view note_count as select count(*) as notes from note;`

export const schemaTenants = ['north', 'south', 'west', 'gone'] as const

export async function openVerifiedInstance(): Promise<VerifiedInstance> {
  const database = await createTestDatabase()
  const migrations = await mkdtemp(path.join(os.tmpdir(), 'tenantry-verify-'))
  await mkdir(path.join(migrations, 'tenant'))
  await writeFile(path.join(migrations, 'tenant', '0001_notes.sql'), TENANT)
  const tenantry = createTenantry({ adminUrl: database.adminUrl, migrations })
  const admin = openCentralDatabase({ url: database.adminUrl })
  const superuser = openCentralDatabase({ url: database.superUrl })
  await tenantry.start()
  const instance = await readInstance(admin)
  const { roles } = instance
  await admin.query(`${SHARED} grant select on country, invoice_total to ${roles.app}`)
  for (const table of ['customer', 'invoice', 'reading', 'document']) await tenantry.protect(table)
  await tenantry.markGlobal('country', 'the same for everyone')
  for (const slug of ['acme', 'globex']) await tenantry.tenants.create({ name: slug, slug })
  for (const slug of schemaTenants) await tenantry.tenants.create({ name: slug, slug, isolation: 'schema' })
  await tenantry.tenants.delete('gone')
  return {
    ...{ tenantry, instance, admin, superuser },
    check: (sql) => checkCatalogue(sql, { roles, loginUser: roles.login, sharedSchemas: ['public'] }),
    close: async () => {
      await Promise.all([tenantry.close(), admin.close(), superuser.close()])
      await rm(migrations, { recursive: true, force: true })
      await database.drop()
    },
  }
}
