-- Keys of the HTTP API: beside the admin key, service keys, which are good for every tenant, and keys of one tenant.
alter table tenantry.api_key
  drop constraint api_key_kind_check,
  add column tenant_id    uuid references tenantry.tenant (id),
  add column name         text check (length(name) between 1 and 100),
  add column permissions  text[] not null default '{}',
  add column created_by   text not null default 'library',
  -- How long it was asked for; a rotation asks for the same again.
  add column ttl_seconds  integer check (ttl_seconds > 0),
  add column expires_at   timestamptz,
  -- By the minute.
  add column last_used_at timestamptz,
  -- The key that a rotation made in its place.
  add column successor_id uuid,
  add constraint api_key_kind_check check (kind in ('admin', 'service', 'tenant')),
  add check ((kind = 'tenant') = (tenant_id is not null)),
  add check ((kind = 'admin') = (name is null)),
  add check (kind <> 'admin' or expires_at is null),
  add unique (id, kind);
-- A key is only ever followed by one of its own kind.
alter table tenantry.api_key
  add foreign key (successor_id, kind) references tenantry.api_key (id, kind);
create index api_key_tenant on tenantry.api_key (tenant_id, id);
create index api_key_successor on tenantry.api_key (successor_id, kind) where successor_id is not null;

-- Tells every process to ask again what it has in memory of the keys of one tenant, or of those that are good for all,
-- for which the nil UUID stands. When a key was last used is nothing to tell.
create function tenantry.announce_api_key() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare channel text;
begin
  select 'tenantry_' || i.id || '_' || i.notify_secret into channel from tenantry.instance i;
  perform pg_catalog.pg_notify(channel,
    coalesce(new.tenant_id, old.tenant_id, '00000000-0000-0000-0000-000000000000')::text);
  return null;
end $$;
create trigger api_key_announce
  after insert or delete or update of kind, tenant_id, hash, permissions, expires_at, revoked_at on tenantry.api_key
  for each row execute function tenantry.announce_api_key();

revoke all on all functions in schema tenantry from public;
