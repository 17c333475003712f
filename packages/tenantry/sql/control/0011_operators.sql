-- Operators, their way into tenants, and what a tenant is closed for.

create table tenantry.operator (
  -- The application's own id of the user.
  user_id    text primary key check (length(user_id) between 1 and 255),
  role       text not null check (role in ('super-admin', 'support')),
  created_at timestamptz not null default now()
);

-- Central power, taken up for a while. Only the hash of its token is here. Rows outlive their operator: they are its trace.
create table tenantry.elevation (
  id         uuid primary key,
  user_id    text not null,
  reason     text not null check (length(reason) between 1 and 500),
  token_hash bytea not null unique check (octet_length(token_hash) = 32),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at   timestamptz,
  check (expires_at <= created_at + interval '60 minutes')
);
create index elevation_open on tenantry.elevation (user_id) where ended_at is null;

-- An operator's access to one tenant, for a while and a reason.
create table tenantry.support_access (
  id         uuid primary key,
  tenant_id  uuid not null references tenantry.tenant (id),
  user_id    text not null,
  reason     text not null check (length(reason) between 1 and 500),
  may_write  boolean not null,
  opened_by  text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at   timestamptz,
  check (expires_at <= created_at + interval '24 hours')
);
create index support_access_tenant on tenantry.support_access (tenant_id, id);
create index support_access_open on tenantry.support_access (user_id, tenant_id) where ended_at is null;
create trigger support_access_announce after insert or update or delete on tenantry.support_access
  for each row execute function tenantry.announce_tenant_of();

revoke all on all functions in schema tenantry from public;
