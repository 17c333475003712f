// What somebody would send who has found an SQL injection in one tenant's pages and wants another tenant's rows: any
// SQL text at all, in the scope of the tenant it came in by. Each attack says which answer counts as a refusal; any
// other answer, an unexpected error included, counts as got through.
import { isTenantryError } from 'tenantry'

/** The kinds of attack, in the order in which the demo shows them. */
export const kinds = ['cross-tenant read', 'cross-tenant write', 'forged context', 'role hop']

/** The attacks by which one tenant reaches for another of the same isolation. */
export function attacks(attacker, victim) {
  const rowTenant = attacker.isolation === 'row'
  const invoices = rowTenant ? 'invoices' : `${victim.schemaName}.invoices`
  const stolen = rowTenant ? `${invoices} where tenant_id = '${victim.id}'` : invoices
  const insert = rowTenant
    ? `insert into invoices (tenant_id, id, customer_id, issued_on) values ('${victim.id}', 999, 1, '2026-12-24')`
    : `insert into ${invoices} (id, customer_id, issued_on) values (999, 1, '2026-12-24')`
  return [
    {
      kind: 'cross-tenant read',
      text: `select * from ${stolen}`,
      refusal: noRows,
      why: rowTenant
        ? "the policy of the table shows the rows of the scope's own tenant only"
        : "the guard policy on each table of a tenant's schema compares the scope with the schema's owner",
    },
    {
      kind: 'cross-tenant write',
      text: insert,
      refusal: sqlState('42501'),
      why: rowTenant
        ? "the policy's WITH CHECK refuses rows of any other tenant"
        : "the guard's WITH CHECK refuses rows of any other tenant's scope",
    },
    {
      kind: 'forged context',
      text: under(`'${'0'.repeat(64)}.0001.${victim.id}.9999999999..'`, invoices),
      refusal: code('CONTEXT_INVALID'),
      why: 'an invented context carries no signature that the database would make',
    },
    {
      kind: 'forged context',
      text: under(`replace(current_setting('tenantry.context'), '${attacker.id}', '${victim.id}')`, invoices),
      refusal: code('CONTEXT_INVALID'),
      why: 'the signature covers the tenant: a true one does not fit after the tenant was swapped',
    },
    {
      kind: 'role hop',
      text: hop('none', stolen),
      refusal: sqlState('42501'),
      why: 'back to the login is all a hop can reach, and the login has no rights on any table',
    },
    {
      kind: 'role hop',
      text: hop('pg_read_all_data', stolen),
      refusal: sqlState('42501'),
      why: 'the login is a member of no role but the one that it runs as under the policies',
    },
  ]
}

/** Sends the attack; `refused` is what the database said, or undefined where the attack got through. */
export async function attempt(scope, { text, refusal }) {
  try {
    const { rows, rowCount } = await scope.query(text)
    return { refused: refusal({ rows }), answer: `${rowCount} rows` }
  } catch (error) {
    return { refused: refusal({ error }), answer: `${error.code}: ${error.message}` }
  }
}

const under = (context, from) =>
  `select stolen.* from (select set_config('tenantry.context', ${context}, true)) as forged,
  lateral (select * from ${from} where forged is not null) as stolen`

const hop = (role, from) =>
  `select query_to_xml($$ select * from ${from} $$, true, false, '')
  from (select set_config('role', '${role}', true)) as hopped where hopped is not null`

function noRows({ rows }) {
  return rows?.length === 0
}

function sqlState(wanted) {
  return ({ error }) => error?.code === wanted
}

function code(wanted) {
  return ({ error }) => isTenantryError(error, wanted)
}
