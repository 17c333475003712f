-- Fingerprints of schemas, many in one call. Equal for schemas with the same objects, however and in whatever order
-- those were made. No oid of an object inside the schema counts, nor its own name, nor the id of its tenant in policies,
-- nor the gaps that dropped columns leave. Any other tenant's id counts, and so do owners, grants and switched-off guards.
-- Made to tell what differs by accident or by hand, not to withstand somebody who looks for two schemas with one: the sum
-- of hashes of 64 bits of all there is.
--
-- One statement over all of them, by index alone, so that it costs the same per schema in a fleet of any size: pg_depend
-- leads from a schema to what it holds, pg_class has no index for that. Its plan is made once a session. What costs most
-- after the look-ups is to write expressions out, so it is left out where the columns of the catalogue say the same, and
-- the two expressions of guards are written out once a schema. Names of the schema's own are met with it and lose it.
create function tenantry.schema_fingerprints(schemas text[], tenants uuid[])
  returns table (schema_name text, fingerprint text)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_hashjoin = off
  set enable_mergejoin = off
  set enable_bitmapscan = off
  set enable_material = off
  set enable_memoize = off
  set jit = off as $$
#variable_conflict use_column
begin
  return query
  with space as materialized (
    select u.nr, u.name, u.tenant::text as tenant, quote_ident(u.name) || '.' as own, n.oid, n.nspowner, n.nspacl
      from unnest(schemas, tenants) with ordinality u (name, tenant, nr) join pg_namespace n on n.nspname = u.name::name
  ),
  member as materialized (
    select s.nr, s.own, s.tenant, d.classid, d.objid from space s join pg_depend d on d.refclassid = 'pg_namespace'::regclass and d.refobjid = s.oid
  ),
  relation as materialized (
    select m.nr, m.own, m.tenant, c.oid, c.relname, c.relnamespace, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.relowner,
        c.relam, c.reltablespace, c.reloftype, c.reloptions, c.relacl, c.relhasindex, c.relhastriggers, c.relhasrules,
        case when c.relispartition then pg_get_expr(c.relpartbound, c.oid) end as bound
      from member m join pg_class c on c.oid = m.objid where m.classid = 'pg_class'::regclass
  ),
  type as materialized (
    select m.nr, m.own, t.* from member m join pg_type t on t.oid = m.objid where m.classid = 'pg_type'::regclass
  ),
  -- Each list of rights but once, in one order.
  acl as materialized (
    select x.kind, x.given, x.owner, (select array_agg(a::text order by a::text) from unnest(coalesce(x.given, acldefault(x.kind, x.owner))) a) as rights
      from (select distinct case r.relkind when 'S' then 's' else 'r' end::"char" as kind, r.relacl as given, r.relowner as owner from relation r
        union select 'n', s.nspacl, s.nspowner from space s) x
  ),
  attribute as materialized (
    select r.nr, r.own, r.relname, a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attcollation, a.attnotnull, a.attstorage, a.attislocal, a.attinhcount,
        a.attidentity, a.attgenerated, a.attcompression, a.attstattarget, a.attoptions, a.attfdwoptions, a.attacl, a.atthasdef, a.attisdropped
      from (select r.nr, r.own, r.oid, r.relname from relation r where r.relkind <> 'S'
        union all select t.nr, t.own, t.typrelid, t.typname from type t where t.typtype = 'c') r join pg_attribute a on a.attrelid = r.oid
     where a.attnum > 0
  ),
  -- Tables with dropped columns: there a column's number is not its place.
  gaps as materialized (
    select coalesce(array_agg(distinct a.attrelid), '{}') as tables from attribute a where a.attisdropped
  ),
  policy as materialized (
    select r.nr, r.own, r.tenant, r.relname, p.oid, p.polrelid, p.polname, p.polcmd, p.polpermissive, p.polroles, p.polqual, p.polwithcheck,
        p.polqual::text as using_tree, p.polwithcheck::text as check_tree
      from relation r join pg_policy p on p.polrelid = r.oid where r.relkind in ('r', 'p')
  ),
  -- Each of the two is the same on all tables of a schema as a rule, down to how the server keeps it.
  guard as materialized (
    select p.nr, p.polname, min(p.own) as own, min(p.tenant) as tenant, min(p.oid) as oid from policy p
     where p.polname in ('tenantry_guard', 'tenantry_central') group by p.nr, p.polname
    having min(p.using_tree) = max(p.using_tree) and count(p.using_tree) = count(*) and strpos(min(p.using_tree), '{VAR ') = 0
      and count(p.check_tree) in (0, count(*)) and coalesce(min(p.check_tree) = min(p.using_tree) and max(p.check_tree) = min(p.using_tree), true)
  ),
  "constraint" as materialized (
    select r.nr, r.own, r.relname, r.relnamespace, c.*
      from (values (true, false)) as older (conenforced, conperiod), relation r, lateral (
        -- The two columns are PostgreSQL 18's; before it their names mean those of the constants outside.
        select c.oid, c.conrelid, c.conname, c.contype, c.convalidated, c.conislocal, c.coninhcount, c.connoinherit, c.conkey, c.condeferrable, c.condeferred, c.confupdtype,
            c.confdeltype, c.confmatchtype, c.conparentid, c.confrelid, c.confkey, c.confdelsetcols, c.conbin, conenforced as enforced, conperiod as period
          from pg_constraint c where c.conrelid = r.oid) c
     -- Those that partitions have of their parent's keys follow from it, and get their names by chance.
     where r.relkind in ('r', 'p', 'f') and (c.conparentid = 0 or c.contype <> 'f')
  ),
  -- A table's own conditions, those of all that read the same written out once: to do so takes all of its columns' names.
  condition as materialized (
    select c.nr, c.own, c.relname, c.conname, max(case when c.nth = 1 then pg_get_expr(c.conbin, c.conrelid) end) over (partition by c.relname, c.tree, c.apart) as written
      from (select c.*, row_number() over (partition by c.relname, c.tree, c.apart) as nth
        from (select c.*, c.conbin::text as tree, case when c.conrelid = any ((select tables from gaps)::oid[]) then c.conrelid end as apart
          from "constraint" c where c.contype = 'c') c) c
  ),
  -- What is written out names the schema, which is taken away below.
  line (nr, own, facts, written) as (
    select s.nr, s.own, row(1, s.nspowner, a.rights), null
      from space s join acl a on a.kind = 'n' and a.owner = s.nspowner and a.given is not distinct from s.nspacl
    union all
    select r.nr, r.own, row(2, r.relname, r.relkind, r.relpersistence, r.relrowsecurity, r.relforcerowsecurity, r.relreplident, r.relowner, r.relam,
        r.reltablespace, a.rights, case when r.reloptions is not null then (select array_agg(o order by o) from unnest(r.reloptions) o) end),
        concat_ws(' ', nullif(r.reloftype, 0)::regtype, case when r.relkind in ('r', 'p', 'f') then (select string_agg(i.inhparent::regclass::text, ' ' order by i.inhseqno)
          from pg_inherits i where i.inhrelid = r.oid) end, r.bound, case r.relkind when 'p' then pg_get_partkeydef(r.oid) when 'v' then pg_get_viewdef(r.oid)
          when 'm' then pg_get_viewdef(r.oid) end)
      from relation r join acl a on a.kind = (case r.relkind when 'S' then 's' else 'r' end)::"char" and a.owner = r.relowner and a.given is not distinct from r.relacl
    union all
    select a.nr, a.own, row(3, a.relname, a.attname, case when a.attrelid = any ((select tables from gaps)::oid[])
          then (select count(*) from pg_attribute b where b.attrelid = a.attrelid and b.attnum between 1 and a.attnum and not b.attisdropped) else a.attnum end,
        case when a.atttypid < 16384 then a.atttypid end, a.atttypmod, case when a.attcollation < 16384 then a.attcollation end, a.attnotnull, a.attstorage,
        a.attislocal, a.attinhcount, a.attidentity, a.attgenerated, a.attcompression, coalesce(a.attstattarget, -1)::integer, a.attoptions, a.attfdwoptions,
        case when a.attacl is not null then (select array_agg(x::text order by x::text) from unnest(a.attacl) x) end),
        case when a.atthasdef or a.atttypid >= 16384 or a.attcollation >= 16384 then concat_ws(' ', case when a.atttypid >= 16384 then format_type(a.atttypid, null) end,
          case when a.attcollation >= 16384 then a.attcollation::regcollation end, case when a.atthasdef then (
            select pg_get_expr(d.adbin, case a.attgenerated when '' then 0 else a.attrelid end) from pg_attrdef d where d.adrelid = a.attrelid and d.adnum = a.attnum) end) end
      from attribute a where not a.attisdropped
    union all
    select c.nr, c.own, row(4, c.relname, c.conname, c.contype, c.convalidated, c.conislocal, c.coninhcount::integer, c.connoinherit and c.contype in ('c', 'n'),
        case when c.conkey is not null and c.conrelid = any ((select tables from gaps)::oid[]) then array(
          select (select count(*)::smallint from pg_attribute a where a.attrelid = c.conrelid and a.attnum between 1 and k.n and not a.attisdropped) from unnest(c.conkey) k (n)) else c.conkey end,
        c.condeferrable, c.condeferred, c.enforced, c.period, c.confupdtype, c.confdeltype, c.confmatchtype, c.conparentid <> 0,
        case when c.confrelid = any ((select tables from gaps)::oid[]) then array(
          select (select count(*)::smallint from pg_attribute a where a.attrelid = c.confrelid and a.attnum between 1 and k.n and not a.attisdropped) from unnest(c.confkey) k (n)) else c.confkey end),
        case c.contype when 'f' then concat_ws(' ', (select case when f.relnamespace = c.relnamespace then f.relname::text else f.oid::regclass::text end
            from pg_class f where f.oid = c.confrelid), case when c.confdelsetcols is not null then pg_get_constraintdef(c.oid) end)
          when 'x' then pg_get_constraintdef(c.oid) end
      from "constraint" c
    union all
    select c.nr, c.own, row(16, c.relname, c.conname), c.written from condition c
    union all
    select r.nr, r.own, row(5, r.relname, c.relname, c.relowner, c.relam, c.reltablespace, x.indisunique, x.indnullsnotdistinct, x.indisprimary, x.indisexclusion,
        x.indimmediate, x.indisvalid, x.indisready, x.indislive, x.indisclustered, x.indisreplident, x.indnkeyatts,
        case when r.oid = any ((select tables from gaps)::oid[]) then array(select case k.n when 0 then 0::smallint else (select count(*)::smallint from pg_attribute a
          where a.attrelid = r.oid and a.attnum between 1 and k.n and not a.attisdropped) end from unnest(x.indkey) k (n)) else x.indkey::smallint[] end, x.indoption::smallint[],
        case when c.reloptions is not null then (select array_agg(o order by o) from unnest(c.reloptions) o) end,
        case when 16384 > all (x.indclass) then x.indclass end, case when 16384 > all (x.indcollation) then x.indcollation end),
        case when x.indexprs is not null or x.indpred is not null or 16384 <= any (x.indclass) or 16384 <= any (x.indcollation) or c.relispartition then
          concat_ws(' ', pg_get_indexdef(c.oid, 0, true), case when c.relispartition then (select i.inhparent::regclass from pg_inherits i where i.inhrelid = c.oid) end) end
      from relation r join pg_index x on x.indrelid = r.oid join pg_class c on c.oid = x.indexrelid
     where r.relhasindex
    union all
    select p.nr, p.own, row(6, p.relname, p.polname, p.polcmd, p.polpermissive, p.check_tree is null,
        case cardinality(p.polroles) when 1 then p.polroles else (select array_agg(o order by o) from unnest(p.polroles) o) end),
        case when p.nr <> all (case p.polname when 'tenantry_guard' then array(select g.nr from guard g where g.polname = 'tenantry_guard')
          when 'tenantry_central' then array(select g.nr from guard g where g.polname = 'tenantry_central') else '{}' end) then concat_ws(' check ',
          replace(pg_get_expr(p.polqual, case when strpos(p.using_tree, '{VAR ') = 0 then 0 else p.polrelid end), p.tenant, '<tenant>'),
          replace(pg_get_expr(p.polwithcheck, case when strpos(p.check_tree, '{VAR ') = 0 then 0 else p.polrelid end), p.tenant, '<tenant>')) end
      from policy p
    union all
    select g.nr, g.own, row(7, g.polname), replace(pg_get_expr(p.polqual, 0), g.tenant, '<tenant>') from guard g join pg_policy p on p.oid = g.oid
    union all
    -- PostgreSQL's own triggers enforce foreign keys; switched off, the key is none. Those of partitions are their parent's.
    select r.nr, r.own, row(8, r.relname, t.tgisinternal, case when not t.tgisinternal then t.tgname end, t.tgenabled, t.tgtype, t.tgparentid <> 0),
        case when t.tgisinternal then (select c.conname::text from pg_constraint c where c.oid = t.tgconstraint) when t.tgparentid = 0 then pg_get_triggerdef(t.oid, true) end
      from relation r join pg_trigger t on t.tgrelid = r.oid
     where r.relhastriggers and (not t.tgisinternal or t.tgenabled <> 'O')
    union all
    select r.nr, r.own, row(9, r.relname, w.rulename, w.ev_enabled), pg_get_ruledef(w.oid, true)
      from relation r join pg_rewrite w on w.ev_class = r.oid where r.relhasrules and w.rulename <> '_RETURN'
    union all
    select r.nr, r.own, row(10, r.relname, s.seqtypid, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle),
        (select concat_ws(' ', case when f.relnamespace = r.relnamespace then f.relname::text else f.oid::regclass::text end, d.deptype, case when d.refobjid = any ((select tables from gaps)::oid[])
            then (select count(*) from pg_attribute b where b.attrelid = d.refobjid and b.attnum between 1 and d.refobjsubid and not b.attisdropped) else d.refobjsubid end)
          from pg_depend d join pg_class f on f.oid = d.refobjid
         where d.classid = 'pg_class'::regclass and d.objid = r.oid and d.objsubid = 0 and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i'))
      from relation r join pg_sequence s on s.seqrelid = r.oid where r.relkind = 'S'
    union all
    select t.nr, t.own, row(11, t.typname, t.typtype, t.typowner, t.typnotnull and t.typtype = 'd',
        (select array_agg(a::text order by a::text) from unnest(coalesce(t.typacl, acldefault('T', t.typowner))) a),
        (select array_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid)),
        case t.typtype when 'd' then concat_ws(' ', format_type(t.typbasetype, t.typtypmod), t.typcollation::regcollation, t.typdefault,
          (select string_agg(concat_ws(' ', c.conname, c.convalidated, pg_get_constraintdef(c.oid)), ' ' order by c.conname) from pg_constraint c where c.contypid = t.oid))
        when 'r' then (select concat_ws(' ', format_type(g.rngsubtype, null), g.rngcollation::regcollation, o.opcname, o.opcnamespace::regnamespace,
            'canonical ' || nullif(g.rngcanonical, 0)::regprocedure, 'difference ' || nullif(g.rngsubdiff, 0)::regprocedure, format_type(g.rngmultitypid, null))
          from pg_range g join pg_opclass o on o.oid = g.rngsubopc where g.rngtypid = t.oid)
        when 'b' then concat_ws(' ', t.typinput::regprocedure, t.typoutput::regprocedure, t.typlen, t.typalign, t.typstorage, t.typdefault) end
      from type t
    union all
    select m.nr, m.own, row(12, p.proname, p.prokind, p.prolang, p.provolatile, p.proparallel, p.proisstrict, p.prosecdef, p.proleakproof, p.procost, p.prorows, p.proowner,
        md5(p.prosrc), p.probin, (select array_agg(a::text order by a::text) from unnest(coalesce(p.proacl, acldefault('f', p.proowner))) a),
        (select array_agg(case when o like 'search\_path=%' then regexp_replace(o, '(^|[=, ])' || regexp_replace(rtrim(m.own, '.'), '(\W)', '\\\1', 'g') || '(?=,|$)', '\1<schema>', 'g')
            else o end order by o) from unnest(p.proconfig) o)),
        concat_ws(' ', pg_get_function_arguments(p.oid), ')', pg_get_function_result(p.oid), nullif(p.prosupport, 0)::regprocedure, pg_get_function_sqlbody(p.oid),
          (select string_agg(format_type(f, null), ' ') from unnest(p.protrftypes) f),
          (select concat_ws(',', g.aggkind, g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn, g.aggdeserialfn, g.aggmtransfn, g.aggminvtransfn, g.aggmfinalfn,
            g.aggsortop::regoperator, format_type(g.aggtranstype, null), coalesce('initially ' || g.agginitval, '-'), coalesce('moving ' || g.aggminitval, '-'))
            from pg_aggregate g where g.aggfnoid = p.oid))
      from member m join pg_proc p on p.oid = m.objid where m.classid = 'pg_proc'::regclass
    union all
    select m.nr, m.own, row(13, t.stxname, t.stxowner, coalesce(t.stxstattarget, -1)::integer), pg_get_statisticsobjdef(t.oid)
      from member m join pg_statistic_ext t on t.oid = m.objid where m.classid = 'pg_statistic_ext'::regclass
    union all
    select m.nr, m.own, row(14, d.defaclrole, d.defaclobjtype, (select array_agg(a::text order by a::text) from unnest(d.defaclacl) a)), null
      from member m join pg_default_acl d on d.oid = m.objid where m.classid = 'pg_default_acl'::regclass
    union all
    -- What no migration of a tenant needs is known by its name alone: operators, collations, text search, extensions.
    select m.nr, m.own, row(15, i.type), i.identity from member m, lateral pg_identify_object(m.classid, m.objid, 0) i
     where m.classid not in ('pg_class'::regclass, 'pg_type'::regclass, 'pg_proc'::regclass, 'pg_statistic_ext'::regclass, 'pg_default_acl'::regclass,
       'pg_publication_namespace'::regclass)
  ),
  bare as (
    select l.nr, hash_record_extended(l.facts, 1) as hash,
        case when strpos(l.bare, l.own) > 0 then regexp_replace(l.bare, '(^|[^[:alnum:]_$".])' || regexp_replace(l.own, '(\W)', '\\\1', 'g'), '\1', 'g') else l.bare end collate "C" as written
      from (select l.nr, l.own, l.facts, case when strpos(l.written, l.own) = 0 then l.written
              else replace(replace(replace(replace(' ' || l.written, ' ' || l.own, ' '), '(' || l.own, '('), '''' || l.own, ''''), ':' || l.own, ':') end as bare
            from line l offset 0) l offset 0
  )
  select s.name, encode(sha256(convert_to(b.sums, 'UTF8')), 'hex') from space s join (
    select nr, concat_ws(' ', count(*), sum(coalesce(hashtextextended(b.written, b.hash), b.hash))) as sums
      from bare b group by nr) b on b.nr = s.nr;
end $$;

revoke all on function tenantry.schema_fingerprints(text[], uuid[]) from public;

-- What a grant of these privileges on an object takes; null where somebody other than the owner granted one, which
-- cannot be done again in the owner's name, and where nothing differs from what a new object has.
create function tenantry.grant_statements(object text, given aclitem[], born aclitem[], owner oid) returns text
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when bool_and(e.grantor = owner) then
      format('revoke all on %s from %s; ', object, (select string_agg(distinct w.name, ', ' order by w.name) from (
        select case x.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(x.grantee)) end as name
          from unnest(born) b, aclexplode(array[b]) x) w))
      || string_agg(format('grant %s on %s to %s%s', e.privileges, object, e.grantee,
          case when e.is_grantable then ' with grant option' else '' end), '; ' order by e.grantee, e.is_grantable) end
    from (select case x.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(x.grantee)) end as grantee, x.grantor, x.is_grantable,
             lower(string_agg(x.privilege_type, ', ' order by x.privilege_type)) as privileges
        from aclexplode(given) x group by 1, 2, 3) e;
$$;

-- Who has which privileges, one text for each grantee; another grantor than the owner is named.
create function tenantry.grants_of(given aclitem[], owner oid) returns json
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select json_object_agg(g.grantee, g.privileges order by g.grantee) from (
    select case x.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(x.grantee)) end as grantee,
        lower(string_agg(concat(x.privilege_type, case when x.is_grantable then ' with grant option' end,
          case when x.grantor <> owner then ' by ' || pg_get_userbyid(x.grantor) end), ', ' order by x.privilege_type, x.is_grantable)) as privileges
      from aclexplode(given) x group by 1) g;
$$;

-- Each object of a schema: its parts as PostgreSQL writes them, the statement that makes it, and what has to be there
-- before. Names are as they are to be written under the schema's search_path. A null statement: made along with another
-- object (`is_part`), or none that could make it.
create function tenantry.describe_schema(schema_name text, tenant uuid)
  returns table (stage integer, kind text, name text, node text, needs text[], is_part boolean, details json, statement text)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off as $$
#variable_conflict use_column
declare
  space oid := (select n.oid from pg_namespace n where n.nspname = schema_name::name);
  space_owner oid := (select n.nspowner from pg_namespace n where n.oid = space);
  own text := regexp_replace(quote_ident(schema_name), '(\W)', '\\\1', 'g');
  prefix text := '(^|[^[:alnum:]_$".])' || own || '\.';
  anywhere text := 'do $tenantry$ begin execute replace(''%s'', ''<schema>'', quote_ident(current_schema())); end $tenantry$';
begin
  perform set_config('search_path', quote_ident(schema_name) || ', pg_temp', true);
  return query
  with recursive relation as materialized (
    select c.*, quote_ident(c.relname) as name,
        case when c.relowner <> space_owner then pg_get_userbyid(c.relowner)::text end as owner
      from pg_class c where c.relnamespace = space and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  ),
  owned as materialized (
    select d.objid as sequence, d.refobjid as relid, d.refobjsubid as attnum, d.deptype
      from pg_depend d where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0
       and d.deptype in ('a', 'i') and d.objid in (select r.oid from relation r where r.relkind = 'S')
  ),
  sequence as materialized (
    select r.oid, r.relname, r.name, r.owner, r.relpersistence, s.seqtypid, o.relid, o.attnum, coalesce(o.deptype = 'i', false) as is_identity,
        format('increment by %s minvalue %s maxvalue %s start with %s cache %s%s', s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache,
          case when s.seqcycle then ' cycle' else ' no cycle' end) as options
      from relation r join pg_sequence s on s.seqrelid = r.oid left join owned o on o.sequence = r.oid where r.relkind = 'S'
  ),
  -- Since 18 a NOT NULL has a name, under which it is made.
  required as materialized (
    select c.conrelid, c.conkey[1] as attnum, quote_ident(c.conname) as name, c.conislocal, c.convalidated, c.connoinherit
      from pg_constraint c where c.contype = 'n' and c.connamespace = space and c.conrelid <> 0
  ),
  attribute as materialized (
    select a.*, r.relkind, r.name as relation, quote_ident(a.attname) as name, r.relispartition, r.owner,
        row_number() over (partition by a.attrelid order by a.attnum) as place,
        format_type(a.atttypid, a.atttypmod) as type,
        case when a.attcollation <> t.typcollation then a.attcollation::regcollation::text end as collation,
        pg_get_expr(d.adbin, d.adrelid) as expression, q.name as sequence, q.options as sequence_options,
        q.relpersistence <> r.relpersistence as sequence_differs,
        n.name as required, n.convalidated as is_required, n.connoinherit as not_inherited,
        case when a.attstorage <> t.typstorage then case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end end as storage,
        case t.typstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end as usual_storage,
        case a.attcompression when 'p' then 'pglz' when 'l' then 'lz4' end as compression,
        nullif(coalesce(a.attstattarget, -1), -1)::text as statistics,
        -- Made with the column, unless it needs what is made later.
        a.atthasdef and a.attgenerated = '' and r.relkind in ('r', 'p') and (a.attislocal or r.relispartition) and not exists (
          select from pg_depend e where e.classid = 'pg_attrdef'::regclass and e.objid = d.oid and e.deptype = 'n') as is_default_inside
      from relation r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
      join pg_type t on t.oid = a.atttypid
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      left join sequence q on q.is_identity and q.relid = a.attrelid and q.attnum = a.attnum
      left join required n on n.conrelid = a.attrelid and n.attnum = a.attnum
     where r.relkind in ('r', 'p', 'v', 'm', 'f')
  ),
  spec as materialized (
    select a.*, concat_ws(' ', a.name, a.type, 'collate ' || a.collation,
        case when a.attnotnull and a.is_required is not false then
          coalesce('constraint ' || a.required || ' ', '') || 'not null' || case when a.not_inherited then ' no inherit' else '' end end,
        case when a.is_default_inside then 'default ' || a.expression end,
        case a.attgenerated when 's' then format('generated always as (%s) stored', a.expression)
          when 'v' then format('generated always as (%s) virtual', a.expression) end,
        -- A partition has its parent's.
        case when a.attidentity <> '' and not a.relispartition then
          format('generated %s as identity (sequence name %s %s)', case a.attidentity when 'a' then 'always' else 'by default' end, a.sequence, a.sequence_options) end) as spec
      from attribute a
  ),
  parent as materialized (
    select i.inhrelid, i.inhseqno, i.inhparent from pg_inherits i where i.inhrelid in (select r.oid from relation r)
  ),
  -- A child made with INHERITS has its parents' columns first. One that got some later has them at its end, and cannot
  -- be made again in that order.
  child as materialized (
    select r.oid, (select array_agg(x.attname order by x.first) from (
        select y.attname, min(y.place) as first from (
          select a.attname, array[p.inhseqno, a.attnum] as place from parent p join pg_attribute a on a.attrelid = p.inhparent and a.attnum > 0 and not a.attisdropped where p.inhrelid = r.oid
          union all select a.attname, array[1000000, a.attnum] from attribute a where a.attrelid = r.oid) y group by 1) x)
      = (select array_agg(a.attname order by a.attnum) from attribute a where a.attrelid = r.oid) as is_ordered
      from relation r where r.relkind in ('r', 'p') and not r.relispartition and r.oid in (select p.inhrelid from parent p)
  ),
  function as materialized (
    select p.*, quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')' as name,
        case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end as word,
        (select array_agg(c) from unnest(p.proconfig) c where c ~ ('^search_path=(.*[, ])?' || own || '(,|$)')) as pinned
      from pg_proc p where p.pronamespace = space
       -- The constructors of a range come with it.
       and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'i')
  ),
  type as materialized (
    select t.*, quote_ident(t.typname) as name, case when t.typtype = 'd' then 'domain' else 'type' end as word
      from pg_type t left join pg_class c on c.oid = t.typrelid
     where t.typnamespace = space and (t.typtype in ('e', 'd', 'r') or (t.typtype = 'c' and c.relkind = 'c')
       or (t.typtype = 'b' and not exists (select from pg_type e where e.typarray = t.oid)))
  ),
  "constraint" as materialized (
    select c.*, r.name as relation, quote_ident(c.conname) as name, pg_get_constraintdef(c.oid) as definition, x.reloptions,
        quote_ident(x.relname) as index, i.indisclustered, i.indisreplident, i.indisvalid, r.relkind, (select h.inhparent::regclass from pg_inherits h where h.inhrelid = x.oid) as attached,
        exists (select from pg_trigger t where t.tgconstraint = c.oid and t.tgisinternal and t.tgenabled <> 'O') as is_off
      from pg_constraint c join relation r on r.oid = c.conrelid
      left join pg_index i on i.indexrelid = c.conindid and c.contype in ('p', 'u', 'x') left join pg_class x on x.oid = i.indexrelid
     where c.contype in ('c', 'p', 'u', 'x', 'f') and (c.conparentid = 0 or c.contype <> 'f')
  ),
  index as materialized (
    select i.*, r.name as relation, r.relkind, quote_ident(c.relname) as name, pg_get_indexdef(c.oid, 0, true) as definition,
        (select h.inhparent::regclass from pg_inherits h where h.inhrelid = c.oid) as attached
      from relation r join pg_index i on i.indrelid = r.oid join pg_class c on c.oid = i.indexrelid
     where not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = r.oid and k.contype in ('p', 'u', 'x'))
  ),
  trigger as materialized (
    select t.*, r.name as relation, quote_ident(t.tgname) as name, pg_get_triggerdef(t.oid, true) as definition,
        case t.tgenabled when 'O' then 'enable' when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end as state,
        case when t.tgparentid <> 0 then (select p.tgenabled from pg_trigger p where p.oid = t.tgparentid) end as parent_enabled
      from relation r join pg_trigger t on t.tgrelid = r.oid where not t.tgisinternal
  ),
  policy as materialized (
    select p.*, r.name as relation, quote_ident(p.polname) as name,
        (select string_agg(coalesce(quote_ident(pg_get_userbyid(nullif(o, 0))), 'public'), ', ' order by o) from unnest(p.polroles) o) as roles,
        case p.polcmd when '*' then 'all' when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' else 'delete' end as command,
        pg_get_expr(p.polqual, p.polrelid) as qual, pg_get_expr(p.polwithcheck, p.polrelid) as written
      from relation r join pg_policy p on p.polrelid = r.oid
  ),
  granted as materialized (
    select case r.relkind when 'S' then 'sequence ' else 'table ' end || r.name as object, r.oid::text as node, case r.relkind when 'S' then 'sequence ' else 'table ' end || r.name as target, r.relowner as owner,
        coalesce(r.relacl, acldefault((case r.relkind when 'S' then 's' else 'r' end)::"char", r.relowner)) as given,
        acldefault((case r.relkind when 'S' then 's' else 'r' end)::"char", r.relowner) as born from relation r
    union all select p.word || ' ' || p.name, p.oid::text, case p.prokind when 'a' then 'function' else p.word end || ' ' || p.name, p.proowner,
        coalesce(p.proacl, acldefault('f', p.proowner)), acldefault('f', p.proowner) from function p
    union all select t.word || ' ' || t.name, t.oid::text, t.word || ' ' || t.name, t.typowner,
        coalesce(t.typacl, acldefault('T', t.typowner)), acldefault('T', t.typowner) from type t
  ),
  object (stage, kind, name, node, needs, is_part, details, statement) as (
    select 0, 'schema', 'schema', 'schema', array[]::text[], true, json_build_object('owner', pg_get_userbyid(space_owner)), null::text
    union all
    select 10, 'type', t.name, t.oid::text, array[]::text[], false,
        case t.typtype
          when 'e' then json_build_object('enum', (select json_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid), 'owner', owner)
          when 'd' then json_build_object('domain', format_type(t.typbasetype, t.typtypmod), 'collation', nullif(t.typcollation, 0)::regcollation, 'default', t.typdefault,
            'not null', t.typnotnull, 'checks', (select json_object_agg(quote_ident(c.conname), pg_get_constraintdef(c.oid) order by c.conname) from pg_constraint c where c.contypid = t.oid), 'owner', owner)
          when 'c' then json_build_object('attributes', (select json_object_agg(quote_ident(a.attname), concat_ws(' ', format_type(a.atttypid, a.atttypmod),
              'collate ' || case when a.attcollation <> b.typcollation then a.attcollation::regcollation::text end) order by a.attnum)
            from pg_attribute a join pg_type b on b.oid = a.atttypid where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped), 'owner', owner)
          when 'r' then (select json_build_object('subtype', format_type(g.rngsubtype, null), 'class', c.opcname, 'collation', nullif(g.rngcollation, 0)::regcollation,
            'canonical', nullif(g.rngcanonical, 0)::regproc, 'difference', nullif(g.rngsubdiff, 0)::regproc, 'multirange', format_type(g.rngmultitypid, null), 'owner', owner)
            from pg_range g join pg_opclass c on c.oid = g.rngsubopc where g.rngtypid = t.oid)
          else json_build_object('base', t.typinput::regproc, 'owner', owner) end,
        case t.typtype
          when 'e' then format('create type %s as enum (%s)', t.name, (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid))
          when 'd' then concat_ws(' ', format('create domain %s as %s', t.name, format_type(t.typbasetype, t.typtypmod)),
            'collate ' || case when t.typcollation <> (select b.typcollation from pg_type b where b.oid = t.typbasetype) then t.typcollation::regcollation::text end,
            'default ' || t.typdefault, case when t.typnotnull and not exists (select from pg_constraint c where c.contypid = t.oid and c.contype = 'n') then 'not null' end,
            (select string_agg(format('constraint %I %s', c.conname, pg_get_constraintdef(c.oid)), ' ' order by c.conname) from pg_constraint c where c.contypid = t.oid and c.convalidated),
            (select string_agg(format('; alter domain %s add constraint %I %s', t.name, c.conname, pg_get_constraintdef(c.oid)), ' ' order by c.conname) from pg_constraint c where c.contypid = t.oid and not c.convalidated))
          when 'c' then format('create type %s as (%s)', t.name, (select string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
              'collate ' || case when a.attcollation <> b.typcollation then a.attcollation::regcollation::text end), ', ' order by a.attnum)
            from pg_attribute a join pg_type b on b.oid = a.atttypid where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped))
          when 'r' then (select format('create type %s as range (%s)', t.name, concat_ws(', ', 'subtype = ' || format_type(g.rngsubtype, null),
              'subtype_opclass = ' || format('%I.%I', c.opcnamespace::regnamespace::text, c.opcname),
              'collation = ' || nullif(g.rngcollation, 0)::regcollation, 'subtype_diff = ' || nullif(g.rngsubdiff, 0)::regproc, 'multirange_type_name = ' || format_type(g.rngmultitypid, null)))
            from pg_range g join pg_opclass c on c.oid = g.rngsubopc where g.rngtypid = t.oid and g.rngcanonical = 0) end
          || coalesce('; alter ' || t.word || ' ' || t.name || ' owner to ' || quote_ident(owner), '')
      from type t, lateral (select case when t.typowner <> space_owner then pg_get_userbyid(t.typowner)::text end as owner) o
    union all
    select 20, 'sequence', q.name, q.oid::text, array[]::text[], q.is_identity,
        json_build_object('type', format_type(q.seqtypid, null), 'options', q.options, 'unlogged', q.relpersistence = 'u', 'owner', q.owner,
          'owned by', (select a.relation || '.' || a.name from attribute a where a.attrelid = q.relid and a.attnum = q.attnum)),
        case when not q.is_identity then format('create %ssequence %s as %s %s', case q.relpersistence when 'u' then 'unlogged ' else '' end, q.name, format_type(q.seqtypid, null), q.options)
          || coalesce('; alter sequence ' || q.name || ' owner to ' || quote_ident(q.owner), '') end
      from sequence q
    union all
    select 30, 'function', p.name, p.oid::text, array[]::text[], false,
        json_build_object('definition', case when p.prokind = 'a' then (select to_json(g) from pg_aggregate g where g.aggfnoid = p.oid)::text
            else regexp_replace(regexp_replace(pg_get_functiondef(p.oid), prefix, '\1'), 'SET search_path TO ''' || schema_name || '''', 'SET search_path TO ''<schema>''') end,
          'owner', case when p.proowner <> space_owner then pg_get_userbyid(p.proowner) end),
        case when p.prokind <> 'a' and (p.pinned is null or p.pinned = array[format('search_path=%s, pg_temp', quote_ident(schema_name))]) then
          regexp_replace(case when p.pinned is null then d.text else regexp_replace(d.text, '\n SET search_path TO [^\n]*', E'\n SET search_path FROM CURRENT') end, prefix, '\1')
          || coalesce('; alter ' || p.word || ' ' || p.name || ' owner to ' || case when p.proowner <> space_owner then quote_ident(pg_get_userbyid(p.proowner)) end, '') end
      from function p, lateral (select case when p.prokind <> 'a' then pg_get_functiondef(p.oid) end as text) d
    union all
    select 30, 'table', r.name, r.oid::text, array(select p.inhparent::text from parent p where p.inhrelid = r.oid), false,
        json_build_object('kind', case r.relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'f' then 'foreign table' else 'materialized view' end,
          'unlogged', r.relpersistence = 'u', 'of', nullif(r.reloftype, 0)::regtype, 'method', (select m.amname from pg_am m where m.oid = r.relam and m.amname <> 'heap'),
          'options', (select json_object_agg(split_part(o, '=', 1), substr(o, strpos(o, '=') + 1) order by o) from unnest(r.reloptions) o),
          'replica identity', case r.relreplident when 'd' then null when 'f' then 'full' when 'n' then 'nothing' else 'index' end,
          'inherits', (select json_agg(p.inhparent::regclass order by p.inhseqno) from parent p where p.inhrelid = r.oid),
          'bound', pg_get_expr(r.relpartbound, r.oid), 'partition by', pg_get_partkeydef(r.oid),
          'columns', (select json_agg(a.name order by a.attnum) from attribute a where a.attrelid = r.oid), 'owner', r.owner),
        case when r.relkind in ('r', 'p') and r.reloftype = 0 and coalesce((select c.is_ordered from child c where c.oid = r.oid), true)
            and not exists (select from spec a where a.attrelid = r.oid and (a.sequence_differs or (a.attidentity <> '' and not r.relispartition and a.sequence is null))) then
          concat_ws(' ', case r.relpersistence when 'u' then 'create unlogged table' else 'create table' end, r.name,
            '(' || coalesce((select string_agg(a.spec, ', ' order by a.attnum) from spec a where a.attrelid = r.oid and (a.attislocal or r.relispartition)), '') || ')',
            case when not r.relispartition then 'inherits (' || (select string_agg(p.inhparent::regclass::text, ', ' order by p.inhseqno) from parent p where p.inhrelid = r.oid) || ')' end,
            'partition by ' || pg_get_partkeydef(r.oid),
            'using ' || (select quote_ident(m.amname) from pg_am m where m.oid = r.relam and m.amname <> 'heap'),
            'with (' || (select string_agg(split_part(o, '=', 1) || '=' || quote_literal(substr(o, strpos(o, '=') + 1)), ', ' order by o) from unnest(r.reloptions) o) || ')')
          || coalesce('; alter table ' || (select p.inhparent::regclass from parent p where p.inhrelid = r.oid and r.relispartition) || ' attach partition ' || r.name || ' ' || pg_get_expr(r.relpartbound, r.oid), '')
          || case r.relreplident when 'f' then format('; alter table %s replica identity full', r.name) when 'n' then format('; alter table %s replica identity nothing', r.name) else '' end
          || coalesce('; alter table ' || r.name || ' owner to ' || quote_ident(r.owner), '') end
      from relation r where r.relkind in ('r', 'p', 'm', 'f')
    union all
    select 40, 'column', a.relation || '.' || a.name, a.attrelid || '.' || a.attnum, array[a.attrelid::text], true,
        json_build_object('type', a.type, 'collation', a.collation, 'not null', a.attnotnull and a.is_required is not false, 'not null name', a.required,
          'not null not valid', case when a.is_required = false then true end,
          'default', case a.attgenerated when '' then a.expression end, 'generated', case a.attgenerated when '' then null when 's' then a.expression || ' stored' else a.expression || ' virtual' end,
          'identity', case when not (a.relispartition and a.sequence is null) then case a.attidentity when 'a' then 'always' when 'd' then 'by default' end end, 'identity options', a.sequence_options,
          'storage', a.storage, 'compression', a.compression, 'statistics', a.statistics, 'options', array_to_string(a.attoptions, ', '),
          'inherited', case when not a.attislocal then true end, 'spec', a.spec, 'storage by default', a.usual_storage, 'table', a.relation, 'column', a.name),
        nullif(concat_ws('; ', case when a.attgenerated = '' and not a.is_default_inside then altered || ' set default ' || a.expression end,
          altered || ' set storage ' || a.storage,
          altered || ' set compression ' || a.compression,
          altered || ' set statistics ' || a.statistics,
          altered || ' set (' || array_to_string(a.attoptions, ', ') || ')',
          case when a.is_required = false then format('alter table only %s add constraint %s not null %s not valid', a.relation, a.required, a.name) end,
          (select string_agg(format('alter sequence %s owned by %s.%s', q.name, a.relation, a.name), '; ') from sequence q where q.relid = a.attrelid and q.attnum = a.attnum and not q.is_identity)), '')
      from spec a, lateral (select format('alter table only %s alter column %s', a.relation, a.name) as altered) l where a.relkind in ('r', 'p') or a.expression is not null
    union all
    select case c.contype when 'c' then 70 when 'f' then 76 else 71 end, 'constraint', c.relation || '.' || c.name, c.oid::text, array[c.conrelid::text], not c.conislocal and c.attached is null,
        json_build_object('definition', c.definition, 'options', (select json_agg(o order by o) from unnest(c.reloptions) o), 'clustered', c.indisclustered, 'replica identity', c.indisreplident,
          'attached to', c.attached, 'inherited', case when not c.conislocal then true end, 'enforcement switched off', case when c.is_off then true end, 'table', c.relation, 'constraint', c.name),
        case when c.is_off or c.indisvalid is false and c.relkind <> 'p' then null
          when c.conislocal or c.attached is not null then concat_ws('; ',
            format('alter table %s%s add constraint %s %s', case when c.contype in ('p', 'u', 'x') then 'only ' end, c.relation, c.name, c.definition),
            'alter index ' || c.index || ' set (' || array_to_string(c.reloptions, ', ') || ')',
            'alter index ' || c.attached || ' attach partition ' || c.index,
            case when c.indisclustered then format('alter table %s cluster on %s', c.relation, c.index) end,
            case when c.indisreplident then format('alter table %s replica identity using index %s', c.relation, c.index) end) end
      from "constraint" c
    union all
    select 72, 'index', i.name, i.indexrelid::text, array[i.indrelid::text], false,
        json_build_object('definition', i.definition, 'valid', i.indisvalid and i.indisready, 'clustered', i.indisclustered, 'replica identity', i.indisreplident, 'attached to', i.attached, 'table', i.relation),
        case when i.indisvalid or i.relkind = 'p' then concat_ws('; ', i.definition, 'alter index ' || i.attached || ' attach partition ' || i.name,
          case when i.indisclustered then format('alter table %s cluster on %s', i.relation, i.name) end,
          case when i.indisreplident then format('alter table %s replica identity using index %s', i.relation, i.name) end) end
      from index i
    union all
    select 77, 'view', r.name, r.oid::text, array[]::text[], false,
        json_build_object('definition', pg_get_viewdef(r.oid), 'columns', (select json_agg(a.name order by a.attnum) from attribute a where a.attrelid = r.oid),
          'options', (select json_agg(o order by o) from unnest(r.reloptions) o), 'owner', r.owner),
        concat_ws(' ', 'create view', r.name, '(' || (select string_agg(a.name, ', ' order by a.attnum) from attribute a where a.attrelid = r.oid) || ')',
          'with (' || array_to_string(r.reloptions, ', ') || ')', 'as', rtrim(pg_get_viewdef(r.oid), ';')) || coalesce('; alter view ' || r.name || ' owner to ' || quote_ident(r.owner), '')
      from relation r where r.relkind = 'v'
    union all
    select 80, 'trigger', t.relation || '.' || t.name, t.oid::text, array[t.tgrelid::text], t.tgparentid <> 0 and t.parent_enabled = t.tgenabled,
        json_build_object('definition', t.definition, 'state', t.state, 'of parent', case when t.tgparentid <> 0 then true end, 'table', t.relation, 'trigger', t.name),
        nullif(concat_ws('; ', case when t.tgparentid = 0 then t.definition end,
          case when t.tgenabled <> coalesce(t.parent_enabled, 'O') then format('alter table %s %s trigger %s', t.relation, t.state, t.name) end), '')
      from trigger t
    union all
    select 81, 'rule', r.name || '.' || quote_ident(w.rulename), w.oid::text, array[r.oid::text], false,
        json_build_object('definition', pg_get_ruledef(w.oid, true), 'table', r.name, 'rule', quote_ident(w.rulename),
          'state', case w.ev_enabled when 'O' then 'enable' when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end),
        rtrim(pg_get_ruledef(w.oid, true), ';') || case w.ev_enabled when 'O' then '' else format('; alter table %s %s rule %I', r.name,
          case w.ev_enabled when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, w.rulename) end
      from relation r join pg_rewrite w on w.ev_class = r.oid where w.rulename <> '_RETURN'
    union all
    select 82, 'statistics', quote_ident(t.stxname), t.oid::text, array[]::text[], false,
        json_build_object('definition', d.text, 'target', nullif(coalesce(t.stxstattarget, -1), -1)),
        d.text || coalesce('; alter statistics ' || quote_ident(t.stxname) || ' set statistics ' || nullif(coalesce(t.stxstattarget, -1), -1), '')
      from pg_statistic_ext t, lateral (select regexp_replace(pg_get_statisticsobjdef(t.oid), prefix, '\1') as text) d where t.stxnamespace = space
    union all
    select 90, 'policy', r.name || ' row level security', r.oid || '.security', array[r.oid::text], false,
        json_build_object('enabled', r.relrowsecurity, 'forced', r.relforcerowsecurity, 'table', r.name),
        format('alter table %s %s row level security, %s row level security', r.name, case when r.relrowsecurity then 'enable' else 'disable' end,
          case when r.relforcerowsecurity then 'force' else 'no force' end)
      from relation r where r.relkind in ('r', 'p')
    union all
    select 91, 'policy', p.relation || '.' || p.name, p.oid::text, array[p.polrelid::text], false,
        json_build_object('as', case when p.polpermissive then 'permissive' else 'restrictive' end, 'for', p.command, 'to', p.roles,
          'using', replace(p.qual, tenant::text, '<tenant>'), 'with check', replace(p.written, tenant::text, '<tenant>'), 'table', p.relation, 'policy', p.name),
        concat_ws(' ', 'create policy', p.name, 'on', p.relation, 'as', case when p.polpermissive then 'permissive' else 'restrictive' end, 'for', p.command, 'to', p.roles,
          'using (' || replace(p.qual, tenant::text, '<tenant>') || ')', 'with check (' || replace(p.written, tenant::text, '<tenant>') || ')')
      from policy p
    union all
    select 95, 'grant', g.object, g.node || '.grant', array[g.node], false,
        json_build_object('to', tenantry.grants_of(g.given, g.owner), 'revoke', format('revoke all on %s from <grantees>', g.target),
          'usual', (select array_agg(a::text order by a::text) from unnest(g.given) a) = (select array_agg(a::text order by a::text) from unnest(g.born) a)),
        tenantry.grant_statements(g.target, g.given, g.born, g.owner)
      from granted g
    union all
    select 96, 'grant', format('column %s.%s', a.relation, a.name), a.attrelid || '.' || a.attnum || '.grant', array[a.attrelid::text], false,
        json_build_object('to', tenantry.grants_of(a.attacl, null), 'revoke', format('revoke all (%s) on table %s from <grantees>', a.name, a.relation), 'table', a.relation),
        (select string_agg(format('grant %s (%s) on table %s to %s%s', lower(x.privilege_type), a.name, a.relation,
            case x.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(x.grantee)) end, case when x.is_grantable then ' with grant option' else '' end), '; ' order by x.grantee, x.privilege_type)
          from aclexplode(a.attacl) x)
      from attribute a where a.attacl is not null and a.attacl <> '{}'
    union all
    -- Those that name the schema find it where the script is run.
    select 97, 'grant', 'schema', 'schema.grant', array[]::text[], false,
        json_build_object('to', tenantry.grants_of(n.acl, n.nspowner), 'revoke', format(anywhere, 'revoke all on schema <schema> from <grantees>')),
        replace(anywhere, '%s', replace(tenantry.grant_statements('schema <schema>', n.acl, acldefault('n', n.nspowner), n.nspowner), '''', ''''''))
      from (select n.*, coalesce(n.nspacl, acldefault('n', n.nspowner)) as acl from pg_namespace n where n.oid = space) n
    union all
    select 98, 'grant', format('default privileges of %I on %s', pg_get_userbyid(d.defaclrole), w.word), d.oid::text, array[]::text[], false,
        json_build_object('to', tenantry.grants_of(d.defaclacl, null),
          'revoke', format(anywhere, format('alter default privileges for role %I in schema <schema> revoke all on %s from <grantees>', pg_get_userbyid(d.defaclrole), w.word))),
        (select format(anywhere, string_agg(
            format('alter default privileges for role %I in schema <schema> grant %s on %s to %s%s', pg_get_userbyid(d.defaclrole), lower(x.privilege_type), w.word,
              case x.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(x.grantee)) end, case when x.is_grantable then ' with grant option' else '' end), '; '))
          from aclexplode(d.defaclacl) x)
      from pg_default_acl d, lateral (select case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' else 'schemas' end as word) w
     where d.defaclnamespace = space
    union all
    select 99, 'type', i.type || ' ' || regexp_replace(i.identity, prefix, '\1', 'g'), d.objid::text, array[]::text[], false, json_build_object('kind', i.type), null
      from pg_depend d, lateral pg_identify_object(d.classid, d.objid, 0) i
     where d.refclassid = 'pg_namespace'::regclass and d.refobjid = space and d.classid not in ('pg_class'::regclass, 'pg_type'::regclass, 'pg_proc'::regclass,
       'pg_statistic_ext'::regclass, 'pg_default_acl'::regclass, 'pg_publication_namespace'::regclass)
  ),
  -- Which of the objects above a thing of the catalogue is part of.
  part (classid, objid, node) as materialized (
    select 'pg_class'::regclass::oid, r.oid, r.oid::text from relation r where not exists (select from sequence q where q.oid = r.oid and q.is_identity)
    union all select 'pg_class'::regclass, q.oid, q.relid::text from sequence q where q.is_identity
    union all select 'pg_class'::regclass, i.indexrelid, i.indexrelid::text from index i
    union all select 'pg_class'::regclass, c.conindid, c.oid::text from "constraint" c where c.contype in ('p', 'u', 'x')
    union all select 'pg_class'::regclass, t.typrelid, t.oid::text from type t where t.typtype = 'c'
    union all select 'pg_proc'::regclass, p.oid, p.oid::text from function p
    union all select 'pg_type'::regclass, t.oid, t.oid::text from type t
    union all select 'pg_type'::regclass, t.typarray, t.oid::text from type t where t.typarray <> 0
    union all select 'pg_type'::regclass, g.rngmultitypid, g.rngtypid::text from pg_range g join type t on t.oid = g.rngtypid
    union all select 'pg_type'::regclass, t.oid, r.oid::text from relation r join pg_type t on t.typrelid = r.oid
    union all select 'pg_type'::regclass, t.typarray, r.oid::text from relation r join pg_type t on t.typrelid = r.oid where t.typarray <> 0
    union all select 'pg_attrdef'::regclass, d.oid, case when a.attgenerated = '' then a.attrelid || '.' || a.attnum else a.attrelid::text end
      from attribute a join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    union all select 'pg_constraint'::regclass, c.oid, c.oid::text from "constraint" c
    union all select 'pg_constraint'::regclass, c.oid, t.oid::text from type t join pg_constraint c on c.contypid = t.oid
    union all select 'pg_rewrite'::regclass, w.oid, case w.rulename when '_RETURN' then r.oid else w.oid end::text from relation r join pg_rewrite w on w.ev_class = r.oid
    union all select 'pg_trigger'::regclass, t.oid, t.oid::text from trigger t
    union all select 'pg_policy'::regclass, p.oid, p.oid::text from policy p
    union all select 'pg_statistic_ext'::regclass, t.oid, t.oid::text from pg_statistic_ext t where t.stxnamespace = space
  ),
  edge as materialized (
    select distinct a.node, b.node as needs
      from part a join pg_depend d on d.classid = a.classid and d.objid = a.objid
      join part b on b.classid = d.refclassid and b.objid = d.refobjid
     where a.node <> b.node and not exists (select from sequence q where a.classid = 'pg_class'::regclass and q.oid = a.objid)
  )
  select o.stage, o.kind, o.name, o.node, o.needs || array(select e.needs from edge e where e.node = o.node), o.is_part, json_strip_nulls(o.details), o.statement
    from object o order by o.stage, o.name collate "C";
end $$;

revoke all on function tenantry.grant_statements(text, aclitem[], aclitem[], oid), tenantry.grants_of(aclitem[], oid), tenantry.describe_schema(text, uuid) from public;

-- Statements that put the rows of a schema's tables, and then the positions of its sequences, into one of the same
-- shape. Values as literals of their text, which every type reads back. Seen with the caller's rights: a guarded table
-- shows its rows to members of the central role only.
create function tenantry.schema_rows(schema_name text) returns setof text
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set datestyle = 'ISO' set intervalstyle = 'postgres' set extra_float_digits = 1 set bytea_output = 'hex' set xmlbinary = 'base64' as $$
declare
  relation record;
  position record;
begin
  perform set_config('search_path', quote_ident(schema_name) || ', pg_temp', true);
  for relation in
    select quote_ident(c.relname) as name, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns,
        string_agg('%L', ', ' order by a.attnum) as places
      from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     where c.relnamespace = schema_name::regnamespace and c.relkind = 'r' group by c.oid order by c.relname
  loop
    if relation.columns is null then
      return query execute format('select %L from only %s', format('insert into %s default values', relation.name), relation.name);
      continue;
    end if;
    return query execute format(
      'select %4$L || string_agg(line, '', '') from (
         select format(''(%3$s)'', %2$s) as line, (row_number() over () - 1) / 200 as part from only %1$s) x group by part order by part',
      relation.name, relation.columns, relation.places,
      format('insert into %s (%s) overriding system value values ', relation.name, relation.columns));
  end loop;
  for relation in
    select quote_ident(c.relname) as name, s.seqstart from pg_class c join pg_sequence s on s.seqrelid = c.oid
     where c.relnamespace = schema_name::regnamespace order by c.relname
  loop
    execute format('select last_value, is_called from %s', relation.name) into position;
    if position.is_called or position.last_value <> relation.seqstart then
      return next format('select pg_catalog.setval(%L, %s, %L)', relation.name, position.last_value, position.is_called);
    end if;
  end loop;
end $$;

revoke all on function tenantry.schema_rows(text) from public;
