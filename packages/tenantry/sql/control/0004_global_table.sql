-- Relations that all tenants share on purpose: `verify` reports every other one that the application reaches and no
-- policy covers. By name, so that a restored or re-created table keeps its place; a dropped one is reported.
create table tenantry.global_table (
  schema_name text not null,
  table_name  text not null,
  reason      text not null check (length(trim(reason)) > 0),
  added_at    timestamptz not null default now(),
  primary key (schema_name, table_name)
);
