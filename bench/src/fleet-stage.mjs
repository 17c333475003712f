// A fleet of schema tenants made in bulk, as `tenantry migrate up` leaves them, and as many plain schemas for the baseline.
import { chainOf } from '../../packages/tenantry/dist/features/migrations/reference.js'
import { readMigrationFiles } from '../../packages/tenantry/dist/features/migrations/migration-files.js'

export const FIRST = `create table customer (id bigint generated always as identity primary key, email text not null unique, name text not null default '');
create table invoice (id bigint generated always as identity primary key, customer_id bigint not null references customer, total numeric(12,2) not null check (total >= 0));
create table line (id bigint generated always as identity primary key, invoice_id bigint not null references invoice, what text, qty int not null default 1);
create table note (id bigint generated always as identity primary key, body text);`

const AT_ONCE = 50

/** Adds so many provisioned schema tenants that carry the first migration, proven, at the reference of this moment. */
export async function addSchemaTenants(stage, { folder, count, progress }) {
  const files = (await readMigrationFiles(folder)).tenant
  const { rows } = await stage.central('select id from tenantry.instance')
  const roles = { app: `tn_${rows[0].id}_app`, central: `tn_${rows[0].id}_central` }
  const [reference] = (await stage.central('select fingerprint from tenantry.migration_reference')).rows
  for (let from = 1; from <= count; from += AT_ONCE) {
    await stage.admin(tenantsFrom(from, Math.min(from + AT_ONCE - 1, count), { files, roles, ...reference }))
    if (from % 500 === 1) progress(`${from - 1} of ${count} tenants`)
  }
  await stage.admin('analyze')
}

const tenantsFrom = (from, to, { files: [file], roles, fingerprint }) => `
do $do$ declare n integer; made uuid; name text; begin
  for n in ${from}..${to} loop
    name := 'tenant_t_' || n;
    made := gen_random_uuid();
    insert into tenantry.tenant (id, slug, name, status, isolation, schema_name, provisioned_at, migration_version)
      values (made, 't-' || n, name, 'active', 'schema', name, now(), 1);
    execute format('create schema %I', name);
    execute format('set local search_path = %I', name);
    execute $file$${file.text}$file$;
    perform tenantry.guard_schema(made, name, '${roles.app}', '${roles.central}');
    insert into tenantry.migration (tenant_id, name, checksum) values (made, '${file.name}', '${file.checksum}');
    insert into tenantry.migration_state (tenant_id, state, newest, chain, fingerprint)
      values (made, 'proven', '${file.name}', '${chainOf([file])}', '${fingerprint}');
  end loop;
end $do$`

/** Schemas with the same tables and nothing of ours. */
export async function addPlainSchemas(stage, count) {
  await stage.admin('create table if not exists plain_ledger (schema_name text, version int)')
  for (let from = 1; from <= count; from += AT_ONCE) {
    await stage.admin(`do $do$ declare n integer; begin
      for n in ${from}..${Math.min(from + AT_ONCE - 1, count)} loop
        execute format('create schema %I', 'plain_' || n);
        execute format('set local search_path = %I', 'plain_' || n);
        execute $file$${FIRST}$file$;
      end loop; end $do$`)
  }
}
