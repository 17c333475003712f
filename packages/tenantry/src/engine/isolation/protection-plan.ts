// Decides which statements bring a shared table into the policy form. Pure: from the catalogue's facts to SQL text.
import { quoteIdentifier, quoteLiteral } from '../../kernel/identifiers.ts'
import { CENTRAL_POLICY, TENANT_COLUMN, TENANT_POLICY, type TableFacts } from './table-facts.ts'

export interface PlanInput {
  readonly facts: TableFacts
  readonly roles: { readonly app: string; readonly central: string }
  /** Rows that have no tenant yet are given to this one. */
  readonly tenantId: string | undefined
  readonly hasUnownedRows: boolean
}

const DEFAULT = 'tenantry.claimed_tenant_id()'

export function qualifiedName({ schema, name }: TableFacts): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
}

/** The statements, in order; empty where the table is protected already. Foreign keys are planned apart. */
export function planProtection(input: PlanInput): readonly string[] {
  const { facts } = input
  return [
    ...columnStatements(input),
    ...keyStatements(facts),
    ...policyStatements(input),
    ...viewStatements(facts),
    ...grants(input),
  ]
}

function columnStatements({ facts, tenantId, hasUnownedRows }: PlanInput): readonly string[] {
  const table = qualifiedName(facts)
  const column = facts.tenantColumn
  const statements: string[] = []
  if (!column && hasUnownedRows && tenantId !== undefined) {
    // A constant default fills existing rows without rewriting the table.
    statements.push(`alter table ${table} add column ${TENANT_COLUMN} uuid not null default ${quoteLiteral(tenantId)}`)
  } else if (!column) {
    statements.push(`alter table ${table} add column ${TENANT_COLUMN} uuid`)
  } else if (hasUnownedRows && tenantId !== undefined) {
    statements.push(`update ${table} set ${TENANT_COLUMN} = ${quoteLiteral(tenantId)} where ${TENANT_COLUMN} is null`)
  }
  if (column?.default !== DEFAULT) {
    statements.push(`alter table ${table} alter column ${TENANT_COLUMN} set default ${DEFAULT}`)
  }
  if (!column?.notNull) statements.push(`alter table ${table} alter column ${TENANT_COLUMN} set not null`)
  return statements
}

function keyStatements(facts: TableFacts): readonly string[] {
  const table = qualifiedName(facts)
  const { primaryKey } = facts
  if (primaryKey.includes(TENANT_COLUMN) || primaryKey.length === 0) {
    return facts.hasTenantIndex ? [] : [`create index on ${table} (${TENANT_COLUMN})`]
  }
  const wanted = [TENANT_COLUMN, ...primaryKey]
  if (facts.uniqueKeys.some((key) => key.join('\0') === wanted.join('\0'))) return []
  return [`alter table ${table} add unique (${wanted.map(quoteIdentifier).join(', ')})`]
}

function policyStatements({ facts, roles }: PlanInput): readonly string[] {
  const own = { name: qualifiedName(facts), protected: facts.rowSecurity && facts.forced }
  const has = (policy: string) => facts.policies.some(({ name }) => name === policy)
  const statements = own.protected ? [] : [enableRowSecurity(own.name)]
  if (!has(TENANT_POLICY)) statements.push(tenantPolicy(own.name, roles.app))
  if (!has(CENTRAL_POLICY)) statements.push(centralPolicy(own.name, roles.central))
  // Whoever names a partition or child directly is judged by its policies alone.
  const children = facts.children.filter((child) => !child.protected)
  for (const { name } of children) {
    statements.push(enableRowSecurity(name), tenantPolicy(name, roles.app), centralPolicy(name, roles.central))
  }
  return statements
}

// A view runs with its owner's rights, who sees the rows of all tenants, unless it says otherwise.
function viewStatements({ views }: TableFacts): readonly string[] {
  return views
    .filter(({ kind, runsAsCaller }) => kind === 'v' && !runsAsCaller)
    .map(({ name }) => `alter view ${name} set (security_invoker = true)`)
}

/** Switches row-level security on for everyone, the owner included. The table is quoted and qualified. */
export const enableRowSecurity = (table: string) =>
  `alter table ${table} enable row level security, force row level security`

/** The policy that shows app the rows of the verified tenant. */
export const tenantPolicy = (table: string, app: string) => {
  const test = `(${TENANT_COLUMN} = (select tenantry.current_tenant_id()))`
  return `create policy ${TENANT_POLICY} on ${table} to ${quoteIdentifier(app)} using ${test} with check ${test}`
}

// FORCE with one policy would blind the owner: its UPDATE touches no rows and ADD FOREIGN KEY over orphans passes.
export const centralPolicy = (table: string, central: string) =>
  `create policy ${CENTRAL_POLICY} on ${table} to ${quoteIdentifier(central)} using (true) with check (true)`

function grants({ facts, roles }: PlanInput): readonly string[] {
  const app = quoteIdentifier(roles.app)
  const table = qualifiedName(facts)
  const statements: string[] = []
  if (!facts.appMayUseAll) {
    statements.push(
      `grant usage on schema ${quoteIdentifier(facts.schema)} to ${app}`,
      `grant select, insert, update, delete on ${table} to ${app}`,
    )
  }
  // TRUNCATE heeds no policy, and a partition can be named directly.
  const excessive = facts.children.filter((child) => child.excessRights).map(({ name }) => name)
  if (facts.excessRights) excessive.unshift(table)
  for (const name of excessive) statements.push(`revoke truncate, references, trigger on ${name} from public, ${app}`)
  for (const sequence of facts.sequences) statements.push(`grant usage on sequence ${sequence} to ${app}`)
  return statements
}
