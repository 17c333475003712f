// The stages `observe` and `pilot`: row-level security that lets all through, and notes who reaches foreign rows; then
// that holds the first tenants to their own.
import { qualifiedName } from '../../../engine/isolation/protection-plan.ts'
import { readTableFacts, type TableFacts } from '../../../engine/isolation/table-facts.ts'
import type { Sql } from '../../../engine/sql/database.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import { quoteLiteral } from '../../../kernel/identifiers.ts'
import type { AdoptTable } from '../plan.ts'
import { OBSERVE_POLICY, observePolicy, OPEN_POLICY, openPolicy, PILOT_POLICY, pilotPolicy } from './adopt-policies.ts'
import type { PlanFacts, Stage, StageContext } from './context.ts'
import { rightsStatements, rightsUndo } from './rights.ts'
import type { Step } from './step.ts'

export const observeStage: Stage = {
  stage: 'observe',
  steps: observeSteps,
  before: startClock,
  describe: () => [
    '-- Slow for the application as long as it is observed: no index serves these policies. Ends by itself, after a day',
  ],
}

export const pilotStage: Stage = { stage: 'pilot', steps: pilotSteps }

const WRITES = ['select', 'insert', 'update', 'delete']

export const hasPolicy = ({ policies }: TableFacts, name: string): boolean =>
  policies.some((policy) => policy.name === name)

async function observeSteps(facts: PlanFacts, sql: Sql): Promise<readonly Step[]> {
  const steps: Step[] = []
  for (const { table } of facts.tables) {
    const found = await readTableFacts(sql, table, facts.roles.app)
    if (!hasPolicy(found, OPEN_POLICY)) steps.push(await observeStep(facts, sql, { table, found }))
  }
  for (const table of facts.plan.tables) {
    if (table.decision === 'global') steps.push(...(await globalStep(facts, sql, table)))
  }
  return steps
}

interface Found {
  readonly table: string
  readonly found: TableFacts
}

async function observeStep({ roles }: PlanFacts, sql: Sql, { table, found }: Found): Promise<Step> {
  const name = qualifiedName(found)
  const drop = (policy: string) => `drop policy if exists ${policy} on ${name}`
  const closed = found.rowSecurity ? [] : [`alter table ${name} disable row level security`]
  return {
    subject: table,
    statements: [
      openPolicy(name),
      observePolicy(name, roles.app),
      `alter table ${name} enable row level security`,
      ...rightsStatements(found, roles.app, WRITES),
    ],
    undo: [...closed, drop(OBSERVE_POLICY), drop(OPEN_POLICY), ...(await rightsUndo(sql, found, roles.app))],
  }
}

// All tenants read it, none writes; `verify` hears that this is on purpose.
async function globalStep({ roles }: PlanFacts, sql: Sql, { table, reason }: AdoptTable): Promise<readonly Step[]> {
  const found = await readTableFacts(sql, table, roles.app)
  const place = [found.schema, found.name].map(quoteLiteral).join(', ')
  const listed = await sql.query(`select from tenantry.global_table where (schema_name, table_name) = (${place})`)
  if (listed.rows.length > 0) return []
  const said = reason.trim() === '' ? 'decided so when the database was adopted' : reason
  return [
    {
      subject: table,
      statements: [
        ...rightsStatements({ ...found, sequences: [] }, roles.app, ['select']),
        `insert into tenantry.global_table (schema_name, table_name, reason) values (${place}, ${quoteLiteral(said)})`,
      ],
      undo: [
        `delete from tenantry.global_table where (schema_name, table_name) = (${place})`,
        ...(await rightsUndo(sql, { ...found, sequences: [] }, roles.app)),
      ],
    },
  ]
}

// Observing is slow, so it ends by itself.
function startClock({ session, adoptionId, observeMs }: StageContext): Promise<void> {
  return session.transaction('observe', async (tx) => {
    await tx.query(
      `update tenantry.adoption set observe_until = now() + make_interval(secs => $2::float8 / 1000) where id = $1`,
      [adoptionId, observeMs],
    )
  })
}

async function pilotSteps(facts: PlanFacts, sql: Sql): Promise<readonly Step[]> {
  const { plan, tables, roles } = facts
  if (plan.pilot.length === 0) return []
  const ids = await tenantIds(sql, plan.pilot)
  const steps: Step[] = []
  for (const { table } of tables) {
    const found = await readTableFacts(sql, table, roles.app)
    const name = qualifiedName(found)
    if (hasPolicy(found, PILOT_POLICY)) continue
    const undo = [`drop policy if exists ${PILOT_POLICY} on ${name}`]
    steps.push({ subject: table, statements: [pilotPolicy(name, roles.app, ids)], undo })
  }
  return steps
}

async function tenantIds(sql: Sql, slugs: readonly string[]): Promise<readonly string[]> {
  const { rows } = await sql.query<{ id: string; slug: string }>(
    `select id, slug from tenantry.tenant where slug = any ($1) order by slug`,
    [slugs],
  )
  const unknown = slugs.find((slug) => !rows.some((row) => row.slug === slug))
  if (unknown === undefined) return rows.map(({ id }) => id)
  throw new TenantryError('TENANT_NOT_FOUND', `The plan's pilot ${unknown} is no tenant.`, {
    fix: 'Name tenants that the stage `tenants` registered; `tenantry list` shows them.',
  })
}
