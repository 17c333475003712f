-- What a tenant is like in numbers, kept for reading. A table and not a materialized view, which row-level security
-- does not hold for: a tenant reads its own row of it.

create table tenantry.tenant_stats (
  tenant_id        uuid primary key references tenantry.tenant (id) on delete cascade,
  members          integer not null,
  active_members   integer not null,
  organizations    integer not null,
  keys             integer not null,
  -- Counted in shared tables; PostgreSQL's estimate in tables of the tenant's own.
  row_count        bigint not null,
  -- With indexes and what is stored apart; of a shared table the tenant's share, by its rows.
  size_bytes       bigint not null,
  last_activity_at timestamptz not null,
  refreshed_at     timestamptz not null
);

-- Rows and bytes of each tenant in the shared tables. A partition, or another child, is counted with its parent.
create function tenantry.shared_table_shares() returns table (tenant_id uuid, row_count bigint, size_bytes bigint)
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  shared record;
  bytes numeric;
begin
  for shared in
    select c.oid, c.oid::regclass as name from pg_class c
     where exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'tenantry_tenant')
       and not exists (select from pg_inherits i join pg_policy p on p.polrelid = i.inhparent
                        where i.inhrelid = c.oid and p.polname = 'tenantry_tenant')
  loop
    with recursive part as (
      select shared.oid as oid union select i.inhrelid from pg_inherits i join part on i.inhparent = part.oid
    )
    select sum(pg_total_relation_size(part.oid)) into bytes from part;
    return query execute format(
      'select s.tenant_id, s.n, (%s * s.n / sum(s.n) over ())::bigint
         from (select t.tenant_id, count(*) as n from %s t group by t.tenant_id) s', bytes, shared.name);
  end loop;
end $$;

-- Counts everything anew, in one statement: readers see the old numbers until all are new. Returns how many tenants.
create function tenantry.refresh_statistics() returns integer
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare refreshed integer;
begin
  -- One at a time; who reads is not kept waiting.
  lock table tenantry.tenant_stats in share row exclusive mode;
  delete from tenantry.tenant_stats s using tenantry.tenant t where t.id = s.tenant_id and t.status = 'purged';
  with shared as (
    select s.tenant_id, sum(s.row_count) as n, sum(s.size_bytes) as bytes
      from tenantry.shared_table_shares() s group by s.tenant_id
  ), own as (
    select n.nspname, sum(greatest(c.reltuples, 0)) as n, sum(pg_total_relation_size(c.oid)) as bytes
      from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' group by n.nspname
  ), member as (
    select m.tenant_id, count(*) as n, count(*) filter (where m.state = 'active') as active
      from tenantry.member m where m.state <> 'revoked' group by m.tenant_id
  ), organization as (
    select o.tenant_id, count(*) as n from tenantry.organization_tenant o group by o.tenant_id
  ), key as (
    select k.tenant_id, count(*) filter (where k.revoked_at is null) as n, max(k.last_used_at) as used
      from tenantry.api_key k group by k.tenant_id
  ), event as (
    select e.tenant_id, max(e.created_at) as newest from tenantry.event e group by e.tenant_id
  )
  insert into tenantry.tenant_stats as s
    select t.id, coalesce(member.n, 0), coalesce(member.active, 0), coalesce(organization.n, 0), coalesce(key.n, 0),
           coalesce(shared.n, 0) + coalesce(own.n, 0)::bigint, coalesce(shared.bytes, 0) + coalesce(own.bytes, 0),
           greatest(t.updated_at, key.used, event.newest), now()
      from tenantry.tenant t
      left join shared on shared.tenant_id = t.id
      left join own on t.isolation = 'schema' and own.nspname = coalesce(t.archived_schema, t.schema_name)
      left join member on member.tenant_id = t.id
      left join organization on organization.tenant_id = t.id
      left join key on key.tenant_id = t.id
      left join event on event.tenant_id = t.id
     where t.status <> 'purged'
  on conflict (tenant_id) do update set
    members = excluded.members, active_members = excluded.active_members, organizations = excluded.organizations,
    keys = excluded.keys, row_count = excluded.row_count, size_bytes = excluded.size_bytes,
    last_activity_at = excluded.last_activity_at, refreshed_at = excluded.refreshed_at;
  get diagnostics refreshed = row_count;
  return refreshed;
end $$;

-- The size of the tenant in scope, in bytes: its schema as it is now, and its share of the shared tables as last counted.
create function tenantry.get_tenant_database_size() returns bigint
  language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
declare
  tenant uuid := tenantry.current_tenant_id();
  own bigint;
begin
  select sum(pg_total_relation_size(c.oid)) into own
    from tenantry.tenant t join pg_namespace n on n.nspname = t.schema_name
    join pg_class c on c.relnamespace = n.oid and c.relkind = 'r'
   where t.id = tenant and t.isolation = 'schema';
  return coalesce(own, (select s.size_bytes from tenantry.tenant_stats s where s.tenant_id = tenant), 0);
end $$;

revoke all on all functions in schema tenantry from public;
