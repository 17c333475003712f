// The control plane's own objects: one owner, and its functions open to whom init opened them.
import { APP_FUNCTIONS } from '../../../../control/roles.ts'
import { quoteLiteral } from '../../../../kernel/identifiers.ts'
import type { CatalogueRule } from '../catalogue-rule.ts'

const OPEN = `f.oid = any (array[${APP_FUNCTIONS.map((name) => `to_regprocedure(${quoteLiteral(`tenantry.${name}`)})`).join(', ')}]::oid[])`

export const controlPlaneRules: readonly CatalogueRule[] = [
  {
    name: 'the control plane has one owner',
    unit: 'relations and functions',
    found: `select o.name as subject, format('alter %s owner to %I;', o.name, pg_get_userbyid(n.nspowner)) as fix, o.owner <> n.nspowner as bad
      from pg_namespace n, (
        select format('%s tenantry.%I', case c.relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end, c.relname) as name,
          c.relowner as owner
        from pg_class c where c.relnamespace = 'tenantry'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
        union all select f.name, f.proowner from callable f where f.schema = 'tenantry') o
      where n.nspname = 'tenantry'`,
  },
  {
    name: 'the functions of the control plane are open to whom they must be',
    unit: 'functions',
    found: `select f.name as subject, f.is_public or f.is_executable <> (${OPEN}) as bad,
        case when ${OPEN} then format('revoke execute on %s from public; grant execute on %1$s to %s;', f.name, names.app_name)
          else format('revoke execute on %s from public, %s;', f.name, names.app_name) end as fix
      from names, callable f where f.schema = 'tenantry'`,
  },
]
