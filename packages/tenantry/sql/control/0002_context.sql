-- The signed context. Format (docs: context-token):
--   <64 hex: HMAC-SHA256 of the rest>.<4 hex: key id>.<36: tenant uuid>.<10 digits: expiry, unix seconds>.<hex user>.<hex role>
-- Fixed offsets keep the verifier short: it runs once in every statement that touches a protected table.
-- The verifier runs once in each statement, in a transaction of its own, so PL/pgSQL sets every expression up anew and
-- the rights to each function are checked anew: few functions, and bytes instead of text, whose substr() walks over
-- characters. Seen on PostgreSQL 18, server CPU a statement: 18 us without a policy, 22 with an empty function, 28 with
-- this one, 31 with the same on text. The SET clause costs 1-3 of it and stays: without it the cached plan is made anew
-- whenever search_path differs from the last call's, which is every change of tenant in the schema strategy.
-- Nothing is cast before the signature has matched, and SQL_ASCII converts no byte: no garbage can raise another error.

-- The tenant whose direct login this session logged in as; null for every other session. By name and oid: a name can
-- come to mean another role, an oid can in a copy on another server. A tenant that may not be entered, a revoked login
-- and one past its rotation have none, whatever their open sessions hold. Makes no difference to who has a context.
create function tenantry.direct_tenant_id() returns pg_catalog.uuid
  language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
begin
  return (select c.tenant_id
    from tenantry.credential c join tenantry.tenant t on t.id operator(pg_catalog.=) c.tenant_id
   where c.username operator(pg_catalog.=) session_user
     and c.role_oid operator(pg_catalog.=)
         pg_catalog.to_regrole(pg_catalog.quote_ident(session_user::pg_catalog.text))::pg_catalog.oid
     and c.revoked_at is null
     and (c.expires_at is null or c.expires_at operator(pg_catalog.>) pg_catalog.statement_timestamp())
     and t.status operator(pg_catalog.=) 'active' and t.provisioned_at is not null);
end $$;

create function tenantry.current_tenant_id() returns pg_catalog.uuid
  language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
declare
  token pg_catalog.bytea := pg_catalog.convert_to(coalesce(pg_catalog.current_setting('tenantry.context', true), ''), 'SQL_ASCII');
  signed boolean;
  direct pg_catalog.uuid;
begin
  -- The dot after the signature is the one character it does not cover, so it is compared along with the key's id.
  select pg_catalog.convert_to(pg_catalog.encode(pg_catalog.sha256(k.opad operator(pg_catalog.||)
           pg_catalog.sha256(k.ipad operator(pg_catalog.||) pg_catalog.substr(token, 66))), 'hex'), 'SQL_ASCII')
         operator(pg_catalog.=) pg_catalog.substr(token, 1, 64)
    into signed
    from tenantry.signing_key k where k.mark operator(pg_catalog.=) pg_catalog.substr(token, 65, 5);
  -- Not `signed and …`: without a key row it is null, and AND goes on to evaluate the cast.
  if signed then
    if pg_catalog.encode(pg_catalog.substr(token, 108, 10), 'escape')::pg_catalog.float8
         operator(pg_catalog.>=) pg_catalog.date_part('epoch', pg_catalog.statement_timestamp()) then
      return pg_catalog.encode(pg_catalog.substr(token, 71, 36), 'escape')::pg_catalog.uuid;
    end if;
    raise exception 'the tenant context has expired' using errcode = 'TN003';
  elsif pg_catalog.octet_length(token) operator(pg_catalog.=) 0 then
    -- Only without any context at all: a wrong one is never made good by who logged in.
    direct := tenantry.direct_tenant_id();
    if direct is not null then
      return direct;
    end if;
    raise exception 'no tenant in scope' using errcode = 'TN001';
  end if;
  raise exception 'the tenant context is not valid' using errcode = 'TN002';
end $$;

-- Read the two trailing claims of a context that current_tenant_id has verified. Only from what the signature covers:
-- counted from the start of the token, an altered separator would pass the role off as the user.
create function tenantry.current_user_id() returns text
  language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
declare signed text := pg_catalog.substr(pg_catalog.current_setting('tenantry.context', true), 66);
begin
  perform tenantry.current_tenant_id();
  return nullif(pg_catalog.convert_from(pg_catalog.decode(pg_catalog.split_part(signed, '.', 4), 'hex'), 'UTF8'), '');
end $$;

create function tenantry.current_tenant_role() returns text
  language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
declare signed text := pg_catalog.substr(pg_catalog.current_setting('tenantry.context', true), 66);
begin
  perform tenantry.current_tenant_id();
  return nullif(pg_catalog.convert_from(pg_catalog.decode(pg_catalog.split_part(signed, '.', 5), 'hex'), 'UTF8'), '');
end $$;

-- The unverified twin for column defaults and per-row triggers, where a forged value is caught by WITH CHECK anyway.
-- Without a context only a direct login has one; the lookup runs then alone.
create function tenantry.claimed_tenant_id() returns pg_catalog.uuid
  language sql stable parallel safe
  return coalesce(
    nullif(pg_catalog.substr(pg_catalog.current_setting('tenantry.context', true), 71, 36), '')::pg_catalog.uuid,
    tenantry.direct_tenant_id());

-- Puts every table of a tenant's schema under its guard, and returns how many there are. Idempotent; run after each
-- tenant migration, in its transaction.
create function tenantry.guard_schema(tenant uuid, schema_name text, app text, central text) returns integer
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  relation record;
  tables integer := 0;
begin
  execute format('grant usage on schema %I to %I, %I', schema_name, app, central);
  for relation in
    select c.oid, c.relname, c.relkind, c.relrowsecurity and c.relforcerowsecurity as forced
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = schema_name and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
  loop
    if relation.relkind = 'S' then
      -- A sequence carries no policy. That of an identity column works without a grant, so nobody gets one.
      continue when exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = relation.oid
        and d.deptype = 'i');
      execute format('grant usage, select on sequence %I.%I to %I', schema_name, relation.relname, app);
      continue;
    elsif relation.relkind in ('m', 'f') then
      raise exception 'table % cannot carry a guard', relation.relname using errcode = 'TN011',
        hint = 'Materialized views and foreign tables ignore row-level security; leave them out of tenant schemas.';
    end if;
    execute format('grant select, insert, update, delete on %I.%I to %I, %I', schema_name, relation.relname, app, central);
    if relation.relkind = 'v' then
      execute format('alter view %I.%I set (security_invoker = true)', schema_name, relation.relname);
      continue;
    end if;
    tables := tables + 1;
    if not relation.forced then
      execute format('alter table %I.%I enable row level security, force row level security', schema_name, relation.relname);
    end if;
    if not exists (select from pg_policy p where p.polrelid = relation.oid and p.polname = 'tenantry_guard') then
      execute format('create policy tenantry_guard on %I.%I to %I using ((select tenantry.current_tenant_id()) = %L::uuid)'
        ' with check ((select tenantry.current_tenant_id()) = %L::uuid)', schema_name, relation.relname, app, tenant, tenant);
      execute format('create policy tenantry_central on %I.%I to %I using (true) with check (true)',
        schema_name, relation.relname, central);
    end if;
  end loop;
  -- Its owner sees the rows of all tenants, and a function of one schema can be called from every other. A trigger
  -- function cannot be called at all.
  for relation in
    select p.oid::regprocedure as signature from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname = schema_name and p.prosecdef and p.prorettype <> 'trigger'::regtype
       and has_function_privilege(app, p.oid, 'execute')
  loop
    raise exception 'function % runs with its owner''s rights', relation.signature using errcode = 'TN011',
      hint = 'Make it SECURITY INVOKER, or revoke EXECUTE on it from PUBLIC.';
  end loop;
  return tables;
end $$;

revoke all on all functions in schema tenantry from public;
