-- Gateways that say in a setting of their own, unsigned, whose request it is: PostgREST and Hasura. Each has a role, to
-- which alone its policies apply; the application's login cannot become it, so the signed context stays what it is.

create table tenantry.external_access (
  gateway    text primary key check (gateway in ('postgrest', 'hasura')),
  role_name  text not null,
  -- Where in the gateway's claims the tenant's id stands: keys from the outside in.
  claim      text[] not null check (cardinality(claim) between 1 and 8),
  created_at timestamptz not null default now()
);

create table tenantry.external_table (
  gateway    text not null references tenantry.external_access (gateway),
  relation   regclass not null,
  created_at timestamptz not null default now(),
  primary key (gateway, relation)
);

-- The tenant that a gateway names for this request. Never null: no claim is TN001, one that is no id is TN002, and a
-- tenant that may not be entered, or does not exist, is TN004. No registry stands before a gateway, so the status is
-- looked at here, in the row of one tenant by its key. Claims that are not JSON raise 22P02.
create function tenantry.external_tenant_id(gateway text) returns pg_catalog.uuid
  language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
declare
  claims text := nullif(current_setting(
    case gateway when 'postgrest' then 'request.jwt.claims' when 'hasura' then 'hasura.user' end, true), '');
  claimed text;
  tenant uuid;
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
  select t.id into tenant from tenantry.tenant t
   where t.id = claimed::uuid and t.status = 'active' and t.provisioned_at is not null;
  if tenant is null then
    raise exception 'the tenant of the request may not be entered' using errcode = 'TN004';
  end if;
  return tenant;
end $$;

revoke all on function tenantry.external_tenant_id(text) from public;
