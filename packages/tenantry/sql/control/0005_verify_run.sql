-- What `tenantry verify` keeps: its runs, the key that signs their reports, and whose turn the scheduled run is. None of
-- it is granted to anybody.

create table tenantry.verify_run (
  seq         bigint generated always as identity primary key,
  id          uuid not null unique,
  started_at  timestamptz not null,
  finished_at timestamptz not null,
  ok          boolean not null,
  -- Null where both halves ran.
  half        text check (half in ('catalogue', 'probes')),
  read_only   boolean not null,
  -- Null where the catalogue was not looked at.
  fingerprint text,
  parts       jsonb check (jsonb_typeof(parts) = 'object'),
  -- Names and subjects of what failed.
  failed      jsonb not null check (jsonb_typeof(failed) = 'array'),
  -- The whole report, kept for the newest run alone. json, which keeps the order of its fields.
  report      json,
  signature   text not null
);

-- The seed of an Ed25519 key, made at the first run and by the server, so that it is never a parameter.
create table tenantry.verify_key (
  only_row   boolean primary key default true check (only_row),
  seed       bytea not null check (octet_length(seed) = 32),
  created_at timestamptz not null default now()
);

-- A lease, because a row lock would hold a transaction open for the whole run, and tenants can take advisory locks.
create table tenantry.verify_schedule (
  only_row    boolean primary key default true check (only_row),
  holder      uuid,
  lease_until timestamptz,
  started_at  timestamptz,
  -- How the last scheduled run ended; null before the first one.
  failing     boolean
);
insert into tenantry.verify_schedule default values;
