// Guards and grants of a schema as one text: what tenantry.guard_schema finds out object by object for each schema anew.
import type { Sql } from '../../../engine/sql/database.ts'
import { quoteIdentifier as quote } from '../../../kernel/identifiers.ts'
import type { TenantRoles } from '../../../tenants/options.ts'
import { referenceSchema } from '../reference.ts'

interface Relation {
  readonly name: string
  readonly kind: 'table' | 'view' | 'sequence'
}

const selectRelations = `
select c.relname::text as name, case c.relkind when 'S' then 'sequence' when 'v' then 'view' else 'table' end as kind
  from pg_class c where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'p', 'v', 'S')
   and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'i' and c.relkind = 'S')
 order by c.oid`

/** The guards of the reference, for its own tenant; `guardsFor` makes them another one's. */
export async function readGuards(tx: Sql, roles: TenantRoles): Promise<string> {
  const { rows } = await tx.query<Relation>(selectRelations, [referenceSchema.name])
  const namesOf = (...kinds: readonly Relation['kind'][]) =>
    rows.filter(({ kind }) => kinds.includes(kind)).map(({ name }) => quote(name))
  const [app, central] = [quote(roles.app), quote(roles.central)]
  const grant = (privileges: string, names: readonly string[], to: string) =>
    names.length === 0 ? [] : [`grant ${privileges} on ${names.join(', ')} to ${to}`]
  const test = `((select tenantry.current_tenant_id()) = '${referenceSchema.tenantId}'::uuid)`
  return [
    ...grant('select, insert, update, delete', namesOf('table', 'view'), `${app}, ${central}`),
    ...grant('usage, select', namesOf('sequence'), app).map((text) => text.replace(' on ', ' on sequence ')),
    ...namesOf('table').flatMap((name) => [
      `alter table ${name} enable row level security, force row level security`,
      `create policy tenantry_guard on ${name} to ${app} using ${test}`,
      `create policy tenantry_central on ${name} to ${central} using (true) with check (true)`,
    ]),
  ]
    .map((statement) => `${statement};\n`)
    .join('')
}

/** The guards for another tenant. */
export function guardsFor(guards: string, tenantId: string): string {
  return guards.replaceAll(`'${referenceSchema.tenantId}'::uuid`, `'${tenantId}'::uuid`)
}
