-- Members of tenants, their roles, and invitations. Changes hold the tenant's row of the registry, so that two that would
-- together break a rule, such as "one active owner at least", come one after the other.

create table tenantry.role (
  -- Null: built in, the same for every tenant. Tenants are deleted only where their creation is undone.
  tenant_id   uuid references tenantry.tenant (id) on delete cascade,
  name        text not null check (name ~ '^[a-z][a-z0-9_-]{1,62}$'),
  -- Nobody gives a role that ranks above their own.
  rank        integer not null check (rank between 1 and 100),
  permissions text[] not null,
  description text,
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now(),
  unique nulls not distinct (tenant_id, name),
  check (tenant_id is null or (rank < 100 and name not in ('owner', 'admin', 'member', 'guest', 'support')))
);
insert into tenantry.role (name, rank, permissions, description) values
  ('owner', 100, '{*}', 'Everything'),
  ('admin', 80, '{tenants:read,tenants:write,members:*,roles:*,invitations:*,organizations:read,teams:read,keys:*,credentials:read,support:read,events:read,stats:read}',
   'Everything but the tenant''s end and its ownership'),
  ('member', 40, '{tenants:read,members:read,roles:read,teams:read}', 'Reads who is who'),
  ('guest', 20, '{tenants:read}', 'Reads the tenant''s name'),
  ('support', 10, '{tenants:read,members:read,roles:read,teams:read,events:read}', 'An operator whom a support access let in');

create table tenantry.member (
  tenant_id    uuid not null references tenantry.tenant (id) on delete cascade,
  -- The application's own id of the user.
  user_id      text not null check (length(user_id) between 1 and 255),
  email        text check (email = lower(email) and length(email) <= 320),
  role         text not null,
  state        text not null check (state in ('invited', 'active', 'suspended', 'revoked')),
  invited_by   text,
  invited_at   timestamptz,
  joined_at    timestamptz,
  suspended_at timestamptz,
  revoked_at   timestamptz,
  metadata     jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  created_at   timestamptz not null default now(),
  updated_at   timestamptz not null default now(),
  primary key (tenant_id, user_id)
);
create index member_user on tenantry.member (user_id, tenant_id);
-- Whoever owned a tenant before there were members is its first one.
insert into tenantry.member (tenant_id, user_id, role, state, joined_at)
  select t.id, t.owner_user_id, 'owner', 'active', now() from tenantry.tenant t
   where length(t.owner_user_id) between 1 and 255 and t.status <> 'purged';

create table tenantry.invitation (
  id          uuid primary key,
  tenant_id   uuid not null references tenantry.tenant (id) on delete cascade,
  email       text not null check (email = lower(email) and length(email) between 3 and 320),
  role        text not null,
  -- SHA-256 of the token; the token itself is in the link and nowhere else.
  token_hash  bytea not null unique check (octet_length(token_hash) = 32),
  state       text not null default 'pending' check (state in ('pending', 'accepted', 'revoked')),
  invited_by  text,
  -- What bounded the inviter where it was no member: the permissions of a key. Null with invited_by null: central power.
  bounds      text[],
  -- When its present token was made: a member who was taken out after that does not come back with it.
  issued_at   timestamptz not null default now(),
  expires_at  timestamptz not null,
  accepted_at timestamptz,
  accepted_by text,
  revoked_at  timestamptz,
  metadata    jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  created_at  timestamptz not null default now()
);
create unique index invitation_one_pending on tenantry.invitation (tenant_id, email) where state = 'pending';
create index invitation_tenant on tenantry.invitation (tenant_id, id);

-- One active owner at least, once there is one. Deferred to the commit, so that a hand-over may demote first; under the
-- tenant's row, so that two who demote each other meet: the second one sees what the first one left.
create function tenantry.keep_an_owner() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare alive boolean;
begin
  select t.status not in ('deleted', 'purged') into alive from tenantry.tenant t where t.id = old.tenant_id for no key update;
  if alive and not exists (select from tenantry.member m
      where m.tenant_id = old.tenant_id and m.role = 'owner' and m.state = 'active') then
    raise exception 'a tenant keeps one active owner at least' using errcode = 'TN020';
  end if;
  return null;
end $$;
create constraint trigger member_keeps_an_owner after update or delete on tenantry.member
  deferrable initially deferred for each row when (old.role = 'owner' and old.state = 'active')
  execute function tenantry.keep_an_owner();

-- Tells every process that something of a tenant changed which they may have in memory.
create function tenantry.announce_tenant_of() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare channel text;
begin
  select 'tenantry_' || i.id || '_' || i.notify_secret into channel from tenantry.instance i;
  perform pg_catalog.pg_notify(channel, coalesce(new.tenant_id, old.tenant_id)::text);
  return null;
end $$;
create trigger member_announce after insert or update or delete on tenantry.member
  for each row execute function tenantry.announce_tenant_of();
create trigger role_announce after update or delete on tenantry.role
  for each row when (old.tenant_id is not null) execute function tenantry.announce_tenant_of();

-- The role that a user has in the tenant in scope, whichever way they belong to it; by default the user of the verified
-- context. Null for strangers, and for any other tenant than the one in scope. With its owner's rights, so that policies
-- may ask it: reading the members through the policies that ask would never end.
create function tenantry.get_user_tenant_role(tenant uuid default null, member text default null) returns text
  language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
declare here uuid := tenantry.current_tenant_id();
begin
  if tenant <> here then
    return null;
  end if;
  return (select m.role from tenantry.memberships_of(here, coalesce(member, tenantry.current_user_id())) m
           where m.expires_at is null or m.expires_at > statement_timestamp() limit 1);
end $$;

create function tenantry.is_tenant_member(tenant uuid default null, member text default null) returns boolean
  language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
begin
  return tenantry.get_user_tenant_role(tenant, member) is not null;
end $$;

-- A tenant's owners and admins may change its name, settings and metadata by SQL of their own: what init grants the
-- application, row by row and column by column, is listed in control/app-tables.ts. Such a change is a fact like any
-- other. Whoever row-level security does not hold back is the control plane, which writes its facts itself.
create function tenantry.record_own_edit() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare changed text[];
begin
  select array_agg(field) into changed from (
    select 'name' as field where new.name is distinct from old.name
    union all
    select 'settings.' || key from jsonb_object_keys(old.settings || new.settings) key
     where new.settings -> key is distinct from old.settings -> key
    union all
    select 'metadata.' || key from jsonb_object_keys(old.metadata || new.metadata) key
     where new.metadata -> key is distinct from old.metadata -> key
  ) fields;
  if changed is null then
    return new;
  end if;
  new.version := old.version + 1;
  new.updated_at := now();
  insert into tenantry.event (id, type, tenant_id, payload)
    values (gen_random_uuid(), 'tenant.updated', new.id,
      jsonb_build_object('slug', new.slug, 'plan', new.plan, 'changed', to_jsonb(changed)));
  insert into tenantry.audit_entry (id, actor, action, tenant_id, detail)
    values (gen_random_uuid(), 'user:' || coalesce(tenantry.current_user_id(), ''), 'tenant.update', new.id,
      jsonb_build_object('changed', to_jsonb(changed)));
  return new;
end $$;
create trigger tenant_own_edit before update on tenantry.tenant for each row
  when (pg_catalog.row_security_active('tenantry.tenant'::pg_catalog.regclass)) execute function tenantry.record_own_edit();

revoke all on all functions in schema tenantry from public;
