// A stable hash over what isolation rests on in the catalogue, in parts, so that a change can be named. Tenants of one
// shape look alike in it: their schemas and ids are written as a placeholder and equal lines counted once, so that a new
// tenant changes nothing, and one that differs from the others does.
import { createHash } from 'node:crypto'
import type { InstanceRoles } from '../../../control/instance.ts'
import type { Sql } from '../../../engine/sql/database.ts'
import { catalogueBase } from './catalogue-base.ts'

export interface CatalogueFingerprint {
  /** SHA-256 over the parts, in hex. */
  readonly fingerprint: string
  /** SHA-256 of each part, in hex. */
  readonly parts: Readonly<Record<FingerprintPart, string>>
}

export type FingerprintPart = keyof typeof parts

const SETTLED = `n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_t%'`
const SCHEMA = `case when t.oid is null then quote_ident(n.nspname) else '<tenant>' end`
const JOINED = `join pg_namespace n on n.oid = c.relnamespace left join tenant_schema t on t.oid = n.oid`
const grants = (
  acl: string,
) => `(select string_agg(format('%s=%s%s', coalesce(pg_get_userbyid(nullif(e.grantee, 0)), 'public'),
    e.privilege_type, case when e.is_grantable then '*' else '' end), ',' order by e.grantee, e.privilege_type, e.grantor)
  from aclexplode(${acl}) e)`

// Each yields lines of text. One line an object, with all there is to say of it, so that what one of a thousand equal
// tenants lacks makes a line of its own.
const parts = {
  policies: `
    select format('%s.%I %s %s: %s', ${SCHEMA}, c.relname, c.relrowsecurity, c.relforcerowsecurity,
      (select string_agg(format('%I %s %s to %s using %s check %s', p.polname, p.polpermissive, p.polcmd,
          (select string_agg(coalesce(pg_get_userbyid(nullif(role, 0)), 'public'), ',' order by role) from unnest(p.polroles) role),
          replace(pg_get_expr(p.polqual, p.polrelid), coalesce(t.tenant_id::text, '-'), '<tenant>'),
          replace(pg_get_expr(p.polwithcheck, p.polrelid), coalesce(t.tenant_id::text, '-'), '<tenant>')), '; ' order by p.polname)
         from pg_policy p where p.polrelid = c.oid)) as line
    from pg_class c ${JOINED} where c.relkind in ('r', 'p') and ${SETTLED}`,
  grants: `
    select format('%s %s.%I: %s %s', c.relkind, ${SCHEMA}, c.relname, ${grants('c.relacl')},
      (select string_agg(format('%I %s', a.attname, ${grants('a.attacl')}), ';' order by a.attname)
         from pg_attribute a where a.attrelid = c.oid and a.attacl is not null)) as line
    from pg_class c ${JOINED} where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and ${SETTLED}
    union all select format('schema %s: %s', ${SCHEMA}, ${grants('n.nspacl')}) from pg_namespace n left join tenant_schema t on t.oid = n.oid where ${SETTLED}
    union all select format('database: %s', ${grants('d.datacl')}) from pg_database d where d.datname = current_database()`,
  owners: `
    select format('%s %s.%I: %s', c.relkind, ${SCHEMA}, c.relname, pg_get_userbyid(c.relowner)) as line
    from pg_class c ${JOINED} where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and ${SETTLED}
    union all select format('schema %s: %s', ${SCHEMA}, pg_get_userbyid(n.nspowner)) from pg_namespace n left join tenant_schema t on t.oid = n.oid where ${SETTLED}`,
  views: `
    select format('%s.%I: %s', ${SCHEMA}, c.relname, array_to_string(c.reloptions, ',')) as line
    from pg_class c ${JOINED} where c.relkind in ('v', 'm') and ${SETTLED}`,
  // Roles belong to the whole server: only the instance's own count.
  roles: `
    select format('%s: %s', r.rolname, array_to_string(array[r.rolsuper, r.rolbypassrls, r.rolinherit, r.rolcreaterole, r.rolcreatedb,
      r.rolreplication, r.rolcanlogin], ',')) as line
    from names, pg_roles r where r.oid in (names.app, names.login, names.central)`,
  memberships: `
    select format('%s is a member of %s: %s', pg_get_userbyid(m.member), pg_get_userbyid(m.roleid),
      (to_jsonb(m) - 'oid' - 'roleid' - 'member' - 'grantor')::text) as line
    from names, pg_auth_members m
    where m.member in (names.app, names.login, names.central) or m.roleid in (names.app, names.login, names.central)`,
  functions: `
    select format('%s %s %s: %s %s %s', f.name, f.prosecdef, array_to_string(f.proconfig, ','), pg_get_userbyid(f.proowner), ${grants('f.proacl')},
      md5(p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), ''))) as line
    from callable f join pg_proc p on p.oid = f.oid
    where f.schema = 'tenantry' or (f.prosecdef and f.schema not in ('pg_catalog', 'information_schema'))`,
  triggers: `
    select format('%s.%I %I %s: %s', ${SCHEMA}, c.relname, g.tgname, g.tgenabled, g.tgfoid::regproc) as line
    from pg_trigger g join pg_class c on c.oid = g.tgrelid ${JOINED} where not g.tgisinternal and ${SETTLED}`,
  'default privileges': `
    select format('%s %s %s: %s', pg_get_userbyid(d.defaclrole), coalesce(n.nspname, ''), d.defaclobjtype, ${grants('d.defaclacl')}) as line
    from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace`,
  'global tables': `select format('%I.%I', schema_name, table_name) as line from tenantry.global_table`,
} as const

const partNames = Object.keys(parts) as FingerprintPart[]

/**
 * The fingerprint over policies, grants, owners and what else isolation rests on. Two runs over an unaltered catalogue
 * agree; where they do not, the parts that differ say what was altered.
 *
 * @example
 * ```ts
 * const { fingerprint, parts } = await catalogueFingerprint(admin, instance.roles)
 * ```
 */
export async function catalogueFingerprint(sql: Sql, roles: InstanceRoles): Promise<CatalogueFingerprint> {
  const base = catalogueBase({ roles, loginUser: roles.login, sharedSchemas: [] })
  const columns = partNames.map(
    (name, at) =>
      `(select string_agg(distinct line collate "C", e'\\n' order by line collate "C") from (${parts[name]}) x) as part${at}`,
  )
  const { rows } = await sql.query<Record<string, string | null>>(
    `set local search_path = pg_catalog, pg_temp; set local jit = off; with recursive ${base} select ${columns.join(', ')}`,
  )
  const hashes = partNames.map((name, at) => [name, sha256(rows[0]?.[`part${at}`] ?? '')] as const)
  const named = Object.fromEntries(hashes) as Record<FingerprintPart, string>
  return { fingerprint: sha256(hashes.map(([name, hash]) => `${name} ${hash}`).join('\n')), parts: named }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
