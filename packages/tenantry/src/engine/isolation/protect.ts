// Brings a shared table into the policy form, in one transaction: tenant column, keys, policies, grants.
import { TenantryError } from '../../kernel/errors.ts'
import type { CentralDatabase, Sql } from '../sql/database.ts'
import { readTenantlessKeys, tenantKeyStatements } from './foreign-keys.ts'
import { planProtection, qualifiedName } from './protection-plan.ts'
import { CENTRAL_POLICY, readTableFacts, TENANT_COLUMN, TENANT_POLICY, type TableFacts } from './table-facts.ts'

export interface ProtectTable {
  /** As PostgreSQL reads names; unqualified ones are looked up in `public`. */
  readonly table: string
  readonly roles: { readonly app: string; readonly central: string }
  /** The tenant that rows without one belong to. */
  readonly tenantId?: string | undefined
  /** Runs everything and rolls back. */
  readonly dryRun?: boolean | undefined
}

export interface ProtectResult {
  /** Quoted, schema-qualified. */
  readonly table: string
  /** What was run, or would be. */
  readonly statements: readonly string[]
  readonly changed: boolean
}

/** Ends a dry run's transaction; caught right outside of it. */
class DryRun extends Error {}

/**
 * Protects a table. Throws TABLE_NOT_FOUND, TABLE_NOT_OWNED, TABLE_UNSUPPORTED, and TABLE_NOT_EMPTY where rows have no
 * tenant and none was named; nothing is changed then.
 */
export async function protectTable(database: CentralDatabase, request: ProtectTable): Promise<ProtectResult> {
  let result: ProtectResult | undefined
  try {
    await database.transaction(async (tx) => {
      await tx.query("set local search_path = public, pg_temp; set local lock_timeout = '10s'")
      result = await protectIn(tx, request)
      if (request.dryRun) throw new DryRun()
    })
  } catch (error) {
    if (!(error instanceof DryRun)) throw error
  }
  if (!result) throw new TenantryError('INTERNAL', 'The protection was not planned.')
  return result
}

async function protectIn(tx: Sql, { table, roles, tenantId }: ProtectTable): Promise<ProtectResult> {
  const facts = await readTableFacts(tx, table, roles.app)
  refuseUnsupported(facts, roles)
  const name = qualifiedName(facts)
  // Nobody may add rows between the look at them and the policy.
  await tx.query(`lock table ${name} in access exclusive mode`)
  const hasUnownedRows = await findUnownedRows(tx, facts)
  if (hasUnownedRows && tenantId === undefined) {
    throw new TenantryError('TABLE_NOT_EMPTY', `The table ${name} has rows that belong to no tenant.`)
  }
  const statements = [...planProtection({ facts, roles, tenantId, hasUnownedRows })]
  for (const statement of statements) await tx.query(statement)
  await refuseStrangers(tx, facts)
  // It belongs to tenants now, whatever was said of it before.
  await tx.query('delete from tenantry.global_table where schema_name = $1 and table_name = $2', [
    facts.schema,
    facts.name,
  ])
  for (const key of await readTenantlessKeys(tx, facts.oid)) {
    for (const statement of tenantKeyStatements(key)) {
      statements.push(statement)
      await tx.query(statement).catch((cause: unknown) => {
        throw new TenantryError('TABLE_UNSUPPORTED', `The foreign key ${key.name} of ${key.child} crosses tenants.`, {
          fix: 'Mend the rows whose parent belongs to another tenant, then protect the table again.',
          cause,
        })
      })
    }
  }
  return { table: name, statements, changed: statements.length > 0 }
}

/** Throws TABLE_UNSUPPORTED or TABLE_NOT_OWNED for what cannot be brought into the policy form. */
export function refuseUnsupported(facts: TableFacts, { app }: Pick<ProtectTable['roles'], 'app'>): void {
  const name = qualifiedName(facts)
  if (facts.kind !== 'r' && facts.kind !== 'p') {
    throw new TenantryError('TABLE_UNSUPPORTED', `${name} is not a table.`)
  }
  if (facts.schema === 'tenantry' || facts.schema === 'information_schema' || facts.schema.startsWith('pg_')) {
    throw new TenantryError('TABLE_UNSUPPORTED', `${name} belongs to the system.`)
  }
  if (!facts.isOurs) {
    throw new TenantryError('TABLE_NOT_OWNED', `The table ${name} belongs to the role ${facts.owner}.`)
  }
  if (facts.tenantColumn && facts.tenantColumn.type !== 'uuid') {
    throw new TenantryError('TABLE_UNSUPPORTED', `The column ${TENANT_COLUMN} of ${name} is not of type uuid.`)
  }
  refuseForeignPolicies(facts, app)
  refuseReadableCopies(facts)
}

function refuseReadableCopies({ views }: TableFacts): void {
  const copy = views.find(({ kind, appMayRead }) => kind === 'm' && appMayRead)
  if (!copy) return
  throw new TenantryError('TABLE_UNSUPPORTED', `The materialized view ${copy.name} shows rows of all tenants.`, {
    fix: 'Revoke SELECT on it from PUBLIC and from the application role: it can carry no policy.',
  })
}

// Permissive policies are joined by OR: another one would let rows of all tenants through.
function refuseForeignPolicies(facts: TableFacts, app: string): void {
  const own = new Set([TENANT_POLICY, CENTRAL_POLICY])
  const foreign = facts.policies.find(
    ({ name, roles }) => !own.has(name) && roles.some((role) => role === 'public' || role === app),
  )
  const found = [
    { table: qualifiedName(facts), policy: foreign?.name },
    ...facts.children.map(({ name, foreignPolicy }) => ({ table: name, policy: foreignPolicy ?? undefined })),
  ]
  for (const { table, policy } of found) {
    if (policy === undefined) continue
    throw new TenantryError('TABLE_UNSUPPORTED', `${table} has a policy of its own, ${policy}.`, {
      fix: 'Drop that policy, or restrict it to roles other than the application.',
    })
  }
}

async function findUnownedRows(tx: Sql, facts: TableFacts): Promise<boolean> {
  const where = facts.tenantColumn ? ` where ${TENANT_COLUMN} is null` : ''
  const { rows } = await tx.query<{ found: boolean }>(
    `select exists (select from ${qualifiedName(facts)}${where}) as found`,
  )
  return rows[0]?.found ?? false
}

async function refuseStrangers(tx: Sql, facts: TableFacts): Promise<void> {
  if (!facts.tenantColumn) return
  const { rows } = await tx.query<{ found: boolean }>(
    `select exists (select from (select distinct ${TENANT_COLUMN} as id from ${qualifiedName(facts)}) r
       where not exists (select from tenantry.tenant t where t.id = r.id)) as found`,
  )
  if (!rows[0]?.found) return
  throw new TenantryError(
    'TABLE_NOT_EMPTY',
    `The table ${qualifiedName(facts)} has rows of tenants that do not exist.`,
    {
      fix: `Create those tenants, or correct ${TENANT_COLUMN}, then protect the table again.`,
    },
  )
}
