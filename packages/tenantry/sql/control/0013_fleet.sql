-- What each tenant schema carries, as proven, and the runs that brought it there.

-- The schema tenantry_reference: all tenant migrations and no tenant, made before any tenant is touched. A tenant is up to
-- date when the fingerprint of its own schema equals this one's.
create table tenantry.migration_reference (
  only_row    boolean primary key default true check (only_row),
  -- [{"name": …, "checksum": …}], in order of name: its ledger.
  files       jsonb not null default '[]' check (jsonb_typeof(files) = 'array'),
  -- SHA-256 over names and checksums in order; null while the schema is being made.
  chain       text,
  fingerprint text,
  made_at     timestamptz not null default now()
);

-- One run over the fleet. At most one runs at a time: it holds the lease for as long as it renews the heartbeat.
-- Transactions of a run hold its row FOR KEY SHARE, which a renewal does not disturb and a takeover waits for: so one whose
-- lease was taken over can commit nothing more.
create table tenantry.migration_run (
  id            uuid primary key,
  state         text not null default 'running' check (state in ('running', 'complete', 'stopped', 'failed', 'interrupted')),
  actor         text not null,
  target        text,
  shared        text[] not null default '{}',
  total         integer not null default 0,
  up_to_date    integer not null default 0,
  done          integer not null default 0,
  failed        integer not null default 0,
  wave          integer not null default 0,
  reason        text,
  started_at    timestamptz not null default now(),
  heartbeat_at  timestamptz not null default now(),
  -- When somebody told it to stop; its process sees it with its next heartbeat or transaction.
  stop_asked_at timestamptz,
  finished_at   timestamptz
);
create unique index migration_run_one_running on tenantry.migration_run ((true)) where state = 'running';

-- No foreign key from here on: its check would wait for whoever holds the tenant's row, and that row being held is one of
-- the things to write down. Purging a tenant takes these rows with it.

-- What a tenant's own schema was last seen to be. Written only by the transaction that made it so: `proven` says that its
-- fingerprint was that of the reference at this chain. `partial`: migrations that run outside of a transaction split its
-- way, and it is somewhere on it.
create table tenantry.migration_state (
  tenant_id   uuid primary key,
  state       text not null check (state in ('proven', 'partial', 'failed')),
  -- The newest migration of its ledger, and the chain of all of them; of a failed one as it was before.
  newest      text,
  chain       text,
  fingerprint text,
  -- How many attempts in a row have failed.
  attempts    integer not null default 0,
  duration_ms double precision not null default 0,
  run_id      uuid,
  updated_at  timestamptz not null default now()
);

-- Why a run left a tenant behind.
create table tenantry.migration_failure (
  run_id    uuid not null references tenantry.migration_run (id) on delete cascade,
  tenant_id uuid not null,
  code      text not null,
  sql_state text,
  migration text,
  message   text not null,
  attempts  integer not null,
  failed_at timestamptz not null default now(),
  primary key (run_id, tenant_id)
);

-- How many statements of a `no-transaction` migration are done; a row for as long as one is under way, or was when its
-- process went away. Without a tenant: of a shared migration.
create table tenantry.migration_step (
  tenant_id uuid,
  name      text not null,
  done      integer not null,
  -- SHA-256 over the statements that are done, which must not change before the rest is.
  digest    text not null,
  unique nulls not distinct (tenant_id, name)
);
