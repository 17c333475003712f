// What the application reads and writes of the control plane's own tables, by its own SQL inside a tenant: the columns
// that are granted, and the policies that choose the rows. `init` makes them so, and `verify` compares. A column that is
// not listed here is closed. A change of this list needs a control migration, so that every instance runs init.
import type { Sql } from '../engine/sql/database.ts'
import { quoteIdentifier } from '../kernel/identifiers.ts'

interface AppPolicy {
  readonly name: string
  readonly command: 'select' | 'update'
  /** As PostgreSQL writes the expression down, its own names left bare; for updates it is the check as well. */
  readonly test: string
}

interface AppTable {
  /** In the schema `tenantry`. */
  readonly table: string
  readonly select: readonly string[]
  readonly update?: readonly string[]
  readonly policies: readonly AppPolicy[]
}

// In a sub-select they are asked once a statement, not once a row.
const HERE = '( SELECT tenantry.current_tenant_id() AS current_tenant_id)'
const ORGANIZATION = '( SELECT tenantry.current_organization_id() AS current_organization_id)'
const TEAMS = '( SELECT tenantry.current_team_ids() AS current_team_ids)'
const OWN_ROLE = '( SELECT tenantry.get_user_tenant_role() AS get_user_tenant_role)'

const ownRows = (name: string): AppPolicy => ({ name, command: 'select', test: `(tenant_id = ${HERE})` })

// Row-level security is enabled and not forced: the owner of these tables is the control plane itself, which works for
// all tenants; the application owns nothing and is never exempt.
const appTables: readonly AppTable[] = [
  {
    table: 'tenant',
    select: [
      ...['id', 'slug', 'name', 'status', 'isolation', 'plan', 'owner_user_id', 'settings', 'metadata'],
      ...['mode', 'mode_reason', 'mode_since', 'provisioned_at', 'created_at', 'updated_at'],
    ],
    // Not plan, status nor isolation: what a tenant may not raise for itself.
    update: ['name', 'settings', 'metadata'],
    policies: [
      { name: 'tenantry_own', command: 'select', test: `(id = ${HERE})` },
      {
        name: 'tenantry_own_edit',
        command: 'update',
        test: `((id = ${HERE}) AND (${OWN_ROLE} = ANY (ARRAY['owner'::text, 'admin'::text])))`,
      },
    ],
  },
  {
    table: 'member',
    select: [
      ...['tenant_id', 'user_id', 'email', 'role', 'state', 'invited_by', 'invited_at', 'joined_at', 'suspended_at'],
      ...['revoked_at', 'metadata', 'created_at', 'updated_at'],
    ],
    policies: [ownRows('tenantry_own')],
  },
  {
    table: 'role',
    select: ['tenant_id', 'name', 'rank', 'permissions', 'description', 'created_at', 'updated_at'],
    // Built-in ones belong to no tenant and are read in every one; outside of all it is an error, as everywhere.
    policies: [{ name: 'tenantry_own', command: 'select', test: `(COALESCE(tenant_id, ${HERE}) = ${HERE})` }],
  },
  {
    table: 'invitation',
    // Neither token_hash nor bounds.
    select: [
      ...['id', 'tenant_id', 'email', 'role', 'state', 'invited_by', 'expires_at', 'accepted_at', 'accepted_by'],
      ...['revoked_at', 'metadata', 'created_at'],
    ],
    policies: [ownRows('tenantry_own')],
  },
  {
    table: 'tenant_stats',
    select: [
      ...['tenant_id', 'members', 'active_members', 'organizations', 'keys', 'row_count', 'size_bytes'],
      ...['last_activity_at', 'refreshed_at'],
    ],
    policies: [ownRows('tenantry_own')],
  },
  {
    // Whoever of the operators has access to the tenant, or had it, does not have it unseen.
    table: 'support_access',
    select: [
      ...['id', 'tenant_id', 'user_id', 'reason', 'may_write', 'opened_by', 'created_at', 'expires_at', 'ended_at'],
    ],
    policies: [ownRows('tenantry_own')],
  },
  {
    // The one that owns the tenant in scope; nothing shows which others it owns.
    table: 'organization',
    select: ['id', 'slug', 'name'],
    policies: [{ name: 'tenantry_own', command: 'select', test: `(id = ${ORGANIZATION})` }],
  },
  {
    table: 'organization_tenant',
    select: ['tenant_id', 'organization_id', 'member_role', 'created_at'],
    policies: [ownRows('tenantry_own')],
  },
  {
    // Those with a role in the tenant in scope.
    table: 'team',
    select: ['id', 'organization_id', 'slug', 'name', 'created_at'],
    policies: [{ name: 'tenantry_own', command: 'select', test: `(id = ANY (${TEAMS}::uuid[]))` }],
  },
  {
    table: 'team_member',
    select: ['organization_id', 'team_id', 'user_id', 'created_at'],
    policies: [{ name: 'tenantry_own', command: 'select', test: `(team_id = ANY (${TEAMS}::uuid[]))` }],
  },
  {
    table: 'team_role',
    select: ['organization_id', 'team_id', 'tenant_id', 'role'],
    policies: [ownRows('tenantry_own')],
  },
]

/** The listed tables, each with a column that no row of another tenant may show. Built-in roles have none in it. */
export const openedTables: readonly { readonly table: string; readonly key: string }[] = appTables.map(
  ({ table, select: [key = ''] }) => ({ table, key }),
)

/** The listed columns as SQL: rows of table, column and verb. */
export const openedColumns = `(values ${appTables
  .flatMap(({ table, select, update = [] }) => [
    ...select.map((column) => `('${table}', '${column}', 'select')`),
    ...update.map((column) => `('${table}', '${column}', 'update')`),
  ])
  .join(', ')})`

/** Something that is not as it is listed, with the SQL that makes it so. */
export interface Deviation {
  readonly kind: 'grants' | 'policies'
  readonly subject: string
  readonly fix: string
}

interface ActualTable {
  readonly name: string
  readonly kind: string
  readonly enabled: boolean
  readonly forced: boolean
  /** As `select plan`, `insert *`. */
  readonly grants: readonly { readonly grantee: string; readonly right: string }[]
  readonly policies: readonly ActualPolicy[]
}

interface ActualPolicy {
  readonly name: string
  readonly permissive: boolean
  readonly command: string
  readonly roles: readonly string[]
  readonly using: string | null
  readonly check: string | null
}

const ACTUAL = `
  set local search_path = pg_catalog, pg_temp;
  select c.relname::text as name, case c.relkind when 'S' then 'sequence' else 'table' end as kind,
         c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
    coalesce((select jsonb_agg(jsonb_build_object('grantee', pg_get_userbyid(g.grantee), 'right', lower(g.privilege_type) || ' ' || g.name))
       from (select a.grantee, a.privilege_type, '*' as name from aclexplode(c.relacl) a
             union all
             select e.grantee, e.privilege_type, t.attname::text from pg_attribute t, aclexplode(t.attacl) e
              where t.attrelid = c.oid and t.attacl is not null) g), '[]') as grants,
    coalesce((select jsonb_agg(jsonb_build_object('name', p.polname, 'permissive', p.polpermissive,
         'command', case p.polcmd when 'r' then 'select' when 'w' then 'update' else p.polcmd::text end,
         'roles', (select jsonb_agg(case role when 0 then 'public' else pg_get_userbyid(role)::text end) from unnest(p.polroles) role),
         'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid)))
       from pg_policy p where p.polrelid = c.oid), '[]') as policies
    from pg_class c where c.relnamespace = 'tenantry'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
   order by c.relname`

/** What of the control plane's tables is open to the app role, or closed, other than as listed. */
export async function appTableDeviations(sql: Sql, app: string): Promise<readonly Deviation[]> {
  const { rows } = await sql.query<ActualTable>(ACTUAL)
  return rows.flatMap((actual) => {
    const listed = appTables.find(({ table }) => table === actual.name)
    return [...grantDeviations(actual, listed, app), ...policyDeviations(actual, listed, app)]
  })
}

/** Opens what is listed, and nothing else; changes nothing where it is so already. */
export async function openAppTables(tx: Sql, app: string): Promise<void> {
  for (const { fix } of await appTableDeviations(tx, app)) await tx.query(fix)
}

const VERBS = ['select', 'update'] as const

function grantDeviations(actual: ActualTable, listed: AppTable | undefined, app: string): readonly Deviation[] {
  const wanted = VERBS.flatMap((verb) => listed?.[verb]?.map((name) => `${verb} ${name}`) ?? [])
  const held = actual.grants.filter(({ grantee }) => grantee === app).map(({ right }) => right)
  if (held.length === wanted.length && wanted.every((right) => held.includes(right))) return []
  const subject = `tenantry.${actual.name}`
  const role = quoteIdentifier(app)
  const grants = VERBS.flatMap((verb) => {
    const columns = listed?.[verb]?.join(', ') ?? ''
    return columns === '' ? [] : [`grant ${verb} (${columns}) on ${subject} to ${role};`]
  })
  return [
    { kind: 'grants', subject, fix: [`revoke all on ${actual.kind} ${subject} from ${role};`, ...grants].join(' ') },
  ]
}

function policyDeviations(actual: ActualTable, listed: AppTable | undefined, app: string): readonly Deviation[] {
  // Nobody but the owner comes near the others, and where that is not so the grants say it.
  if (listed === undefined) return []
  const subject = `tenantry.${actual.name}`
  const strange = actual.policies.filter(({ name }) => !listed.policies.some((policy) => policy.name === name))
  const altered = listed.policies.filter(
    (policy) => !actual.policies.some((candidate) => candidate.name === policy.name && isAs(candidate, policy, app)),
  )
  const deviation = (what: string, fix: string): Deviation => ({ kind: 'policies', subject: `${what}${subject}`, fix })
  return [
    ...(actual.enabled && !actual.forced
      ? []
      : [deviation('', `alter table ${subject} enable row level security, no force row level security;`)]),
    ...strange.map(({ name }) =>
      deviation(`${quoteIdentifier(name)} on `, `drop policy ${quoteIdentifier(name)} on ${subject};`),
    ),
    ...altered.map((policy) => deviation(`${policy.name} on `, remade(policy, subject, app))),
  ]
}

function isAs(actual: ActualPolicy, { command, test }: AppPolicy, app: string): boolean {
  const check = command === 'update' ? test : null
  const isTo = actual.roles.length === 1 && actual.roles[0] === app
  return actual.permissive && isTo && actual.command === command && actual.using === test && actual.check === check
}

function remade({ name, command, test }: AppPolicy, subject: string, app: string): string {
  const check = command === 'update' ? ` with check ${test}` : ''
  const create = `create policy ${name} on ${subject} for ${command} to ${quoteIdentifier(app)} using ${test}${check};`
  return `drop policy if exists ${name} on ${subject}; ${create}`
}
