-- COPY FROM is refused under row-level security, so loads go into a staging table first and from there by INSERT, where
-- every row meets the policies. The table is temporary and ends with the transaction: nobody else can ever see it.
-- app may not make temporary tables, which would outlive a statement; this function makes one that does not, of these
-- columns and nothing else. It copies no rows, and no expression of the target is evaluated.

create function tenantry.copy_stage(target pg_catalog.regclass, wanted text[], every boolean) returns text[]
  language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare columns text[];
begin
  perform tenantry.current_tenant_id();
  if not exists (select from pg_class c where c.oid = target and c.relkind in ('r', 'p')) then
    raise exception 'only tables can be loaded' using errcode = '42809';
  end if;
  -- Unless every column is meant, the tenant's own fills itself in.
  select array_agg(a.attname::text order by coalesce(array_position(wanted, a.attname::text), a.attnum)) into columns
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
   where a.attrelid = target and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     and case when wanted is not null then a.attname = any (wanted)
              else every or pg_get_expr(d.adbin, d.adrelid) is distinct from 'tenantry.claimed_tenant_id()' end;
  if columns is null or cardinality(columns) < cardinality(wanted) then
    raise exception 'a column to load does not exist, or is generated' using errcode = '42703';
  end if;
  execute format('create temporary table tenantry_stage on commit drop as select %s from %s with no data',
    (select string_agg(quote_ident(c), ', ') from unnest(columns) c), target::text);
  grant select, insert on pg_temp.tenantry_stage to public;
  return columns;
end $$;

create function tenantry.copy_unstage() returns void
  language sql volatile security definer set search_path = pg_catalog, pg_temp
  as $$ drop table if exists pg_temp.tenantry_stage $$;

revoke all on function tenantry.copy_stage(pg_catalog.regclass, text[], boolean), tenantry.copy_unstage() from public;
