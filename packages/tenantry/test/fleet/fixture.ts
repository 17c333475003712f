// What the tests of fleet migrations share: a fleet of schema tenants made in bulk, and the noun over it.
import { createHash } from 'node:crypto'
import pg from 'pg'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import { fingerprintsOf } from '../../src/engine/catalogue/fingerprints.ts'
import { createMigrations } from '../../src/features/migrations/create-migrations.ts'
import type { FleetMigrations } from '../../src/features/migrations/fleet.ts'
import type { MigrationFile } from '../../src/features/migrations/migration-file.ts'
import { ensureReference, referenceSchema } from '../../src/features/migrations/reference.ts'
import { createFleetMigrations, type FleetOptions } from '../../src/features/migrations/runner/create-fleet.ts'
import { openTenantsFixture, type TenantsFixture } from '../harness/tenants.ts'

/** A migration file as the folder's reader gives it. */
export function fileOf(name: string, text: string): MigrationFile {
  const checksum = createHash('sha256').update(text).digest('hex')
  return { name, text, checksum, format: 'tenantry', transaction: !text.startsWith('-- tenantry: no-transaction') }
}

export const first = fileOf(
  '0001_first.sql',
  `create table customer (id bigint generated always as identity primary key, name text not null);
   create table invoice (id bigint generated always as identity primary key, customer_id bigint references customer, total numeric)`,
)
export const second = fileOf('0002_second.sql', 'alter table invoice add column paid boolean not null default false')

export interface FleetFixture extends TenantsFixture {
  /** The noun over these tenant migrations. */
  fleet(files: readonly MigrationFile[], options?: Partial<FleetOptions>): FleetMigrations
  /** Adds so many schema tenants that carry `first`, as `up` leaves them; slugs `<prefix>-1` and on. */
  add(count: number, prefix?: string): Promise<void>
  rows(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** Holds a table of a tenant until it is let go. */
  hold(table: string): Promise<() => Promise<void>>
  /** Removes all tenants, runs and the reference. */
  clear(): Promise<void>
  /** Slugs of the tenants whose schemas are not as the reference is, seen anew. */
  unlikeReference(): Promise<readonly string[]>
}

const times = { heartbeatMs: 100, leaseMs: 500 }

/** Over a database of the run's cluster, or over that of another one. */
export async function openFleetFixture(over?: TenantsFixture): Promise<FleetFixture> {
  const fixture = over ?? (await openTenantsFixture())
  const { admin, instance } = fixture
  const open = (max: number) => openCentralDatabase({ url: fixture.url, max, applicationName: 'a fleet run' })
  const rows = async (text: string, values?: readonly unknown[]) => (await admin.query(text, values)).rows
  const roles = instance.roles
  return {
    ...fixture,
    rows,
    fleet: (tenant, options = {}) => {
      const files = { shared: [], tenant, ...options.files }
      const migrations = createMigrations({ files, roles })
      return createFleetMigrations({ database: admin, open, migrations, roles, times, ...options, files })
    },
    add: async (count, prefix = 't') => {
      const reference = await ensureReference(admin, [first], roles)
      // In several transactions: their locks add up.
      for (let from = 1; from <= count; from += 50) {
        await admin.query(addTenants(from, Math.min(from + 49, count), { prefix, fingerprint: reference, roles }))
      }
    },
    hold: async (table) => {
      const client = new pg.Client({ connectionString: fixture.url })
      await client.connect()
      await client.query(`begin; lock table ${table} in access share mode`)
      return () => client.end()
    },
    clear: async () => {
      const { rows: schemas } = await admin.query<{ drop: string }>(
        `select format('drop schema %I cascade', nspname) as drop from pg_namespace
          where nspname like 'tenant\\_%' or nspname like 'archived\\_%' or nspname = 'tenantry_reference'`,
      )
      for (let at = 0; at < schemas.length; at += 50) {
        await admin.query(
          schemas
            .slice(at, at + 50)
            .map(({ drop }) => drop)
            .join(';'),
        )
      }
      await admin.query(`delete from tenantry.tenant; delete from tenantry.migration; delete from tenantry.migration_run;
        delete from tenantry.migration_state; delete from tenantry.migration_step;
        delete from tenantry.migration_reference`)
    },
    unlikeReference: async () => {
      const { rows: tenants } = await admin.query<{ id: string; slug: string; schema: string }>(
        `select id, slug, schema_name as schema from tenantry.tenant where isolation = 'schema' and status <> 'deleted'`,
      )
      const seen = await fingerprintsOf(admin, [
        referenceSchema,
        ...tenants.map(({ id, schema }) => ({ name: schema, tenantId: id })),
      ])
      const expected = seen.get(referenceSchema.name)
      return tenants.filter(({ schema }) => seen.get(schema) !== expected).map(({ slug }) => slug)
    },
  }
}

interface Added {
  readonly prefix: string
  readonly fingerprint: { readonly chain: string; readonly fingerprint: string }
  readonly roles: { readonly app: string; readonly central: string }
}

const addTenants = (from: number, to: number, { prefix, fingerprint: { chain, fingerprint }, roles }: Added) => `
do $do$ declare n integer; made uuid; name text; begin
  for n in ${from}..${to} loop
    name := 'tenant_${prefix.replaceAll('-', '_')}_' || n;
    made := ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;
    if exists (select from tenantry.tenant where id = made) then made := gen_random_uuid(); end if;
    insert into tenantry.tenant (id, slug, name, status, isolation, schema_name, provisioned_at, migration_version)
      values (made, '${prefix}-' || n, name, 'active', 'schema', name, now(), 1);
    execute format('create schema %I', name);
    execute format('set local search_path = %I', name);
    execute $file$${first.text}$file$;
    perform tenantry.guard_schema(made, name, '${roles.app}', '${roles.central}');
    insert into tenantry.migration (tenant_id, name, checksum) values (made, '${first.name}', '${first.checksum}');
    insert into tenantry.migration_state (tenant_id, state, newest, chain, fingerprint)
      values (made, 'proven', '${first.name}', '${chain}', '${fingerprint}');
  end loop;
end $do$`
