-- The script of the newest reference, and schemas made ahead of their tenants.

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
