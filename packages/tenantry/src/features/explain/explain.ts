// What a tenant's statement costs under the real policy, what of it is the policy's, and why. Nothing is kept: both
// transactions are read-only and rolled back.
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import { sqlStateOf } from '../../engine/sql/database-errors.ts'
import type { QueryResult } from '../../engine/sql/pg.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { quoteLiteral } from '../../kernel/identifiers.ts'
import type { Tenant } from '../../tenants/tenant.ts'
import { readRelations } from './catalogue.ts'
import { countParameters, refuseUnexplainable } from './checked-statement.ts'
import { planWithoutPolicy } from './comparison.ts'
import { type ExplainFinding, findingsOf } from './findings.ts'
import { type Explained, isVerification, nodesOf, type PlanNode, relationsOf } from './plan.ts'

export interface ExplainOptions {
  /** Also runs the statement and measures; statements that write are refused then. */
  readonly analyze?: boolean
  /** Values for $1, $2 …; without them the plan is the generic one, from PostgreSQL 16 on. */
  readonly params?: readonly unknown[]
}

export interface ExplainedPlan {
  /** The planner's estimate, in its own unit. */
  readonly totalCost: number
  /** Milliseconds, where the statement was run. */
  readonly executionMs?: number
  /** The plan as EXPLAIN (FORMAT JSON, VERBOSE) gives it. */
  readonly plan: PlanNode
}

export interface ExplainResult {
  readonly tenant: { readonly id: string; readonly slug: string; readonly isolation: string }
  /** Parameters were left open. */
  readonly generic: boolean
  readonly underPolicy: ExplainedPlan
  /** The same as the central role with the tenant as a plain filter; null where that cannot be had. */
  readonly withoutPolicy: ExplainedPlan | null
  /** Why not. */
  readonly notComparable?: string
  /** How often the statement verifies its tenant: once for each table under a policy. */
  readonly verifications: number
  readonly findings: readonly ExplainFinding[]
}

/** A transaction in the tenant's scope, rolled back when the callback throws. */
export type ScopedTransactions = <T>(
  run: (tx: { query(text: string, values?: readonly unknown[]): Promise<QueryResult> }) => Promise<T>,
) => Promise<T>

export interface ExplainContext {
  readonly tenant: Tenant
  readonly inScope: ScopedTransactions
  readonly central: CentralDatabase
  readonly centralRole: string
  readonly sharedSchemas: readonly string[]
}

/**
 * Explains one statement as the tenant. Throws STATEMENT_REFUSED for anything but a statement on rows, and for one that
 * writes where it was to be analyzed; MULTIPLE_STATEMENTS; INVALID_INPUT where values are missing.
 */
export async function explainStatement(
  context: ExplainContext,
  text: string,
  options: ExplainOptions = {},
): Promise<ExplainResult> {
  refuseUnexplainable(text)
  const request = requestOf(text, options)
  const underPolicy = await planUnderPolicy(context, request)
  const relations = await readRelations(context.central, relationsOf(underPolicy.Plan))
  const { tenant, sharedSchemas, centralRole, central } = context
  const ownSchema = tenant.isolation === 'schema' ? tenant.schemaName : undefined
  const searchPath = ownSchema === undefined ? sharedSchemas : [ownSchema, ...sharedSchemas]
  const comparison = await planWithoutPolicy(central, {
    ...{ tenantId: tenant.id, relations, ownSchema, searchPath, centralRole, text: request.text },
    // Without values the text goes by the simple protocol, in which open parameters are allowed; that it is one
    // statement is known by now.
    values: request.generic ? undefined : request.values,
  })
  const without = 'explained' in comparison ? comparison.explained : undefined
  const used = new Set(without && nodesOf(without.Plan).map((node) => node['Index Name'] ?? ''))
  return {
    tenant: { id: tenant.id, slug: tenant.slug, isolation: tenant.isolation },
    generic: request.generic,
    underPolicy: planOf(underPolicy),
    withoutPolicy: without ? planOf(without) : null,
    ...('notComparable' in comparison && { notComparable: comparison.notComparable }),
    verifications: nodesOf(underPolicy.Plan).filter(isVerification).length,
    findings: findingsOf(underPolicy.Plan, relations, used),
  }
}

interface Request {
  readonly text: string
  readonly generic: boolean
  readonly analyze: boolean
  readonly values: readonly unknown[]
}

function requestOf(text: string, { analyze = false, params }: ExplainOptions): Request {
  const parameters = countParameters(text)
  const generic = parameters > 0 && params === undefined
  if (generic && analyze) throw missingValues(parameters, 'A statement with open parameters cannot be run.')
  if (params !== undefined && params.length !== parameters) {
    throw missingValues(parameters, 'The values do not match the parameters.')
  }
  const options = [
    'format json',
    'verbose',
    ...(analyze ? ['analyze', 'buffers'] : []),
    ...(generic ? ['generic_plan'] : []),
  ]
  // On a line of its own: the statement may begin with a comment.
  return {
    text: `explain (${options.join(', ')})\n${text}`,
    generic,
    analyze,
    values: params ?? Array<null>(parameters).fill(null),
  }
}

function missingValues(parameters: number, message: string): TenantryError {
  return new TenantryError('INVALID_INPUT', message, {
    field: 'params',
    fix: `Give one value for each of the ${parameters} parameters, as --params '[…]' on the command line.`,
  })
}

/** Ends the transaction with the plan, so that it is rolled back. */
class Planned extends Error {
  readonly explained: Explained
  constructor(explained: Explained) {
    super()
    this.explained = explained
  }
}

async function planUnderPolicy({ inScope }: ExplainContext, request: Request): Promise<Explained> {
  try {
    return await inScope(async (tx) => {
      // By the extended protocol, which takes one statement: the others rely on that.
      const first = planIn(await tx.query(request.text, request.values))
      if (request.generic) throw new Planned(await genericPlan(tx, request.text))
      // A second run, so that what is compared has the same pages in memory.
      throw new Planned(request.analyze ? planIn(await tx.query(request.text, request.values)) : first)
    })
  } catch (error) {
    if (error instanceof Planned) return error.explained
    throw refusalOf(error)
  }
}

// Bound parameters would be taken for constants, so the statement is planned where none are bound: inside of a block of
// code, which hands its result on in a setting of this transaction.
async function genericPlan(tx: Pick<Sql, never> & { query(text: string): Promise<QueryResult> }, text: string) {
  const block = `declare answer json; begin execute ${quoteLiteral(text)} into answer;
    execute format('set local tenantry.explained = %L', answer); end`
  await tx.query(`do ${quoteLiteral(block)}`)
  const { rows } = await tx.query("select current_setting('tenantry.explained')::json as plan")
  return planIn({ rows: (rows as { plan: unknown }[]).map(({ plan }) => ({ 'QUERY PLAN': plan })) })
}

function planIn({ rows }: { readonly rows: readonly unknown[] }): Explained {
  const row = rows[0] as { 'QUERY PLAN'?: readonly Explained[] } | undefined
  const explained = row?.['QUERY PLAN']?.[0]
  if (explained) return explained
  throw new TenantryError('DATABASE_ERROR', 'The server gave no plan.')
}

function refusalOf(error: unknown): unknown {
  const state = sqlStateOf(error)
  if (state === '25006') {
    return new TenantryError('STATEMENT_REFUSED', 'Analyzing would run a statement that writes.', {
      fix: 'Explain it without analyze: the plan is the same.',
      cause: error,
    })
  }
  if (state === '42601' && error instanceof Error && error.message.includes('generic_plan')) {
    return missingValues(1, 'This PostgreSQL plans a statement with parameters only with their values.')
  }
  return error
}

function planOf({ Plan: plan, 'Execution Time': executionMs }: Explained): ExplainedPlan {
  return { totalCost: plan['Total Cost'], ...(executionMs !== undefined && { executionMs }), plan }
}
