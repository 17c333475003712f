-- Operators, their way into tenants, and what a tenant is closed for.

-- Beside the status: a tenant in another mode than `normal` is active still. The engine's prelude enforces it for scopes;
-- direct logins and gateways, which have none, meet it in the functions below.
alter table tenantry.tenant
  add column mode           text not null default 'normal' check (mode in ('normal', 'read_only', 'maintenance')),
  add column mode_reason    text,
  add column mode_since     timestamptz,
  -- Users whom the mode does not hold for.
  add column mode_operators text[] not null default '{}';

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

-- Whether what runs now can only read. The setting alone would not say: a statement that began as a write may turn it on
-- before anybody asks. But a write holds its lock from before its first row on.
create function tenantry.only_reads() returns boolean
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select current_setting('transaction_read_only')::boolean
     and not exists (select from pg_locks l where l.pid = pg_backend_pid() and l.locktype = 'relation'
           and l.mode not in ('AccessShareLock', 'RowShareLock'))
$$;

-- As in 0002, and by the tenant's mode: none under maintenance, and none for a write while the tenant is read-only.
create or replace function tenantry.direct_tenant_id() returns pg_catalog.uuid
  language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
declare
  tenant pg_catalog.uuid;
  tenant_mode text;
begin
  select c.tenant_id, t.mode into tenant, tenant_mode
    from tenantry.credential c join tenantry.tenant t on t.id operator(pg_catalog.=) c.tenant_id
   where c.username operator(pg_catalog.=) session_user
     and c.role_oid operator(pg_catalog.=)
         pg_catalog.to_regrole(pg_catalog.quote_ident(session_user::pg_catalog.text))::pg_catalog.oid
     and c.revoked_at is null
     and (c.expires_at is null or c.expires_at operator(pg_catalog.>) pg_catalog.statement_timestamp())
     and t.status operator(pg_catalog.=) 'active' and t.provisioned_at is not null
     and t.mode operator(pg_catalog.<>) 'maintenance';
  if tenant_mode operator(pg_catalog.=) 'read_only' and not tenantry.only_reads() then
    raise exception 'the tenant is read-only for now' using errcode = '25006',
      hint = 'Read in a read-only transaction, which is the default of new connections.';
  end if;
  return tenant;
end $$;

-- As in 0006, and by the tenant's mode in the same way.
create or replace function tenantry.external_tenant_id(gateway text) returns pg_catalog.uuid
  language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
declare
  claims text := nullif(current_setting(
    case gateway when 'postgrest' then 'request.jwt.claims' when 'hasura' then 'hasura.user' end, true), '');
  claimed text;
  tenant uuid;
  tenant_mode text;
begin
  if claims is not null then
    select claims::jsonb #>> a.claim into claimed
      from tenantry.external_access a where a.gateway = external_tenant_id.gateway;
  end if;
  if claimed is null then
    raise exception 'the request names no tenant' using errcode = 'TN001';
  elsif claimed !~ '^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$' then
    raise exception 'the request names its tenant by something that is no id' using errcode = 'TN002';
  end if;
  select t.id, t.mode into tenant, tenant_mode from tenantry.tenant t
   where t.id = claimed::uuid and t.status = 'active' and t.provisioned_at is not null and t.mode <> 'maintenance';
  if tenant is null then
    raise exception 'the tenant of the request may not be entered' using errcode = 'TN004';
  elsif tenant_mode = 'read_only' and not tenantry.only_reads() then
    raise exception 'the tenant is read-only for now' using errcode = '25006',
      hint = 'Read in a read-only transaction.';
  end if;
  return tenant;
end $$;

-- As in 0009, and by the support accesses that are open: for operators, under a role that mostly reads.
create or replace function tenantry.memberships_of(tenant uuid, member text)
  returns table (role text, rank integer, permissions text[], source text, read_only boolean, expires_at timestamptz)
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select r.name, r.rank, r.permissions, way.source, way.read_only, way.expires_at
    from (
      select m.role, 'member' as source, false as read_only, null::timestamptz as expires_at, 1 as preference
        from tenantry.member m where m.tenant_id = tenant and m.user_id = member and m.state = 'active'
      union all
      select tr.role, 'team', false, null, 2
        from tenantry.team_role tr join tenantry.team_member tm on tm.team_id = tr.team_id
       where tr.tenant_id = tenant and tm.user_id = member
      union all
      select case om.role when 'member' then ot.member_role else om.role end, 'organization', false, null, 3
        from tenantry.organization_tenant ot
        join tenantry.organization_member om on om.organization_id = ot.organization_id
       where ot.tenant_id = tenant and om.user_id = member
      union all
      select 'support', 'support', not a.may_write, a.expires_at, 4
        from tenantry.support_access a join tenantry.operator o on o.user_id = a.user_id
       where a.tenant_id = tenant and a.user_id = member and a.ended_at is null and a.expires_at > now()
    ) way
    join tenantry.role r on r.name = way.role and (r.tenant_id is null or r.tenant_id = tenant)
   where not exists (select from tenantry.member m
     where m.tenant_id = tenant and m.user_id = member and m.state = 'suspended')
   order by r.rank desc, way.preference, way.read_only, way.expires_at desc nulls first
$$;

create or replace function tenantry.tenants_of(member text) returns table (tenant_id uuid)
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select m.tenant_id from tenantry.member m where m.user_id = member and m.state = 'active'
  union
  select tr.tenant_id from tenantry.team_role tr join tenantry.team_member tm on tm.team_id = tr.team_id
   where tm.user_id = member
  union
  select ot.tenant_id from tenantry.organization_tenant ot
    join tenantry.organization_member om on om.organization_id = ot.organization_id
   where om.user_id = member
  union
  select a.tenant_id from tenantry.support_access a
   where a.user_id = member and a.ended_at is null and a.expires_at > now()
$$;

revoke all on all functions in schema tenantry from public;
