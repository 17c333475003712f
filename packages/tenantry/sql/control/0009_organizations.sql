-- Organizations own tenants; users belong to them and to their teams, and so to tenants without a row of their own there.

create table tenantry.organization (
  id         uuid primary key,
  slug       text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{0,98}[a-z0-9]$'),
  name       text not null check (length(name) between 1 and 255),
  metadata   jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- A tenant belongs to one organization at most.
create table tenantry.organization_tenant (
  tenant_id       uuid primary key references tenantry.tenant (id) on delete cascade,
  organization_id uuid not null references tenantry.organization (id),
  -- The role that plain members of the organization have in it; null for none.
  member_role     text,
  created_at      timestamptz not null default now(),
  unique (organization_id, tenant_id)
);

create table tenantry.organization_member (
  organization_id uuid not null references tenantry.organization (id),
  user_id         text not null check (length(user_id) between 1 and 255),
  email           text check (email = lower(email) and length(email) <= 320),
  role            text not null check (role in ('owner', 'admin', 'member')),
  created_at      timestamptz not null default now(),
  primary key (organization_id, user_id)
);
create index organization_member_user on tenantry.organization_member (user_id, organization_id);

create table tenantry.team (
  id              uuid primary key,
  organization_id uuid not null references tenantry.organization (id),
  slug            text not null check (slug ~ '^[a-z0-9][a-z0-9-]{0,98}[a-z0-9]$'),
  name            text not null check (length(name) between 1 and 255),
  created_at      timestamptz not null default now(),
  unique (organization_id, slug),
  unique (organization_id, id)
);

-- Who leaves the organization leaves its teams, and a tenant that leaves it takes no team along.
create table tenantry.team_member (
  organization_id uuid not null,
  team_id         uuid not null,
  user_id         text not null,
  created_at      timestamptz not null default now(),
  primary key (team_id, user_id),
  foreign key (organization_id, team_id) references tenantry.team (organization_id, id) on delete cascade,
  foreign key (organization_id, user_id) references tenantry.organization_member (organization_id, user_id) on delete cascade
);
create index team_member_user on tenantry.team_member (user_id, team_id);

create table tenantry.team_role (
  organization_id uuid not null,
  team_id         uuid not null,
  tenant_id       uuid not null,
  role            text not null,
  primary key (team_id, tenant_id),
  foreign key (organization_id, team_id) references tenantry.team (organization_id, id) on delete cascade,
  foreign key (organization_id, tenant_id) references tenantry.organization_tenant (organization_id, tenant_id) on delete cascade
);
create index team_role_tenant on tenantry.team_role (tenant_id, team_id);

-- One owner at least, once there is one, by the same rule as in tenants.
create function tenantry.keep_an_organization_owner() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform from tenantry.organization o where o.id = old.organization_id for no key update;
  if found and not exists (select from tenantry.organization_member m
      where m.organization_id = old.organization_id and m.role = 'owner') then
    raise exception 'an organization keeps one owner at least' using errcode = 'TN021';
  end if;
  return null;
end $$;
create constraint trigger organization_member_keeps_an_owner after update or delete on tenantry.organization_member
  deferrable initially deferred for each row when (old.role = 'owner')
  execute function tenantry.keep_an_organization_owner();

-- Every way in which a user belongs to a tenant, the strongest first. A suspended member stays out, whatever an
-- organization says; a role that does not exist any more lets nobody in. Read by the control plane alone.
create function tenantry.memberships_of(tenant uuid, member text)
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
    ) way
    join tenantry.role r on r.name = way.role and (r.tenant_id is null or r.tenant_id = tenant)
   where not exists (select from tenantry.member m
     where m.tenant_id = tenant and m.user_id = member and m.state = 'suspended')
   order by r.rank desc, way.preference
$$;

-- Tenants to which a user may have a way: which of them are open says memberships_of.
create function tenantry.tenants_of(member text) returns table (tenant_id uuid)
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select m.tenant_id from tenantry.member m where m.user_id = member and m.state = 'active'
  union
  select tr.tenant_id from tenantry.team_role tr join tenantry.team_member tm on tm.team_id = tr.team_id
   where tm.user_id = member
  union
  select ot.tenant_id from tenantry.organization_tenant ot
    join tenantry.organization_member om on om.organization_id = ot.organization_id
   where om.user_id = member
$$;

-- What of organizations a tenant sees by its own SQL: the one that owns it, and the teams with a role in it. Policies ask
-- these functions, which read with their owner's rights: tables whose policies read each other would never end.
create function tenantry.current_organization_id() returns pg_catalog.uuid
  language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
begin
  return (select ot.organization_id from tenantry.organization_tenant ot
           where ot.tenant_id operator(pg_catalog.=) tenantry.current_tenant_id());
end $$;

create function tenantry.current_team_ids() returns pg_catalog.uuid[]
  language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
begin
  return array(select tr.team_id from tenantry.team_role tr
                where tr.tenant_id operator(pg_catalog.=) tenantry.current_tenant_id());
end $$;

-- Tells every process of each tenant whose members this may have changed.
create function tenantry.announce_organization() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  channel text;
  tenant uuid;
begin
  select 'tenantry_' || i.id || '_' || i.notify_secret into channel from tenantry.instance i;
  for tenant in select ot.tenant_id from tenantry.organization_tenant ot
    where ot.organization_id = coalesce(new.organization_id, old.organization_id)
  loop
    perform pg_catalog.pg_notify(channel, tenant::text);
  end loop;
  return null;
end $$;
create trigger organization_member_announce after insert or update or delete on tenantry.organization_member
  for each row execute function tenantry.announce_organization();
create trigger team_member_announce after insert or update or delete on tenantry.team_member
  for each row execute function tenantry.announce_organization();
create trigger team_role_announce after insert or update or delete on tenantry.team_role
  for each row execute function tenantry.announce_tenant_of();
create trigger organization_tenant_announce after insert or update or delete on tenantry.organization_tenant
  for each row execute function tenantry.announce_tenant_of();

revoke all on all functions in schema tenantry from public;
