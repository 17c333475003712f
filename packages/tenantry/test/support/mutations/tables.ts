// What can be taken away from tables: policies, cover, agreement with the registry.
import type { Mutation } from './mutation.ts'

const RLS = 'row-level security is enabled and forced'
const TENANT = 'tenant policy has the generated form'
const GUARD = 'guard policy has the generated form'
const GUARD_TENANT = "guard policy names its schema's tenant"
const CENTRAL = 'central policy has the generated form'
const OTHER = 'no other policy lets the application in'
const COVERED = 'every reachable table is protected or global'
const test = '(tenant_id = (select tenantry.current_tenant_id()))'
const guard = "((select tenantry.current_tenant_id()) = '{north}'::uuid)"

const policies: readonly Mutation[] = [
  { check: RLS, what: 'disabled', sql: 'alter table customer disable row level security', subject: 'public.customer' },
  { check: RLS, what: 'not forced', sql: 'alter table invoice no force row level security', subject: 'public.invoice' },
  {
    ...{ check: RLS, what: 'disabled in a tenant schema', subject: 'tenant_north.note' },
    sql: 'alter table tenant_north.note disable row level security',
  },
  {
    ...{ check: RLS, what: 'disabled in an archived schema', subject: '{archived}.note' },
    sql: 'alter table {archived}.note disable row level security',
  },
  {
    check: RLS,
    what: 'disabled on a partition',
    sql: 'alter table reading_2026 disable row level security',
    subject: 'public.reading_2026',
  },
  {
    ...{ check: TENANT, what: 'an OR in USING', subject: 'public.customer' },
    sql: `alter policy tenantry_tenant on customer using (${test} or name = 'open')`,
  },
  {
    ...{ check: TENANT, what: 'a cast of the column', subject: 'public.customer' },
    sql: 'alter policy tenantry_tenant on customer using (tenant_id::text = (select tenantry.current_tenant_id())::text)',
  },
  {
    ...{ check: TENANT, what: 'the function outside of a sub-select', subject: 'public.customer' },
    sql: 'alter policy tenantry_tenant on customer using (tenant_id = tenantry.current_tenant_id())',
  },
  {
    ...{ check: TENANT, what: 'the unverified twin', subject: 'public.customer' },
    sql: 'alter policy tenantry_tenant on customer using (tenant_id = (select tenantry.claimed_tenant_id()))',
  },
  {
    check: TENANT,
    what: 'an open WITH CHECK',
    sql: 'alter policy tenantry_tenant on invoice with check (true)',
    subject: 'public.invoice',
  },
  {
    check: TENANT,
    what: 'for PUBLIC',
    sql: 'alter policy tenantry_tenant on invoice to public',
    subject: 'public.invoice',
  },
  {
    ...{ check: TENANT, what: 'an operator of the same name', subject: 'public.customer' },
    sql: `create function public.always(uuid, uuid) returns boolean language sql as 'select true';
      create operator public.= (leftarg = uuid, rightarg = uuid, function = public.always);
      set local search_path = public, pg_catalog;
      alter policy tenantry_tenant on public.customer using (tenant_id operator(public.=) (select tenantry.current_tenant_id()))`,
  },
  {
    ...{ check: TENANT, what: 'for SELECT alone', subject: 'public.customer' },
    sql: `drop policy tenantry_tenant on customer; create policy tenantry_tenant on customer for select to {app} using ${test}`,
  },
  {
    check: GUARD,
    what: 'dropped',
    sql: 'drop policy tenantry_guard on tenant_north.note',
    subject: 'tenant_north.note',
  },
  {
    ...{ check: GUARD, what: 'edited by hand', subject: 'tenant_north.note' },
    sql: `alter policy tenantry_guard on tenant_north.note using (${guard} or true)`,
  },
  {
    check: GUARD,
    what: 'an open WITH CHECK',
    sql: 'alter policy tenantry_guard on tenant_north.task with check (true)',
    subject: 'tenant_north.task',
  },
  {
    ...{ check: GUARD_TENANT, what: 'the id of another tenant', subject: 'tenant_south.note' },
    sql: `alter policy tenantry_guard on tenant_south.note using ${guard} with check ${guard}`,
  },
  { check: CENTRAL, what: 'dropped', sql: 'drop policy tenantry_central on customer', subject: 'public.customer' },
  {
    check: CENTRAL,
    what: 'for app',
    sql: 'alter policy tenantry_central on invoice to {app}',
    subject: 'public.invoice',
  },
  {
    ...{ check: CENTRAL, what: 'for app in a tenant schema', subject: 'tenant_west.note' },
    sql: 'alter policy tenantry_central on tenant_west.note to {central}, {app}',
  },
  {
    ...{ check: OTHER, what: 'a permissive policy for PUBLIC', subject: 'everyone on public.customer' },
    sql: 'create policy everyone on customer for select using (true)',
  },
  {
    ...{
      check: OTHER,
      what: 'a permissive policy for app in a tenant schema',
      subject: '"of app" on tenant_north.note',
    },
    sql: 'create policy "of app" on tenant_north.note to {app} using (true)',
  },
]

const coverage: readonly Mutation[] = [
  {
    check: COVERED,
    what: 'policy dropped',
    sql: 'drop policy tenantry_tenant on customer',
    subject: 'public.customer',
  },
  {
    ...{ check: COVERED, what: 'a partition reached directly', subject: 'public.reading_2027' },
    sql: `create table reading_2027 partition of reading for values from ('2027-01-01') to ('2028-01-01');
      grant select on reading_2027 to {app}`,
  },
  {
    ...{ check: COVERED, what: 'a child reached directly', subject: 'public."a child"' },
    sql: 'create table "a child" () inherits (document); grant select on "a child" to {app}',
  },
  {
    ...{ check: COVERED, what: 'an unprotected table', subject: 'public.loose', remains: true },
    sql: 'create table loose (x int); grant select on loose to {app}',
  },
  {
    ...{ check: COVERED, what: 'one column of an unprotected table', subject: 'public.loose', remains: true },
    sql: 'create table loose (x int, y int); grant select (x) on loose to {app}',
  },
  {
    ...{ check: COVERED, what: 'no longer listed as global', subject: 'public.country', remains: true },
    sql: 'delete from tenantry.global_table',
  },
  {
    ...{ check: COVERED, what: 'a foreign table', subject: 'public.far' },
    sql: `create foreign data wrapper nowhere; create server nowhere foreign data wrapper nowhere;
      create foreign table far (x int) server nowhere; grant select on far to {app}`,
  },
  {
    ...{ check: 'no materialized view is open to the application', what: 'granted', subject: 'public.all_customers' },
    sql: 'create materialized view all_customers as select * from customer; grant select on all_customers to {app}',
  },
  {
    ...{ check: "views run with the caller's rights", what: 'a shared view', subject: 'public.invoice_total' },
    sql: 'alter view invoice_total reset (security_invoker)',
  },
  {
    ...{ check: "views run with the caller's rights", what: "a tenant's view", subject: 'tenant_north.note_count' },
    sql: 'alter view tenant_north.note_count set (security_invoker = off)',
  },
  {
    ...{
      check: 'relations of extensions are closed to the application',
      what: 'a table',
      subject: 'public.of_extension',
    },
    ...{ severity: 'warning' },
    sql: `create table of_extension (x int); grant select on of_extension to {app};
      alter extension plpgsql add table of_extension`,
  },
  {
    ...{ check: 'global tables exist', what: 'dropped', subject: 'public.country', severity: 'warning' },
    sql: 'drop table country',
  },
  {
    ...{ check: 'global tables are read-only to the application', what: 'writable', subject: 'public.country' },
    ...{ severity: 'warning' },
    sql: 'grant insert on country to {app}',
  },
  {
    ...{
      check: 'no table of a tenant schema hides a global one',
      what: 'a namesake',
      severity: 'warning',
      remains: true,
    },
    subject: 'public.country, in 1 tenant schemas',
    sql: `create table tenant_north.country (code text);
      select tenantry.guard_schema('{north}', 'tenant_north', '{app}', '{central}')`,
  },
]

const drift: readonly Mutation[] = [
  {
    ...{ check: 'every schema tenant has its schema', what: 'dropped', subject: 'tenant_north', remains: true },
    sql: 'drop schema tenant_north cascade',
  },
  {
    ...{
      check: 'every schema tenant has its schema',
      what: 'an archived one renamed',
      subject: '{archived}',
      remains: true,
    },
    sql: 'alter schema {archived} rename to elsewhere',
    also: ['every guarded schema belongs to a tenant'],
  },
  {
    ...{ check: 'every guarded schema belongs to a tenant', what: 'no tenant', subject: 'tenant_west', remains: true },
    sql: "delete from tenantry.tenant where slug = 'west'",
  },
  {
    ...{
      check: 'tenant schemas have the tables of their migrations',
      what: 'one dropped',
      subject: 'tenant_west.task',
    },
    ...{ remains: true },
    sql: 'drop table tenant_west.task',
  },
  {
    ...{ check: 'migration version agrees with the ledger', what: 'ahead of it', subject: 'north' },
    sql: "update tenantry.tenant set migration_version = 7 where slug = 'north'",
  },
]

export const tablesMutations: readonly Mutation[] = [...policies, ...coverage, ...drift]
