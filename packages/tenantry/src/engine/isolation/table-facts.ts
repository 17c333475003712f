// What the catalogue says of a table, as far as its protection is concerned.
import { TenantryError } from '../../kernel/errors.ts'
import type { Sql } from '../sql/database.ts'

/** Names of the policies that Tenantry makes. */
export const TENANT_POLICY = 'tenantry_tenant'
export const CENTRAL_POLICY = 'tenantry_central'
export const TENANT_COLUMN = 'tenant_id'

export interface ChildFacts {
  readonly name: string
  readonly protected: boolean
  /** As of the table itself. */
  readonly excessRights: boolean
  /** A policy that is not ours and holds for PUBLIC or the app role. */
  readonly foreignPolicy: string | null
}

/** A view or materialized view over the table, directly or through another one. */
export interface ViewFacts {
  readonly name: string
  /** pg_class.relkind: `v` or `m`. */
  readonly kind: string
  readonly runsAsCaller: boolean
  readonly appMayRead: boolean
}

export interface TableFacts {
  readonly oid: number
  readonly schema: string
  readonly name: string
  /** pg_class.relkind: `r` a table, `p` a partitioned one. */
  readonly kind: string
  readonly owner: string
  /** The admin login owns the table or is a member of its owner. */
  readonly isOurs: boolean
  readonly rowSecurity: boolean
  readonly forced: boolean
  readonly tenantColumn: { readonly type: string; readonly notNull: boolean; readonly default: string | null } | null
  readonly primaryKey: readonly string[]
  /** Key columns of the valid, complete unique indexes. */
  readonly uniqueKeys: readonly (readonly string[])[]
  readonly hasTenantIndex: boolean
  readonly policies: readonly { readonly name: string; readonly roles: readonly string[] }[]
  /** Partitions and inheritance children, all levels, as quoted names. */
  readonly children: readonly ChildFacts[]
  readonly views: readonly ViewFacts[]
  /** Sequences of serial columns, as quoted names. */
  readonly sequences: readonly string[]
  readonly appMayUseAll: boolean
  /** Rights beyond reading and writing rows that PUBLIC or the app role holds. */
  readonly excessRights: boolean
}

const FACTS = `
  select c.oid::int8::float8 as oid, n.nspname as schema, c.relname as name, c.relkind::text as kind,
    pg_get_userbyid(c.relowner)::text as owner, pg_has_role(c.relowner, 'USAGE') as "isOurs",
    c.relrowsecurity as "rowSecurity", c.relforcerowsecurity as forced,
    (select json_build_object('type', format_type(a.atttypid, a.atttypmod), 'notNull', a.attnotnull,
              'default', pg_get_expr(d.adbin, d.adrelid))
       from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = c.oid and a.attname = '${TENANT_COLUMN}' and not a.attisdropped) as "tenantColumn",
    coalesce((select json_agg(a.attname order by k.ord) from pg_index i,
        unnest(i.indkey::int2[]) with ordinality k(attnum, ord), pg_attribute a
      where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid and a.attnum = k.attnum), '[]') as "primaryKey",
    coalesce((select json_agg((select json_agg(a.attname order by k.ord)
          from unnest(i.indkey::int2[]) with ordinality k(attnum, ord)
          join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum where k.ord <= i.indnkeyatts))
       from pg_index i where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null
        and not (0 = any (i.indkey::int2[]))), '[]') as "uniqueKeys",
    exists (select from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
      where i.indrelid = c.oid and i.indisvalid and i.indpred is null and a.attname = '${TENANT_COLUMN}') as "hasTenantIndex",
    coalesce((select json_agg(json_build_object('name', p.polname, 'roles',
        (select json_agg(case when r.oid = 0 then 'public' else pg_get_userbyid(r.oid)::text end) from unnest(p.polroles) r(oid))))
       from pg_policy p where p.polrelid = c.oid), '[]') as policies,
    coalesce((with recursive child as (
        select inhrelid as oid from pg_inherits where inhparent = c.oid
        union all select i.inhrelid from pg_inherits i join child on i.inhparent = child.oid)
      select json_agg(json_build_object('name', format('%I.%I', cn.nspname, cc.relname), 'protected',
          cc.relrowsecurity and cc.relforcerowsecurity
          and exists (select from pg_policy p where p.polrelid = cc.oid and p.polname = '${TENANT_POLICY}'),
        'excessRights', has_table_privilege($2::name, cc.oid, 'TRUNCATE, REFERENCES, TRIGGER'),
        'foreignPolicy', (select min(p.polname) from pg_policy p where p.polrelid = cc.oid
          and p.polname not in ('${TENANT_POLICY}', '${CENTRAL_POLICY}')
          and p.polroles && array[0, (select oid from pg_roles where rolname = $2::name)])))
        from child join pg_class cc on cc.oid = child.oid join pg_namespace cn on cn.oid = cc.relnamespace), '[]') as children,
    coalesce((with recursive viewing as (
        select r.ev_class as oid from pg_depend d join pg_rewrite r on r.oid = d.objid
         where d.classid = 'pg_rewrite'::regclass and d.refobjid = c.oid and r.ev_class <> c.oid
        union select r.ev_class from viewing p join pg_depend d on d.refobjid = p.oid and d.classid = 'pg_rewrite'::regclass
          join pg_rewrite r on r.oid = d.objid and r.ev_class <> p.oid)
      select json_agg(json_build_object('name', format('%I.%I', vn.nspname, v.relname), 'kind', v.relkind,
          'runsAsCaller', coalesce((select o.option_value::boolean from pg_options_to_table(v.reloptions) o
            where o.option_name = 'security_invoker'), false),
          'appMayRead', has_table_privilege($2::name, v.oid, 'SELECT')))
        from viewing join pg_class v on v.oid = viewing.oid and v.relkind in ('v', 'm')
        join pg_namespace vn on vn.oid = v.relnamespace), '[]') as views,
    coalesce((select json_agg(format('%I.%I', sn.nspname, s.relname)) from pg_depend d
        join pg_class s on s.oid = d.objid and s.relkind = 'S' join pg_namespace sn on sn.oid = s.relnamespace
       where d.refobjid = c.oid and d.deptype = 'a' and d.classid = 'pg_class'::regclass
         and case when s.relkind = 'S' then not has_sequence_privilege($2::name, s.oid, 'USAGE') end), '[]') as sequences,
    has_schema_privilege($2::name, n.oid, 'USAGE') and has_table_privilege($2::name, c.oid, 'SELECT')
      and has_table_privilege($2::name, c.oid, 'INSERT') and has_table_privilege($2::name, c.oid, 'UPDATE')
      and has_table_privilege($2::name, c.oid, 'DELETE') as "appMayUseAll",
    has_table_privilege($2::name, c.oid, 'TRUNCATE, REFERENCES, TRIGGER') as "excessRights"
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass($1)`

/** Reads the facts of a table named as PostgreSQL reads names: `invoices`, `app.invoices`, `"Mixed"."Case"`. */
export async function readTableFacts(sql: Sql, table: string, appRole: string): Promise<TableFacts> {
  const { rows } = await sql.query<TableFacts>(FACTS, [table, appRole]).catch((cause: unknown) => {
    if (!isBadName(cause)) throw cause
    throw new TenantryError('TABLE_NOT_FOUND', 'The table name cannot be read.', { cause })
  })
  const facts = rows[0]
  if (!facts) throw new TenantryError('TABLE_NOT_FOUND', `There is no table ${table}.`)
  return facts
}

// invalid_name and its kin: unbalanced quotes, too many dots, another database's name.
function isBadName(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['42602', '42601', '0A000'].includes(String(error.code))
}
