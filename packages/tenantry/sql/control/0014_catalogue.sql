-- Fingerprints of schemas, many in one call. Equal for schemas with the same objects, however and in whatever order
-- those were made. No oid of an object inside the schema counts, nor its own name, nor the id of its tenant in policies,
-- nor the gaps that dropped columns leave. Any other tenant's id counts, and so do owners, grants and switched-off guards.
--
-- One statement whose inner query runs once for each schema, by index alone: pg_depend leads from a schema to what it
-- holds, pg_class has no index for that. Its plan is made once a session. Deparsing is what costs (pg_get_indexdef 26 us,
-- a policy's expression 13 us), so it is left out where the columns of the catalogue say the same.
create function tenantry.schema_fingerprints(schemas text[], tenants uuid[])
  returns table (schema_name text, fingerprint text)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_material = off
  set jit = off as $$
#variable_conflict use_column
begin
  return query
  select u.name, (
    with member as materialized (
      select d.classid, d.objid from pg_depend d where d.refclassid = 'pg_namespace'::regclass and d.refobjid = n.oid
    ),
    relation as materialized (
      select c.*, exists (select from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and a.attisdropped) as has_gaps
        from member m join pg_class c on c.oid = m.objid where m.classid = 'pg_class'::regclass
    ),
    type as materialized (
      select t.* from member m join pg_type t on t.oid = m.objid where m.classid = 'pg_type'::regclass
    ),
    policy as materialized (
      select r.relname, p.*, p.polqual::text as raw_using, p.polwithcheck::text as raw_check
        from relation r join pg_policy p on p.polrelid = r.oid where r.relkind in ('r', 'p')
    ),
    -- All tables of a schema carry the same guard, which has to be written out but once.
    guard as materialized (
      select p.raw_using as raw, pg_get_expr(p.polqual, 0) as text from policy p
       where p.polname = 'tenantry_guard' and strpos(p.raw_using, '{VAR ') = 0 limit 1
    ),
    line as (
      select row('schema', n.nspowner, (select array_agg(a::text order by a::text) from unnest(coalesce(n.nspacl, acldefault('n', n.nspowner))) a))::text as line
      union all
      select row('relation', r.relname, r.relkind, r.relpersistence, r.relrowsecurity, r.relforcerowsecurity, r.relreplident,
          r.relowner, r.relam, r.reltablespace, nullif(r.reloftype, 0)::regtype,
          case when r.reloptions is not null then (select array_agg(o order by o) from unnest(r.reloptions) o) end,
          (select array_agg(a::text order by a::text) from unnest(coalesce(r.relacl, acldefault((case r.relkind when 'S' then 's' else 'r' end)::"char", r.relowner))) a),
          (select array_agg(i.inhparent::regclass order by i.inhseqno) from pg_inherits i where i.inhrelid = r.oid),
          pg_get_expr(r.relpartbound, r.oid), case r.relkind when 'p' then pg_get_partkeydef(r.oid) end,
          case when r.relkind in ('v', 'm') then pg_get_viewdef(r.oid) end)::text
        from relation r
      union all
      select row('columns', r.relname, c.columns)::text from (
        select r.oid, r.relname from relation r where r.relkind <> 'S'
        union all select t.typrelid, t.typname from type t where t.typtype = 'c') r, lateral (
        select array_agg(row(a.attname, case when a.atttypid < 16384 then a.atttypid::text else format_type(a.atttypid, null) end, a.atttypmod,
            case when a.attcollation < 16384 then a.attcollation::text else a.attcollation::regcollation::text end,
            a.attnotnull, a.attidentity, a.attgenerated, a.attstorage, a.attcompression, coalesce(a.attstattarget, -1), a.attislocal, a.attinhcount,
            a.attoptions, a.attfdwoptions, case when a.attacl is not null then (select array_agg(x::text order by x::text) from unnest(a.attacl) x) end,
            case when a.atthasdef then (select pg_get_expr(d.adbin, case a.attgenerated when '' then 0 else a.attrelid end) from pg_attrdef d where d.adrelid = a.attrelid and d.adnum = a.attnum) end)::text) as columns
          from (select * from pg_attribute a where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped order by a.attnum) a) c
      union all
      -- A column by its place among those that are there, which is its number where none was dropped.
      select row('constraint', r.relname, c.conname, c.contype, c.condeferrable, c.condeferred, c.convalidated, c.enforced, c.period,
          c.conislocal, c.coninhcount, c.connoinherit, c.confupdtype, c.confdeltype, c.confmatchtype, c.conparentid <> 0,
          case when r.has_gaps then (
            select array_agg((select count(*) from pg_attribute a where a.attrelid = r.oid and a.attnum between 1 and k.n and not a.attisdropped))
              from unnest(c.conkey) k(n)) else c.conkey end,
          case when c.contype = 'f' then c.confrelid::regclass end,
          case when c.contype = 'f' then (select array_agg(a.attname) from unnest(c.confkey) k join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k) end,
          case when c.contype = 'f' and c.confdelsetcols is not null then pg_get_constraintdef(c.oid) end,
          case c.contype when 'c' then pg_get_expr(c.conbin, r.oid) when 'x' then pg_get_constraintdef(c.oid) end)::text
        from (values (true, false)) as older (conenforced, conperiod), relation r, lateral (
          -- The two columns are PostgreSQL 18's; before it their names mean those of the constants outside.
          select c.*, conenforced as enforced, conperiod as period from pg_constraint c where c.conrelid = r.oid) c
       -- Those that partitions have of their parent's keys follow from it, and get their names by chance.
       where r.relkind in ('r', 'p', 'f') and (c.conparentid = 0 or c.contype <> 'f')
      union all
      select row('index', r.relname, c.relname, c.relowner, c.relam, c.reltablespace, x.indisunique, x.indnullsnotdistinct, x.indisprimary,
          x.indisexclusion, x.indimmediate, x.indisvalid, x.indisready, x.indislive, x.indisclustered, x.indisreplident, x.indnkeyatts,
          case when r.has_gaps then (
            select string_agg(case k.n when 0 then 0 else (select count(*) from pg_attribute a where a.attrelid = r.oid and a.attnum between 1 and k.n and not a.attisdropped) end::text, ' ')
              from unnest(x.indkey) k(n)) else x.indkey::text end, x.indoption::text,
          case when c.reloptions is not null then (select array_agg(o order by o) from unnest(c.reloptions) o) end,
          case when c.relispartition then (select i.inhparent::regclass from pg_inherits i where i.inhrelid = c.oid) end,
          case when x.indexprs is null and x.indpred is null and 16384 > all (x.indclass) and 16384 > all (x.indcollation)
            then row(x.indclass, x.indcollation)::text else pg_get_indexdef(c.oid, 0, true) end)::text
        from relation r join pg_index x on x.indrelid = r.oid join pg_class c on c.oid = x.indexrelid
       where r.relhasindex
      union all
      select row('policy', p.relname, p.polname, p.polcmd, p.polpermissive,
          case cardinality(p.polroles) when 1 then p.polroles else (select array_agg(o order by o) from unnest(p.polroles) o) end,
          replace(case when p.raw_using = g.raw then g.text else pg_get_expr(p.polqual, case when strpos(p.raw_using, '{VAR ') = 0 then 0 else p.polrelid end) end,
            u.tenant::text, '<tenant>'),
          replace(case when p.raw_check = g.raw then g.text else pg_get_expr(p.polwithcheck, case when strpos(p.raw_check, '{VAR ') = 0 then 0 else p.polrelid end) end,
            u.tenant::text, '<tenant>'))::text
        from policy p left join guard g on true
      union all
      -- PostgreSQL's own triggers enforce foreign keys; switched off, the key is none.
      select case when t.tgisinternal then row('internal trigger', r.relname, t.tgenabled, t.tgtype,
            (select c.conname from pg_constraint c where c.oid = t.tgconstraint))::text
          when t.tgparentid <> 0 then row('trigger', r.relname, t.tgname, t.tgenabled)::text
          else row('trigger', r.relname, t.tgname, t.tgenabled, pg_get_triggerdef(t.oid, true))::text end
        from relation r join pg_trigger t on t.tgrelid = r.oid where r.relhastriggers and (not t.tgisinternal or t.tgenabled <> 'O')
      union all
      select row('rule', r.relname, w.rulename, w.ev_enabled, pg_get_ruledef(w.oid, true))::text
        from relation r join pg_rewrite w on w.ev_class = r.oid where r.relhasrules and w.rulename <> '_RETURN'
      union all
      select row('sequence', r.relname, s.seqtypid, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle,
          (select row(d.deptype, d.refobjid::regclass, a.attname)::text from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
            where d.classid = 'pg_class'::regclass and d.objid = r.oid and d.objsubid = 0 and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')))::text
        from relation r join pg_sequence s on s.seqrelid = r.oid where r.relkind = 'S'
      union all
      select row('type', t.typname, t.typtype, t.typowner,
          (select array_agg(a::text order by a::text) from unnest(coalesce(t.typacl, acldefault('T', t.typowner))) a),
          (select array_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid),
          case t.typtype when 'd' then row(format_type(t.typbasetype, t.typtypmod), t.typcollation::regcollation, t.typnotnull, t.typdefault,
            (select array_agg(row(c.conname, c.convalidated, pg_get_constraintdef(c.oid))::text order by c.conname) from pg_constraint c where c.contypid = t.oid))::text
          when 'r' then (select row(format_type(g.rngsubtype, null), g.rngcollation::regcollation, o.opcname, o.opcnamespace::regnamespace,
              nullif(g.rngcanonical, 0)::regprocedure, nullif(g.rngsubdiff, 0)::regprocedure, format_type(g.rngmultitypid, null))::text
            from pg_range g join pg_opclass o on o.oid = g.rngsubopc where g.rngtypid = t.oid)
          when 'b' then row(t.typinput::regprocedure, t.typoutput::regprocedure, t.typlen, t.typalign, t.typstorage, t.typdefault)::text end)::text
        from type t
      union all
      select row('function', p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), p.prokind, p.prolang, p.provolatile,
          p.proparallel, p.proisstrict, p.prosecdef, p.proleakproof, p.procost, p.prorows, nullif(p.prosupport, 0)::regprocedure, p.proowner,
          (select array_agg(a::text order by a::text) from unnest(coalesce(p.proacl, acldefault('f', p.proowner))) a),
          (select array_agg(case when o like 'search\_path=%' then regexp_replace(o, '(^|[=, ])' || s.own || '(?=,|$)', '\1<schema>', 'g') else o end order by o)
            from unnest(p.proconfig) o),
          md5(p.prosrc), p.probin, pg_get_function_sqlbody(p.oid), p.protrftypes::regtype[],
          (select row(g.aggkind, g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn, g.aggdeserialfn, g.aggmtransfn, g.aggminvtransfn, g.aggmfinalfn,
              g.aggsortop::regoperator, format_type(g.aggtranstype, null), g.agginitval, g.aggminitval)::text from pg_aggregate g where g.aggfnoid = p.oid))::text
        from member m join pg_proc p on p.oid = m.objid where m.classid = 'pg_proc'::regclass
      union all
      select row('statistics', t.stxname, t.stxowner, coalesce(t.stxstattarget, -1), regexp_replace(pg_get_statisticsobjdef(t.oid), s.pattern, '\1'))::text
        from member m join pg_statistic_ext t on t.oid = m.objid where m.classid = 'pg_statistic_ext'::regclass
      union all
      select row('default privileges', d.defaclrole, d.defaclobjtype, (select array_agg(a::text order by a::text) from unnest(d.defaclacl) a))::text
        from member m join pg_default_acl d on d.oid = m.objid where m.classid = 'pg_default_acl'::regclass
      union all
      -- What no migration of a tenant needs is known by its name alone: operators, collations, text search, extensions.
      select row('other', i.type, regexp_replace(i.identity, s.pattern, '\1', 'g'))::text from member m, lateral pg_identify_object(m.classid, m.objid, 0) i
       where m.classid not in ('pg_class'::regclass, 'pg_type'::regclass, 'pg_proc'::regclass, 'pg_statistic_ext'::regclass,
         'pg_default_acl'::regclass, 'pg_publication_namespace'::regclass)
    )
    select encode(sha256(convert_to(string_agg(l.line, e'\n' order by l.line collate "C"), 'UTF8')), 'hex') from (
      select case when strpos(line.line, s.prefix) > 0 then regexp_replace(line.line, s.pattern, '\1', 'g') else line.line end as line from line) l)
  from unnest(schemas, tenants) u (name, tenant)
  join pg_namespace n on n.nspname = u.name::name
  cross join lateral (
    select quote_ident(u.name) || '.' as prefix, regexp_replace(quote_ident(u.name), '(\W)', '\\\1', 'g') as own,
      '(^|[^[:alnum:]_$".])' || regexp_replace(quote_ident(u.name), '(\W)', '\\\1', 'g') || '\.' as pattern,
      set_config('search_path', quote_ident(u.name) || ', pg_temp', true)) s;
end $$;

revoke all on function tenantry.schema_fingerprints(text[], uuid[]) from public;
