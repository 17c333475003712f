// What the catalogue says of the tables in a plan: which policy they carry, and which conditions their indexes can take
// when a policy stands before them.
import type { Sql } from '../../engine/sql/database.ts'
import type { PlannedRelation } from './plan.ts'

export interface IndexKey {
  /** As PostgreSQL prints it: a column, or an expression. */
  readonly text: string
  /** Functions of the expression that are not LEAKPROOF. */
  readonly leakyFunctions: readonly string[]
  /** Operators that the index can search by. */
  readonly operators: readonly IndexOperator[]
}

export interface IndexOperator {
  readonly symbol: string
  readonly leakproof: boolean
  /** LIKE through an index that sorts by bytes, which finds prefixes alone. */
  readonly prefixOnly?: boolean
}

export interface RelationFacts extends PlannedRelation {
  /** A shared table under the tenant policy. */
  readonly isShared: boolean
  /** Under any policy at all. */
  readonly hasPolicy: boolean
  readonly indexes: readonly { readonly name: string; readonly keys: readonly IndexKey[] }[]
}

// A condition that may leak goes after the policy, so it cannot be an index's. LIKE is found through a support function
// instead of the operator family, where the index sorts by bytes.
const FACTS = `
  select r.schema, r.name,
    exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'tenantry_tenant') as "isShared",
    c.relrowsecurity as "hasPolicy",
    coalesce((select json_agg(json_build_object('name', ic.relname, 'keys', (
      select json_agg(json_build_object(
        'text', pg_get_indexdef(i.indexrelid, k, true),
        'leakyFunctions', coalesce((select json_agg(distinct p.proname)
           from regexp_matches(pg_get_indexdef(i.indexrelid, k, true), '(\\w+)\\(', 'g') m
           join pg_proc p on p.proname = m[1] and not p.proleakproof), '[]'),
        'operators', coalesce((select json_agg(json_build_object('symbol', o.oprname, 'leakproof', p.proleakproof))
           from pg_opclass oc join pg_amop ao on ao.amopfamily = oc.opcfamily and ao.amoplefttype = oc.opcintype
           join pg_operator o on o.oid = ao.amopopr join pg_proc p on p.oid = o.oprcode
          where oc.oid = i.indclass[k - 1]), '[]')::jsonb
          || coalesce((select jsonb_build_array(
                jsonb_build_object('symbol', '~~', 'leakproof', like_proc.proleakproof, 'prefixOnly', true))
               from pg_opclass oc, pg_proc like_proc, pg_database d
              where oc.oid = i.indclass[k - 1] and like_proc.oid = 'pg_catalog.textlike'::regproc and d.datname = current_database()
                and (oc.opcname in ('text_pattern_ops', 'varchar_pattern_ops')
                  or oc.opcname in ('text_ops', 'varchar_ops') and am.amname = 'btree'
                     and (i.indcollation[k - 1] in ('"C"'::regcollation, '"POSIX"'::regcollation)
                       or i.indcollation[k - 1] = '"default"'::regcollation and d.datcollate in ('C', 'POSIX')))), '[]')
      ) order by k) from generate_series(1, i.indnkeyatts) k)))
      from pg_index i join pg_class ic on ic.oid = i.indexrelid join pg_am am on am.oid = ic.relam
     where i.indrelid = c.oid and i.indisvalid), '[]') as indexes
  from json_to_recordset($1::json) r(schema text, name text)
  join pg_namespace n on n.nspname = r.schema join pg_class c on c.relnamespace = n.oid and c.relname = r.name`

export async function readRelations(
  sql: Sql,
  relations: readonly PlannedRelation[],
): Promise<readonly RelationFacts[]> {
  if (relations.length === 0) return []
  return (await sql.query<RelationFacts>(FACTS, [JSON.stringify(relations)])).rows
}
