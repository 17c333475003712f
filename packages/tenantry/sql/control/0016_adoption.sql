-- Plans of adoption, how far each stage is, and what was seen while observing.
create table tenantry.adoption (
  id            uuid primary key,
  plan          jsonb not null,
  -- Of the tables when it began, without what adoption adds.
  structure     text not null,
  state         text not null default 'open' check (state in ('open', 'complete', 'reverted')),
  -- The session that applies or reverts it: whoever finds that session gone may go on in its place.
  runner_pid    integer,
  runner_start  timestamptz,
  observe_until timestamptz,
  created_at    timestamptz not null default now()
);
create unique index adoption_one_open on tenantry.adoption ((true)) where state = 'open';

create table tenantry.adoption_stage (
  adoption_id uuid not null references tenantry.adoption (id),
  stage       text not null,
  state       text not null check (state in ('running', 'done', 'reverted')),
  started_at  timestamptz not null default now(),
  finished_at timestamptz,
  primary key (adoption_id, stage)
);

-- One row a step, written by the step's own transaction; an index that is built outside of one is `begun` first. `undo`
-- takes the step back; steps are taken back in reverse order.
create table tenantry.adoption_step (
  adoption_id uuid not null references tenantry.adoption (id),
  seq         bigint generated always as identity,
  stage       text not null,
  subject     text not null,
  digest      text not null,
  state       text not null check (state in ('begun', 'done')),
  undo        text[] not null,
  primary key (adoption_id, seq),
  unique (adoption_id, digest)
);

create table tenantry.adoption_table (
  adoption_id     uuid not null references tenantry.adoption (id),
  table_name      text not null,
  -- SQL over a row r: the hash of the columns that were there before. Null for tables that only lead to others.
  row_hash        text,
  -- SQL over a row $1: its tenant; null for tables without the column.
  tenant_sql      text,
  orphan_tenant   uuid,
  -- Statements over a changed row $1 that let the rows below it follow.
  follow_sql      text[] not null default '{}',
  rows_before     bigint,
  checksum_before numeric,
  rows_now        bigint,
  same            boolean,
  -- How far the backfill is: { leaf: last key } and how many rows it has filled.
  cursor          jsonb not null default '{}',
  backfilled      bigint not null default 0,
  is_filled       boolean not null default false,
  primary key (adoption_id, table_name)
);

-- What the application itself wrote meanwhile, as a difference of row counts and checksums, so that before and now can be
-- compared exactly while it writes. A truncation starts from nothing.
create table tenantry.adoption_change (
  seq         bigint generated always as identity primary key,
  adoption_id uuid not null,
  table_name  text not null,
  rows        bigint not null,
  checksum    numeric not null,
  is_reset    boolean not null default false
);
create index adoption_change_table on tenantry.adoption_change (adoption_id, table_name, seq);

-- Which tenant a row of the root, or a value of the column that names tenants, has become. A tenant without a root key
-- takes rows that have no way to the root. Reserved by the trigger below, registered by the next apply.
create table tenantry.adopt_tenant (
  adoption_id   uuid not null references tenantry.adoption (id),
  tenant_id     uuid not null,
  root_key      text,
  slug          text,
  name          text,
  -- False where the tenant was there before; then it stays when the stage is taken back.
  is_made       boolean not null default true,
  registered_at timestamptz,
  -- From then on its rows in the tables of before cannot be written any more: they are being moved, or were.
  moved_at      timestamptz,
  primary key (adoption_id, tenant_id),
  unique (adoption_id, root_key)
);

-- Tenants whose rows are being split out, and how far each of their tables is. `restore` makes what had to go while rows
-- came in batches: foreign keys between the tenant's tables, and the state of its triggers.
create table tenantry.adoption_split (
  adoption_id uuid not null references tenantry.adoption (id),
  tenant_id   uuid not null,
  state       text not null check (state in ('copying', 'copied', 'proven')),
  restore     text[] not null,
  primary key (adoption_id, tenant_id)
);

create table tenantry.adoption_split_table (
  adoption_id uuid not null,
  tenant_id   uuid not null,
  table_name  text not null,
  -- The part of the table that is walked, and its last key or block that was copied.
  part        integer not null default 0,
  cursor      text[],
  copied      bigint not null default 0,
  primary key (adoption_id, tenant_id, table_name),
  foreign key (adoption_id, tenant_id) references tenantry.adoption_split (adoption_id, tenant_id)
);

create table tenantry.adopt_observation (
  seq         bigint generated always as identity primary key,
  adoption_id uuid not null,
  table_name  text not null,
  at          timestamptz not null default now()
);
create index adopt_observation_table on tenantry.adopt_observation (adoption_id, table_name);

-- Makes this session the one that applies the plan; false while another one is at it.
create function tenantry.claim_adoption(adoption uuid) returns boolean
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare holder record;
begin
  select a.runner_pid, a.runner_start into holder from tenantry.adoption a where a.id = adoption for update;
  if holder.runner_pid = pg_backend_pid() then
    return exists (select from pg_stat_activity s where s.pid = pg_backend_pid() and s.backend_start = holder.runner_start)
      or tenantry.take_adoption(adoption);
  end if;
  if exists (select from pg_stat_activity s where s.pid = holder.runner_pid
      and coalesce(s.backend_start = holder.runner_start, true)) then
    return false;
  end if;
  return tenantry.take_adoption(adoption);
end $$;

create function tenantry.take_adoption(adoption uuid) returns boolean
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update tenantry.adoption a set runner_pid = pg_backend_pid(),
      runner_start = (select s.backend_start from pg_stat_activity s where s.pid = pg_backend_pid())
   where a.id = adoption;
  return true;
end $$;

-- A version 7 UUID: milliseconds, then random bits.
create function tenantry.adopt_id() returns uuid
  language sql volatile set search_path = pg_catalog, pg_temp as $$
  select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1),
    'hex')::uuid
$$;

-- The trigger functions below run what is stored beside the plan, never what a trigger is given: whoever may make
-- triggers on a table gets no SQL run with the control plane's rights.

-- A new root row, or a new value of the column that names tenants, has its tenant reserved at once.
create function tenantry.adopt_root() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  adoption uuid := tg_argv[0]::uuid;
  key text := to_jsonb(new) ->> tg_argv[1];
  former text;
begin
  if tg_op = 'UPDATE' and tg_argv[2] = 'table' then
    former := to_jsonb(old) ->> tg_argv[1];
    if former is distinct from key then
      update tenantry.adopt_tenant t set root_key = key where t.adoption_id = adoption and t.root_key = former;
    end if;
  end if;
  if key is not null then
    insert into tenantry.adopt_tenant (adoption_id, tenant_id, root_key) values (adoption, tenantry.adopt_id(), key)
    on conflict (adoption_id, root_key) do nothing;
  end if;
  return new;
end $$;

-- Rows that the single-tenant application writes meanwhile get their tenant along the way to the root.
create function tenantry.adopt_row() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  plan record;
  tenant uuid;
begin
  select t.tenant_sql, t.orphan_tenant into plan from tenantry.adoption_table t
   where t.adoption_id = tg_argv[0]::uuid and t.table_name = tg_argv[1];
  if plan.tenant_sql is not null then
    execute plan.tenant_sql into tenant using new;
  end if;
  new.tenant_id := coalesce(tenant, plan.orphan_tenant, new.tenant_id);
  return new;
end $$;

-- A row that moves to another tenant takes the rows below it along.
create function tenantry.adopt_follow() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  statement text;
begin
  for statement in select unnest(t.follow_sql) from tenantry.adoption_table t
    where t.adoption_id = tg_argv[0]::uuid and t.table_name = tg_argv[1]
  loop
    execute statement using new;
  end loop;
  return null;
end $$;

-- Refuses to write rows of a tenant that is being moved into a schema of its own: what was written here would be lost. The
-- share lock makes the move wait for whoever wrote before it, and whoever began before it finds a row that changed.
create function tenantry.adopt_moved() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  tenants uuid[] := '{}';
  moved boolean;
begin
  if tg_argv[1] = 'closed' then
    moved := true;
  elsif tg_op = 'TRUNCATE' then
    select count(t.moved_at) > 0 into moved from tenantry.adopt_tenant t where t.adoption_id = tg_argv[0]::uuid;
  else
    if tg_op <> 'INSERT' then
      tenants := tenants || old.tenant_id;
    end if;
    if tg_op <> 'DELETE' then
      tenants := tenants || new.tenant_id;
    end if;
    select coalesce(bool_or(l.moved), false) into moved
      from (select t.moved_at is not null as moved from tenantry.adopt_tenant t
             where t.adoption_id = tg_argv[0]::uuid and t.tenant_id = any (tenants) order by t.tenant_id for share) l;
  end if;
  if moved then
    raise exception 'tenantry: rows of %.% have moved into the schema of their tenant', tg_table_schema, tg_table_name
      using errcode = 'object_not_in_prerequisite_state', hint = 'Write them there, as that tenant.';
  end if;
  return coalesce(new, old);
end $$;

-- Notes what the application inserts and deletes, a statement at a time. Text of values depends on the session's
-- settings, so these are pinned wherever rows are hashed.
create function tenantry.adopt_note_rows() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp set TimeZone = utc set DateStyle = iso set IntervalStyle = postgres
  set extra_float_digits = 1 set bytea_output = hex as $$
declare
  hash text;
begin
  select t.row_hash into hash from tenantry.adoption_table t
   where t.adoption_id = tg_argv[0]::uuid and t.table_name = tg_argv[1];
  if tg_op = 'TRUNCATE' then
    insert into tenantry.adoption_change (adoption_id, table_name, rows, checksum, is_reset)
    values (tg_argv[0]::uuid, tg_argv[1], 0, 0, true);
  elsif hash is not null then
    execute format('insert into tenantry.adoption_change (adoption_id, table_name, rows, checksum)
      select $1, $2, %1$s count(*), %1$s coalesce(sum(%2$s), 0) from changed r having count(*) > 0',
      case when tg_op = 'DELETE' then '-' else '' end, hash) using tg_argv[0]::uuid, tg_argv[1];
  end if;
  return null;
end $$;

-- Notes a row: updates, because the backfill must pay nothing for it, and all changes of partitioned tables, where an
-- update that moves a row is a deletion and an insertion.
create function tenantry.adopt_note_row() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp set TimeZone = utc set DateStyle = iso set IntervalStyle = postgres
  set extra_float_digits = 1 set bytea_output = hex as $$
declare
  hash text;
  added numeric := 0;
  removed numeric := 0;
begin
  select t.row_hash into hash from tenantry.adoption_table t
   where t.adoption_id = tg_argv[0]::uuid and t.table_name = tg_argv[1];
  if tg_op <> 'DELETE' then
    execute format('select %s from (select ($1).*) r', hash) into added using new;
  end if;
  if tg_op <> 'INSERT' then
    execute format('select %s from (select ($1).*) r', hash) into removed using old;
  end if;
  insert into tenantry.adoption_change (adoption_id, table_name, rows, checksum)
  values (tg_argv[0]::uuid, tg_argv[1], case tg_op when 'INSERT' then 1 when 'DELETE' then -1 else 0 end, added - removed);
  return null;
end $$;

-- Rows and checksum of a table, and what was noted since, in one snapshot. The sum knows no order of rows.
create function tenantry.adopt_measure(adoption uuid, named text, relation regclass)
  returns table (rows bigint, checksum numeric, noted_rows bigint, noted_checksum numeric, is_reset boolean)
  language plpgsql
  set search_path = pg_catalog, pg_temp set TimeZone = utc set DateStyle = iso set IntervalStyle = postgres
  set extra_float_digits = 1 set bytea_output = hex as $$
declare
  hash text;
begin
  select t.row_hash into strict hash from tenantry.adoption_table t where t.adoption_id = adoption and t.table_name = named;
  return query execute format('
    with noted as (
      select c.seq, c.rows, c.checksum, c.is_reset from tenantry.adoption_change c where c.adoption_id = $1 and c.table_name = $2
    ), since as (select max(n.seq) filter (where n.is_reset) as seq from noted n)
    select t.rows, t.checksum, d.rows, d.checksum, s.seq is not null
      from (select count(*) as rows, coalesce(sum(%s), 0) as checksum from %s r) t, since s,
        lateral (select coalesce(sum(n.rows), 0)::bigint as rows, coalesce(sum(n.checksum), 0) as checksum from noted n
                  where s.seq is null or n.seq > s.seq) d', hash, relation) using adoption, named;
end $$;

-- Lets everything through and notes that a row of another tenant was reached, once a transaction and table. The policy
-- asks only of rows that are not the own tenant's. What reads only leaves its trace in the server's log alone.
create function tenantry.observe_access(relation oid) returns boolean
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  mark text := 'tenantry.observed_' || relation;
  adoption uuid;
begin
  if current_setting(mark, true) = txid_current_if_assigned()::text then
    return true;
  end if;
  select a.id into adoption from tenantry.adoption a
   where a.state = 'open' and a.observe_until > statement_timestamp();
  if adoption is null then
    return true;
  elsif current_setting('transaction_read_only')::boolean then
    raise log 'tenantry: a row of another tenant was read in %', relation::regclass;
    return true;
  end if;
  insert into tenantry.adopt_observation (adoption_id, table_name)
  select adoption, n.nspname || '.' || c.relname
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = relation;
  perform set_config(mark, txid_current()::text, true);
  return true;
end $$;

revoke all on all functions in schema tenantry from public;
