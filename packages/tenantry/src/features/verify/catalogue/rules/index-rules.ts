// Indexes that row-level security takes out of use: PostgreSQL evaluates the policy before any operator or function that
// is not LEAKPROOF, so an index over such operators serves no statement of the application.
import type { CatalogueRule } from '../catalogue-rule.ts'

const CURES = `case
    when l.expression_functions is not null then 'Keep the result in a generated column and index that.'
    when l.opclass like '%pattern_ops' or l.opclass like '%trgm_ops' then
      'Ask for a prefix as a range (name >= ''abc'' and name < ''abd'') over a plain index; keep other searches outside of the application role.'
    when l.type = 'numeric'::regtype then 'Store the number as bigint (in its smallest unit) or as double precision.'
    when l.type = 'anyenum'::regtype then 'Store the value as text with a CHECK.'
    when l.type = 'jsonb'::regtype then 'Move the keys that are searched into columns of their own.'
    when l.type = 'anyarray'::regtype then 'Move the elements into a table of their own.'
    else 'Search by a column whose operators are leakproof (integers, text, uuid, dates) beside this one.' end`

// A key column is lost where none of the operators that its index offers is leakproof. The LIKE of a pattern_ops index is
// none of its own operators. Expressions call functions, whose numbers stand in the stored tree.
const LOST = `
  select r.tenant_id is not null as of_tenant, r.schema, r.relname, ic.relname as index, opc.opcname as opclass, opc.opcintype as type,
    e.functions as expression_functions,
    coalesce(e.functions, case when opc.opcname like '%pattern_ops' then '~~' else o.operators end) as blockers
  from relation r join pg_index i on i.indrelid = r.oid join pg_class ic on ic.oid = i.indexrelid
    cross join lateral generate_series(0, i.indnkeyatts - 1) k
    join pg_opclass opc on opc.oid = i.indclass[k]
    left join lateral (
      select string_agg(distinct op.oprname, ', ' order by op.oprname) as operators, bool_or(p.proleakproof) as is_usable
        from pg_amop ao join pg_operator op on op.oid = ao.amopopr join pg_proc p on p.oid = op.oprcode
       where ao.amopfamily = opc.opcfamily and ao.amoplefttype = opc.opcintype and ao.amoppurpose = 's') o on true
    left join lateral (
      select string_agg(distinct p.proname, ', ' order by p.proname) as functions
        from regexp_matches(i.indexprs::text, ':funcid (\\d+)', 'g') m join pg_proc p on p.oid = m[1]::oid
       where i.indkey[k] = 0 and not p.proleakproof) e on true
  where (r.is_protected or r.tenant_id is not null) and not r.is_child and r.relkind in ('r', 'p')
    and (e.functions is not null or o.is_usable is false or opc.opcname like '%pattern_ops')`

export const indexRules: readonly CatalogueRule[] = [
  {
    name: 'row-level security leaves indexes usable',
    severity: 'warning',
    unit: 'indexes without use',
    found: `select distinct true as bad, ${CURES} as fix,
        format('%I on %s (%s)', l.index, case when l.of_tenant then format('%I of tenant schemas', l.relname)
          else format('%I.%I', l.schema, l.relname) end, l.blockers) as subject
      from (${LOST}) l`,
  },
]
