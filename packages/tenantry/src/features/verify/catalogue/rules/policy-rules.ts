// The policies: enabled, forced, and word for word what Tenantry makes.
import { CENTRAL_POLICY, TENANT_POLICY } from '../../../../engine/isolation/table-facts.ts'
import type { CatalogueRule } from '../catalogue-rule.ts'

// As PostgreSQL 15 to 18 write the generated expressions, names of PostgreSQL's own left bare. Anything else in the text
// (an OR, a cast of the column, a call outside of a sub-select) is a policy that was edited by hand.
const VERIFIED = '( SELECT tenantry.current_tenant_id() AS current_tenant_id)'
const TENANT_TEST = `(tenant_id = ${VERIFIED})`

const GUARD_FORM = `p.is_whole and p.polroles = array[names.app] and p.using_text = p.check_text
      and starts_with(p.using_text, '(${VERIFIED} = ''') and substr(p.using_text, ${VERIFIED.length + 42}) = '''::uuid)'`

const remadeGuard = `format('drop policy if exists tenantry_guard on %1$s; ' || names.guard_policy || ';', r.name, r.tenant_id) || r.owner_note`

const gatewayTest =
  "format('(tenant_id = ( SELECT tenantry.external_tenant_id(%L::text) AS external_tenant_id))', t.gateway)"

export const policyRules: readonly CatalogueRule[] = [
  {
    name: 'row-level security is enabled and forced',
    unit: 'tables',
    found: `select r.name as subject, format(names.enable, r.name) || ';' || r.owner_note as fix, not r.forced as bad
      from relation r, names
      where r.relkind in ('r', 'p') and (r.is_protected or r.is_guarded or r.tenant_id is not null)`,
  },
  {
    name: 'tenant policy has the generated form',
    unit: 'tables',
    found: `select r.name as subject,
        format('drop policy ${TENANT_POLICY} on %1$s; ' || names.tenant_policy || ';', r.name) || r.owner_note as fix,
        not (p.is_whole and p.polroles = array[names.app] and p.using_text = '${TENANT_TEST}' and p.check_text = '${TENANT_TEST}') as bad
      from names, relation r join policy p on p.polrelid = r.oid and p.polname = '${TENANT_POLICY}'`,
  },
  {
    name: 'guard policy has the generated form',
    unit: 'tables of tenant schemas',
    found: `select r.name as subject, ${remadeGuard} as fix, (${GUARD_FORM}) is not true as bad
      from names, relation r left join policy p on p.polrelid = r.oid and p.polname = 'tenantry_guard'
      where r.relkind in ('r', 'p') and r.tenant_id is not null`,
  },
  {
    name: "guard policy names its schema's tenant",
    unit: 'tables of tenant schemas',
    found: `select r.name as subject, ${remadeGuard} as fix, substr(p.using_text, ${VERIFIED.length + 6}, 36) <> r.tenant_id::text as bad
      from names, relation r join policy p on p.polrelid = r.oid and p.polname = 'tenantry_guard'
      where r.tenant_id is not null and ${GUARD_FORM}`,
  },
  {
    name: 'central policy has the generated form',
    unit: 'tables',
    found: `select r.name as subject,
        format('drop policy if exists ${CENTRAL_POLICY} on %1$s; ' || names.central_policy || ';', r.name) || r.owner_note as fix,
        (p.is_whole and p.polroles = array[names.central] and p.using_text = 'true' and p.check_text = 'true') is not true as bad
      from names, relation r left join policy p on p.polrelid = r.oid and p.polname = '${CENTRAL_POLICY}'
      where r.relkind in ('r', 'p') and (r.is_protected or r.is_guarded or r.tenant_id is not null)`,
  },
  {
    name: 'gateway policy has the generated form',
    unit: 'tables that a gateway was let at',
    found: `select format('%s for %s', r.name, t.gateway) as subject,
        format('drop policy if exists %1$I on %2$s; create policy %1$I on %2$s to %3$I using (%4$s) with check (%4$s);',
          'tenantry_' || t.gateway, r.name, a.role_name,
          format('tenant_id = (select tenantry.external_tenant_id(%L))', t.gateway)) || r.owner_note as fix,
        (p.polpermissive and p.polcmd = '*' and p.polroles = array[g.oid]
          and pg_get_expr(p.polqual, p.polrelid) = ${gatewayTest}
          and pg_get_expr(p.polwithcheck, p.polrelid) = ${gatewayTest}) is not true as bad
      from tenantry.external_table t join tenantry.external_access a using (gateway) join relation r on r.oid = t.relation
        left join pg_roles g on g.rolname = a.role_name
        left join pg_policy p on p.polrelid = r.oid and p.polname = 'tenantry_' || t.gateway`,
  },
  {
    // Permissive policies are joined by OR: another one lets rows of all tenants through. Restrictive ones only narrow.
    name: 'no other policy lets the application in',
    unit: 'policies beside the generated ones',
    found: `select format('%I on %s', p.polname, r.name) as subject, format('drop policy %I on %s;', p.polname, r.name) || r.owner_note as fix,
        p.polpermissive and exists (select from unnest(p.polroles) role where role = 0 or pg_has_role(names.app, role, 'member')
          or pg_has_role(names.login_user, role, 'member')) as bad
      from names, relation r join pg_policy p on p.polrelid = r.oid
      where (r.is_protected or r.is_guarded or r.tenant_id is not null)
        and p.polname not in ('${TENANT_POLICY}', '${CENTRAL_POLICY}', 'tenantry_guard')
        and not exists (select from tenantry.external_table t where t.relation = r.oid and p.polname = 'tenantry_' || t.gateway)`,
  },
]
