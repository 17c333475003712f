-- The control plane's own tables. Nothing in this schema is granted to the application's role except the functions
-- of 0002; the admin login owns it all.

create table tenantry.instance (
  only_row       boolean primary key default true check (only_row),
  id             text not null check (id ~ '^[0-9a-f]{8}$'),
  login_password text not null,
  notify_secret  text not null check (notify_secret ~ '^[0-9a-f]{16}$'),
  created_at     timestamptz not null default now()
);

-- A key verifies for as long as its row is here; the newest one signs. HMAC keys, kept as their padded blocks: sha256(opad || sha256(ipad || message)) is HMAC-SHA256 without an extension.
create table tenantry.signing_key (
  id         text primary key check (id ~ '^[0-9a-f]{4}$'),
  -- How the id stands in a token, the dot before it included.
  mark       bytea not null generated always as (decode('.' || id, 'escape')) stored,
  ipad       bytea not null check (octet_length(ipad) = 64),
  opad       bytea not null check (octet_length(opad) = 64),
  created_at timestamptz not null default now()
);

create table tenantry.tenant (
  id                uuid primary key,
  slug              text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{0,98}[a-z0-9]$'),
  name              text not null check (length(name) between 1 and 255),
  status            text not null check (status in ('active', 'suspended', 'inactive', 'deleted', 'purged')),
  isolation         text not null check (isolation in ('row', 'schema')),
  schema_name       text not null unique check (schema_name ~ '^[a-z][a-z0-9_]{0,62}$'),
  plan              text,
  owner_user_id     text,
  settings          jsonb not null default '{}' check (jsonb_typeof(settings) = 'object'),
  metadata          jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  -- How many tenant migrations its schema carries; part of the names of its prepared statements.
  migration_version integer not null default 0,
  provisioned_at    timestamptz,
  suspended_at      timestamptz,
  suspend_reason    text,
  deleted_at        timestamptz,
  -- Set while a restore is the last thing that happened to the status, so that repeating it is told from a wrong start.
  restored_at       timestamptz,
  -- The status to go back to on restore, and the name the schema was archived under.
  status_before     text,
  archived_schema   text unique,
  purge_after       timestamptz,
  purged_at         timestamptz,
  created_at        timestamptz not null default now(),
  updated_at        timestamptz not null default now(),
  version           integer not null default 1
);

-- A tombstone frees slug and schema name: purge rewrites them to names nobody can ask for (see lifecycle). Ids sort by
-- time, so lists page over the primary key.
create index tenant_purge_due on tenantry.tenant (purge_after) where status = 'deleted';

-- The journal of multi-step operations. Each step runs under the tenant's row lock and advances `step` in the same
-- transaction, so whoever comes next, in this process or another, goes on exactly there.
create table tenantry.operation (
  id         uuid primary key,
  tenant_id  uuid not null references tenantry.tenant (id) on delete cascade,
  verb       text not null,
  step       integer not null default 0,
  state      text not null default 'running' check (state in ('running', 'done', 'failed', 'undone')),
  detail     jsonb not null default '{}',
  error_code text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index operation_one_running on tenantry.operation (tenant_id) where state = 'running';

-- Transactional outbox: an event is written by the transaction that makes it true.
create table tenantry.event (
  seq        bigint generated always as identity primary key,
  id         uuid not null unique,
  type       text not null,
  tenant_id  uuid,
  payload    jsonb not null default '{}',
  created_at timestamptz not null default now()
);
create index event_tenant on tenantry.event (tenant_id, seq);

create table tenantry.audit_entry (
  seq        bigint generated always as identity primary key,
  id         uuid not null unique,
  at         timestamptz not null default now(),
  actor      text not null,
  action     text not null,
  tenant_id  uuid,
  reason     text,
  detail     jsonb not null default '{}'
);
create index audit_entry_tenant on tenantry.audit_entry (tenant_id, seq);

create function tenantry.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'tenantry.% is append-only', tg_table_name using errcode = 'TN010';
end $$;
create trigger audit_entry_append_only before update or delete or truncate on tenantry.audit_entry
  for each statement execute function tenantry.refuse_change();

-- What was applied where. tenant_id is null for the shared migrations.
create table tenantry.migration (
  tenant_id  uuid references tenantry.tenant (id) on delete cascade,
  name       text not null,
  checksum   text not null,
  applied_at timestamptz not null default now(),
  unique nulls not distinct (tenant_id, name)
);

-- Keys of the HTTP API. Only a hash is stored.
create table tenantry.api_key (
  id         uuid primary key,
  kind       text not null check (kind in ('admin')),
  prefix     text not null,
  hash       bytea not null unique check (octet_length(hash) = 32),
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);
create unique index api_key_one_admin on tenantry.api_key (kind) where kind = 'admin' and revoked_at is null;

-- Tells every process that a tenant changed. The payload is a hint with an opaque id: whoever hears it reads the
-- registry again. The channel carries a secret, because NOTIFY has no access control.
create function tenantry.announce_tenant() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare channel text;
begin
  select 'tenantry_' || i.id || '_' || i.notify_secret into channel from tenantry.instance i;
  perform pg_catalog.pg_notify(channel, coalesce(new.id, old.id)::text);
  return null;
end $$;
create trigger tenant_announce after insert or update or delete on tenantry.tenant
  for each row execute function tenantry.announce_tenant();
