// The statements that read the catalogue of the schema $1. Everything is ordered, so that equal catalogues read equal.

const name = (oid: string) =>
  `(select format('%I.%I', nn.nspname, cc.relname) from pg_class cc join pg_namespace nn on nn.oid = cc.relnamespace where cc.oid = ${oid})`

const listed = (what: string, from: string) => `coalesce((select ${what} from ${from}), '[]')`

const columnNames = (relation: string, numbers: string) => `(select json_agg(a.attname order by x.ord)
  from unnest(${numbers}) with ordinality x(n, ord) join pg_attribute a on a.attrelid = ${relation} and a.attnum = x.n)`

// Tables that extensions brought are not the application's.
const ofExtension = (catalogue: string, oid: string) =>
  `exists (select from pg_depend d where d.classid = '${catalogue}'::regclass and d.objid = ${oid} and d.deptype = 'e')`

const columns = listed(
  `json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'notNull', a.attnotnull,
     'default', pg_get_expr(d.adbin, d.adrelid), 'generated', case a.attgenerated when 's' then 'stored' when 'v' then 'virtual' end,
     'collation', (select format('%I.%I', ln.nspname, l.collname) from pg_collation l join pg_namespace ln on ln.oid = l.collnamespace
       join pg_type y on y.oid = a.atttypid where l.oid = a.attcollation and a.attcollation <> y.typcollation),
     'identity', case a.attidentity when 'a' then 'always' when 'd' then 'by default' end,
     'sequence', (select format('%I.%I', sn.nspname, s.relname) from pg_depend q join pg_class s on s.oid = q.objid and s.relkind = 'S'
       join pg_namespace sn on sn.oid = s.relnamespace where q.classid = 'pg_class'::regclass
        and q.refclassid = 'pg_class'::regclass and q.refobjid = c.oid and q.refobjsubid = a.attnum and q.deptype in ('a', 'i') limit 1),
     'sequenceOptions', (select format('start with %s increment by %s minvalue %s maxvalue %s cache %s%s', s.seqstart, s.seqincrement,
         s.seqmin, s.seqmax, s.seqcache, case when s.seqcycle then ' cycle' else '' end)
       from pg_depend q join pg_sequence s on s.seqrelid = q.objid where q.classid = 'pg_class'::regclass
        and q.refclassid = 'pg_class'::regclass and q.refobjid = c.oid and q.refobjsubid = a.attnum and q.deptype in ('a', 'i') limit 1)
   ) order by a.attnum)`,
  `pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped`,
)

const foreignKeys = listed(
  `json_agg(json_build_object('name', k.conname, 'definition', pg_get_constraintdef(k.oid),
     'columns', ${columnNames('k.conrelid', 'k.conkey')}, 'table', ${name('k.confrelid')},
     'references', ${columnNames('k.confrelid', 'k.confkey')},
     'isRequired', not exists (select from pg_attribute a where a.attrelid = k.conrelid and a.attnum = any (k.conkey) and not a.attnotnull)
   ) order by k.conname)`,
  `pg_constraint k where k.conrelid = c.oid and k.contype = 'f' and k.conparentid = 0`,
)

const state = (enabled: string) =>
  `case ${enabled} when 'O' then 'enable' when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end`

// Only what holds for all rows and goes by columns tells rows apart.
const uniqueKeys = listed(
  `json_agg(json_build_object('name', ic.relname, 'columns', ${columnNames('i.indrelid', 'i.indkey::int2[]')},
     'isConstraint', exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('u', 'p'))) order by ic.relname)`,
  `pg_index i join pg_class ic on ic.oid = i.indexrelid where i.indrelid = c.oid and i.indisunique and not i.indisprimary
     and i.indisvalid and i.indpred is null and not (0 = any (i.indkey::int2[])) and i.indnatts = i.indnkeyatts`,
)

const indexes = listed(
  `json_agg(json_build_object('name', ic.relname, 'definition', pg_get_indexdef(i.indexrelid), 'isUnique', i.indisunique,
     'method', am.amname) order by ic.relname)`,
  `pg_index i join pg_class ic on ic.oid = i.indexrelid join pg_am am on am.oid = ic.relam where i.indrelid = c.oid
     and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))`,
)

const partitions = `coalesce((with recursive part as (
    select inhrelid as oid, inhparent as parent, 1 as depth from pg_inherits h join pg_class pc on pc.oid = h.inhrelid
     where inhparent = c.oid and pc.relispartition
    union all select h.inhrelid, h.inhparent, part.depth + 1 from part join pg_inherits h on h.inhparent = part.oid)
  select json_agg(json_build_object('partition', ${name('part.oid')}, 'name', pc.relname, 'parent', ${name('part.parent')},
      'bound', pg_get_expr(pc.relpartbound, pc.oid), 'partitionedBy', pg_get_partkeydef(pc.oid)) order by part.depth, pc.relname)
    from part join pg_class pc on pc.oid = part.oid), '[]')`

/** Tables and partitioned tables of the schema, as `InspectedTable` without its rows. */
export const selectTables = `
  select format('%I.%I', n.nspname, c.relname) as table, c.relname::text as name, c.relkind = 'p' as "isPartitioned",
    pg_get_partkeydef(c.oid) as "partitionedBy", ${partitions} as partitions,
    ${listed(`json_agg(${name('h.inhparent')} order by h.inhseqno)`, 'pg_inherits h where h.inhrelid = c.oid')} as "inheritsFrom",
    ${listed(
      `json_agg(${name('h.inhrelid')} order by ${name('h.inhrelid')})`,
      'pg_inherits h join pg_class hc on hc.oid = h.inhrelid where h.inhparent = c.oid and not hc.relispartition',
    )} as "inheritedBy",
    pg_get_userbyid(c.relowner)::text as owner, pg_has_role(c.relowner, 'usage') as "isOurs",
    ${columns} as columns,
    coalesce((select ${columnNames('i.indrelid', 'i.indkey::int2[]')} from pg_index i where i.indrelid = c.oid and i.indisprimary),
      '[]') as "primaryKey",
    ${uniqueKeys} as "uniqueKeys", ${foreignKeys} as "foreignKeys",
    ${listed(
      `json_agg(json_build_object('name', k.conname, 'definition', pg_get_constraintdef(k.oid)) order by k.conname)`,
      `pg_constraint k where k.conrelid = c.oid and k.contype in ('p', 'u', 'c', 'x')`,
    )} as constraints,
    ${indexes} as indexes,
    ${listed(
      `json_agg(json_build_object('name', t.tgname, 'definition', pg_get_triggerdef(t.oid), 'state', ${state('t.tgenabled')}) order by t.tgname)`,
      'pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal',
    )} as triggers,
    ${listed(
      `json_agg(json_build_object('name', w.rulename, 'definition', pg_get_ruledef(w.oid), 'state', ${state('w.ev_enabled')}) order by w.rulename)`,
      'pg_rewrite w where w.ev_class = c.oid',
    )} as rules,
    ${listed('json_agg(p.polname order by p.polname)', 'pg_policy p where p.polrelid = c.oid')} as policies,
    c.relrowsecurity as "rowSecurity"
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence = 'p'
    and not ${ofExtension('pg_class', 'c.oid')}
  order by c.relname`

/** Views over tables of the schema, wherever they are. */
export const selectViews = `
  with recursive reading as (
    select r.ev_class as view, d.refobjid as relation from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass
      and d.objid = r.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
    union
    select reading.view, d.refobjid from reading join pg_class v on v.oid = reading.relation and v.relkind in ('v', 'm')
      join pg_rewrite r on r.ev_class = v.oid join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
        and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class)
  select ${name('v.oid')} as view, v.relname::text as name, v.relnamespace::regnamespace::text as schema,
    v.relkind = 'm' as "isMaterialized", pg_get_viewdef(v.oid) as definition,
    json_agg(distinct format('%I.%I', n.nspname, c.relname)) as tables
  from reading join pg_class v on v.oid = reading.view and v.relkind in ('v', 'm')
    join pg_class c on c.oid = reading.relation and c.relkind in ('r', 'p') join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1 and not ${ofExtension('pg_class', 'v.oid')}
  group by v.oid, v.relname, v.relnamespace, v.relkind order by 1`

// A function's text is not parsed by the server, so a word of it that is a table's name counts.
/** Functions of the schema whose text names one of its tables. */
export const selectFunctions = `
  select p.oid::regprocedure::text as name, p.prosecdef as "securityDefiner",
    json_agg(format('%I.%I', n.nspname, c.relname) order by c.relname) as tables
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    join pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p') and not c.relispartition
     and lower(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)) ~ ('\\m' || regexp_replace(lower(c.relname), '\\W', '\\\\\\&', 'g') || '\\M')
  where n.nspname = $1 and p.prokind in ('f', 'p') and not ${ofExtension('pg_proc', 'p.oid')}
  group by p.oid, n.nspname order by 1`
