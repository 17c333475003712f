// Referential checks ignore row-level security, so a foreign key between two protected tables has to carry the tenant
// itself; otherwise one tenant's row can point at another's, and a cascade reaches across.
import { quoteIdentifier } from '../../kernel/identifiers.ts'
import type { Sql } from '../sql/database.ts'
import { TENANT_COLUMN, TENANT_POLICY } from './table-facts.ts'

export interface ForeignKey {
  readonly name: string
  /** Quoted, schema-qualified. */
  readonly child: string
  readonly parent: string
  readonly childColumns: readonly string[]
  readonly parentColumns: readonly string[]
  /** pg_constraint letters: a no action, r restrict, c cascade, n set null, d set default. */
  readonly onDelete: string
  readonly onUpdate: string
  readonly deferrable: boolean
  readonly deferred: boolean
  /** The parent has a unique key of the tenant column and the referenced columns. */
  readonly hasTarget: boolean
  /** An owner of one of the two that the admin login is no member of. */
  readonly stranger: string | null
}

const isProtected = (oid: string) =>
  `exists (select from pg_policy where polrelid = ${oid} and polname = '${TENANT_POLICY}')`

const BOTH_PROTECTED = `${isProtected('k.conrelid')} and ${isProtected('k.confrelid')}`

// From or to the table, whose both ends are protected or are the table itself.
const ABOUT_TABLE = `(k.conrelid = $1::oid or k.confrelid = $1::oid)
    and (k.conrelid = $1::oid or ${isProtected('k.conrelid')}) and (k.confrelid = $1::oid or ${isProtected('k.confrelid')})`

// Keys that leave the tenant out.
const tenantlessKeys = (which: string) => `
  select k.conname as name, format('%I.%I', cn.nspname, c.relname) as child, format('%I.%I', pn.nspname, p.relname) as parent,
    (select json_agg(a.attname order by x.ord) from unnest(k.conkey) with ordinality x(n, ord)
       join pg_attribute a on a.attrelid = k.conrelid and a.attnum = x.n) as "childColumns",
    (select json_agg(a.attname order by x.ord) from unnest(k.confkey) with ordinality x(n, ord)
       join pg_attribute a on a.attrelid = k.confrelid and a.attnum = x.n) as "parentColumns",
    k.confdeltype::text as "onDelete", k.confupdtype::text as "onUpdate", k.condeferrable as deferrable,
    k.condeferred as deferred,
    exists (select from pg_index i where i.indrelid = k.confrelid and i.indisunique and i.indisvalid and i.indpred is null
      and i.indnkeyatts = cardinality(k.confkey) + 1
      and (select array_agg(n order by n) from unnest(i.indkey::int2[]) n) = (select array_agg(n order by n)
        from unnest(k.confkey || (select attnum from pg_attribute where attrelid = k.confrelid and attname = '${TENANT_COLUMN}')) n)
    ) as "hasTarget",
    (select min(pg_get_userbyid(o)::text) from unnest(array[c.relowner, p.relowner]) o where not pg_has_role(o, 'usage')) as stranger
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace cn on cn.oid = c.relnamespace
    join pg_class p on p.oid = k.confrelid join pg_namespace pn on pn.oid = p.relnamespace
  where k.contype = 'f' and k.conparentid = 0 and ${which}
    and not exists (select from pg_attribute a where a.attrelid = k.conrelid and a.attname = '${TENANT_COLUMN}'
      and a.attnum = any (k.conkey))
  order by k.conname`

/** The keys from and to a table that leave the tenant out; without a table, those between all protected ones. */
export async function readTenantlessKeys(sql: Sql, tableOid?: number): Promise<readonly ForeignKey[]> {
  if (tableOid === undefined) return (await sql.query<ForeignKey>(tenantlessKeys(BOTH_PROTECTED))).rows
  return (await sql.query<ForeignKey>(tenantlessKeys(ABOUT_TABLE), [tableOid])).rows
}

/** The keys between these tables that leave the tenant out, whether protected or not. */
export async function readKeysAmong(sql: Sql, tableOids: readonly number[]): Promise<readonly ForeignKey[]> {
  const among = 'k.conrelid = any ($1::oid[]) and k.confrelid = any ($1::oid[])'
  return (await sql.query<ForeignKey>(tenantlessKeys(among), [tableOids])).rows
}

const ACTIONS: Readonly<Record<string, string>> = { r: 'restrict', c: 'cascade', n: 'set null', d: 'set default' }

const withTenant = (columns: readonly string[]) => [TENANT_COLUMN, ...columns].map(quoteIdentifier).join(', ')

/** A foreign key's definition with the tenant in it, its actions kept. */
export function tenantKeyDefinition(key: ForeignKey): string {
  const references = `references ${key.parent} (${withTenant(key.parentColumns)})${actions(key)}`
  return `foreign key (${withTenant(key.childColumns)}) ${references}`
}

/** The statements that put the tenant into a foreign key, its actions kept. */
export function tenantKeyStatements(key: ForeignKey): readonly string[] {
  const target = `alter table ${key.parent} add unique (${withTenant(key.parentColumns)})`
  const replaced =
    `alter table ${key.child} drop constraint ${quoteIdentifier(key.name)}, add constraint ${quoteIdentifier(key.name)} ` +
    tenantKeyDefinition(key)
  return key.hasTarget ? [replaced] : [target, replaced]
}

function actions(key: ForeignKey): string {
  // SET NULL must spare the tenant column, which is never null.
  const own = key.childColumns.map(quoteIdentifier).join(', ')
  const columns = key.onDelete === 'n' || key.onDelete === 'd' ? ` (${own})` : ''
  const onDelete = ACTIONS[key.onDelete] === undefined ? '' : ` on delete ${ACTIONS[key.onDelete]}${columns}`
  const onUpdate = key.onUpdate === 'c' || key.onUpdate === 'r' ? ` on update ${ACTIONS[key.onUpdate]}` : ''
  const timing = key.deferrable ? ` deferrable initially ${key.deferred ? 'deferred' : 'immediate'}` : ''
  return onDelete + onUpdate + timing
}
