// What mends what a probe has found. SQL where there is one answer to it.
import { CENTRAL_POLICY, TENANT_COLUMN, TENANT_POLICY } from '../../../engine/isolation/table-facts.ts'
import { quoteIdentifier, quoteLiteral } from '../../../kernel/identifiers.ts'
import type { InstanceRoles } from '../../../control/instance.ts'
import type { SchemaTenant, TargetTable } from './targets.ts'

export interface Repairs {
  table(table: TargetTable, attack: string): string
  /** For a table of a schema tenant, by its quoted name. */
  schemaTable(name: string): string
}

/** The repairs of one instance; schema tenants' tables are known by their schema. */
export function repairsFor(roles: InstanceRoles, tenants: readonly SchemaTenant[]): Repairs {
  const owners = new Map(tenants.map(({ id, schemaName }) => [schemaName, id]))
  const [app, login] = [roles.app, roles.login].map(quoteIdentifier)
  return {
    table({ name, schema }, attack) {
      if (attack === 'truncate') return `REVOKE TRUNCATE ON ${name} FROM PUBLIC, ${app};`
      if (ENTRANCES.has(attack)) return `REVOKE ALL ON ${name} FROM PUBLIC, ${login};`
      return policyRepair(roles, name, owners.get(schema))
    },
    schemaTable(name) {
      const owner = tenants.find(({ schemaName }) => name.startsWith(`${quoteIdentifier(schemaName)}.`))
      return policyRepair(roles, name, owner?.id)
    },
  }
}

const ENTRANCES = new Set(['as the login', 'after RESET ROLE'])

function policyRepair(roles: InstanceRoles, table: string, owner: string | undefined): string {
  const [app, central] = [roles.app, roles.central].map(quoteIdentifier)
  const current = '(select tenantry.current_tenant_id())'
  const own = `(${TENANT_COLUMN} = ${current})`
  // A guard says it once, as tenantry.guard_schema makes it: what may be seen is what may be written.
  const [policy, test] =
    owner === undefined
      ? [TENANT_POLICY, `${own} WITH CHECK ${own}`]
      : ['tenantry_guard', `(${current} = ${quoteLiteral(owner)}::uuid)`]
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;`,
    `DROP POLICY IF EXISTS ${policy} ON ${table};`,
    `CREATE POLICY ${policy} ON ${table} TO ${app} USING ${test};`,
    `DROP POLICY IF EXISTS ${CENTRAL_POLICY} ON ${table};`,
    `CREATE POLICY ${CENTRAL_POLICY} ON ${table} TO ${central} USING (true) WITH CHECK (true);`,
    `-- Then drop every other permissive policy of ${table} for ${app} or PUBLIC.`,
  ].join('\n')
}
