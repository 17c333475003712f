-- The script of the newest reference, and schemas made ahead of their tenants.

-- What makes a schema like the reference of that chain: without the schema's own name, and without the tenant's id, which
-- the guards name. Kept for the newest chain alone.
create table tenantry.snapshot (
  chain       text primary key,
  fingerprint text not null,
  -- Whether a schema made from it was seen to have the reference's fingerprint; where it had not, files are replayed.
  is_faithful boolean not null,
  script      text not null,
  guards      text not null,
  made_at     timestamptz not null default now()
);

-- Schemas made ahead. The guards of each name the id that its tenant will have, so handing one out is a rename.
create table tenantry.warm_schema (
  tenant_id   uuid primary key,
  schema_name text not null unique check (schema_name ~ '^tenantry_warm_[0-9a-f]{8}$'),
  chain       text not null,
  -- Taken: a tenant with this id is registered, and its provisioning will rename the schema.
  state       text not null default 'ready' check (state in ('ready', 'taken')),
  made_at     timestamptz not null default now()
);
create index warm_schema_ready on tenantry.warm_schema (chain, tenant_id) where state = 'ready';

-- One process at a time makes and drops them. Its row stays locked while it does, so a lease that runs out meanwhile is
-- nobody else's before that has ended.
create table tenantry.warm_lease (
  only_row   boolean primary key default true check (only_row),
  holder     uuid,
  renewed_at timestamptz not null default now()
);
insert into tenantry.warm_lease default values;

-- Changes that keep two versions of an application running, how far each is, and how far their rows are filled.
create table tenantry.change (
  name       text primary key check (name ~ '^[a-z][a-z0-9_]{0,39}$'),
  definition jsonb not null,
  phase      text not null default 'expanded' check (phase in ('expanded', 'backfilled', 'validated', 'switched', 'contracted')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- One table of one schema each; tenant_id is null for a table that tenants share. Blocks, because they need no key: a row
-- that was written since the change began was filled by its trigger, so none that is still to do ever moves.
create table tenantry.change_target (
  change     text not null references tenantry.change (name) on delete cascade,
  tenant_id  uuid references tenantry.tenant (id) on delete cascade,
  relation   text not null,
  -- A rewritten table has another, and its rows other places: it is begun again.
  file       bigint,
  next_block bigint not null default 0,
  blocks     bigint not null default 0,
  filled     bigint not null default 0,
  state      text not null default 'open' check (state in ('open', 'done', 'failed')),
  error_code text,
  sql_state  text,
  updated_at timestamptz not null default now(),
  unique nulls not distinct (change, tenant_id, relation)
);
create index change_target_open on tenantry.change_target (change, tenant_id, relation) where state = 'open';

-- As before, but that the guard's expression stands there once: without WITH CHECK, what may be seen is what may be written.
-- With both, a policy is too long for its row, and to read it costs the proof of a schema more than all the rest.
create or replace function tenantry.guard_schema(tenant uuid, schema_name text, app text, central text) returns integer
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  relation record;
  tables integer := 0;
begin
  execute format('grant usage on schema %I to %I, %I', schema_name, app, central);
  for relation in
    select c.oid, c.relname, c.relkind, c.relrowsecurity and c.relforcerowsecurity as forced
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = schema_name and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
  loop
    if relation.relkind = 'S' then
      -- A sequence carries no policy. That of an identity column works without a grant, so nobody gets one.
      continue when exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = relation.oid
        and d.deptype = 'i');
      execute format('grant usage, select on sequence %I.%I to %I', schema_name, relation.relname, app);
      continue;
    elsif relation.relkind in ('m', 'f') then
      raise exception 'table % cannot carry a guard', relation.relname using errcode = 'TN011',
        hint = 'Materialized views and foreign tables ignore row-level security; leave them out of tenant schemas.';
    end if;
    execute format('grant select, insert, update, delete on %I.%I to %I, %I', schema_name, relation.relname, app, central);
    if relation.relkind = 'v' then
      execute format('alter view %I.%I set (security_invoker = true)', schema_name, relation.relname);
      continue;
    end if;
    tables := tables + 1;
    if not relation.forced then
      execute format('alter table %I.%I enable row level security, force row level security', schema_name, relation.relname);
    end if;
    if not exists (select from pg_policy p where p.polrelid = relation.oid and p.polname = 'tenantry_guard') then
      execute format('create policy tenantry_guard on %I.%I to %I using ((select tenantry.current_tenant_id()) = %L::uuid)',
        schema_name, relation.relname, app, tenant);
      execute format('create policy tenantry_central on %I.%I to %I using (true) with check (true)',
        schema_name, relation.relname, central);
    end if;
  end loop;
  -- Its owner sees the rows of all tenants, and a function of one schema can be called from every other. A trigger
  -- function cannot be called at all.
  for relation in
    select p.oid::regprocedure as signature from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname = schema_name and p.prosecdef and p.prorettype <> 'trigger'::regtype
       and has_function_privilege(app, p.oid, 'execute')
  loop
    raise exception 'function % runs with its owner''s rights', relation.signature using errcode = 'TN011',
      hint = 'Make it SECURITY INVOKER, or revoke EXECUTE on it from PUBLIC.';
  end loop;
  return tables;
end $$;
