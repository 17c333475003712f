// The stage `enforce`: the form that `tenantry protect` makes, reached by short statements alone, because everything it
// would have to look at or build is there already.
import type { ForeignKey } from '../../../engine/isolation/foreign-keys.ts'
import { planProtection, qualifiedName } from '../../../engine/isolation/protection-plan.ts'
import {
  CENTRAL_POLICY,
  readTableFacts,
  TENANT_COLUMN,
  TENANT_POLICY,
  type TableFacts,
} from '../../../engine/isolation/table-facts.ts'
import type { Sql } from '../../../engine/sql/database.ts'
import { quoteIdentifier, quoteLiteral } from '../../../kernel/identifiers.ts'
import type { AdoptTable } from '../plan.ts'
import {
  adoptPolicies,
  OBSERVE_POLICY,
  observePolicy,
  OPEN_POLICY,
  openPolicy,
  PILOT_POLICY,
} from './adopt-policies.ts'
import { refuseDifferences, takeBaselines } from './checksum.ts'
import { linkSteps, tableTriggers } from './columns.ts'
import type { PlanFacts, Stage, StageContext } from './context.ts'
import { besideName, droppedKeys, plannedKeys } from './keys.ts'
import { hasPolicy } from './observe.ts'
import { registerAll, rootTriggers } from './register-tenants.ts'
import { rightsUndo } from './rights.ts'
import type { Step } from './step.ts'

export const enforceStage: Stage = {
  stage: 'enforce',
  steps: enforceSteps,
  before: lastLook,
  // What was noted has served: it was compared, and nothing is noted any more.
  after: async ({ session, adoptionId }) => {
    await session.transaction('enforce', (tx) =>
      tx.query('delete from tenantry.adoption_change where adoption_id = $1', [adoptionId]),
    )
  },
  afterUndo: takeBaselines,
}

// The last moment at which the triggers still say what the application wrote.
async function lastLook(context: StageContext): Promise<void> {
  await registerAll(context)
  const rows = await context.session.read<{ done: boolean }>(
    `select exists (select from tenantry.adoption_step where adoption_id = $1 and stage = 'enforce') as done`,
    [context.adoptionId],
  )
  if (rows[0]?.done !== true) await refuseDifferences(context)
}

async function enforceSteps(facts: PlanFacts, sql: Sql): Promise<readonly Step[]> {
  const steps: Step[] = []
  for (const key of await plannedKeys(facts, sql)) steps.push(...(await swapSteps(facts, sql, key)))
  for (const key of droppedKeys(facts)) steps.push(...(await dropSteps(sql, key)))
  for (const table of facts.tables) {
    const found = await readTableFacts(sql, table.table, facts.roles.app)
    if (!hasPolicy(found, TENANT_POLICY)) steps.push(await protectStep(facts, sql, { table, found }))
  }
  // From here on the application makes its tenants itself.
  const triggers = [...rootTriggers(facts), ...linkSteps(facts)]
  for (const { subject, statements, undo } of triggers) steps.push({ subject, statements: undo, undo: statements })
  return steps
}

/** Puts the key that carries the tenant in the place of the one of before, under its name. */
async function swapSteps(facts: PlanFacts, sql: Sql, key: ForeignKey): Promise<readonly Step[]> {
  const child = facts.tables.map(({ table }) => facts.factsOf(table)).find(({ table }) => table === key.child)
  const own = quoteIdentifier(key.name)
  const beside = quoteIdentifier(besideName(key.name))
  const definition = (await definitionOf(sql, key)) ?? ''
  const subject = `${child?.table ?? key.child}, ${key.name}`
  const all = [key.child, ...(child?.partitioned === true ? child.leaves.map(({ name }) => name) : [])]
  const rename = (from: string, to: string) =>
    all.map((table) => `alter table ${table} rename constraint ${from} to ${to}`)
  const online = child?.partitioned !== true
  const restored = `alter table ${key.child} add constraint ${own} ${definition}${online ? ' not valid' : ''}`
  return [
    // Taken back last: the restored key is validated in a transaction of its own.
    { subject, statements: [], undo: online ? [`alter table ${key.child} validate constraint ${own}`] : [] },
    {
      subject,
      statements: [`alter table ${key.child} drop constraint ${own}`, ...rename(beside, own)],
      undo: [...rename(own, beside), restored],
    },
  ]
}

type NamedKey = Pick<ForeignKey, 'child' | 'name'>

async function definitionOf(sql: Sql, { child, name }: NamedKey): Promise<string | undefined> {
  const { rows } = await sql.query<{ definition: string }>(
    'select pg_get_constraintdef(oid) as definition from pg_constraint where conrelid = $1::regclass and conname = $2',
    [child, name],
  )
  return rows[0]?.definition
}

/** Drops a key that no row-level security could keep: its rows cross tenants. */
async function dropSteps(sql: Sql, key: NamedKey): Promise<readonly Step[]> {
  const definition = await definitionOf(sql, key)
  if (definition === undefined) return []
  const name = quoteIdentifier(key.name)
  const subject = `${key.child}, ${key.name}`
  return [
    { subject, statements: [], undo: [`alter table ${key.child} validate constraint ${name}`] },
    {
      subject,
      statements: [`alter table ${key.child} drop constraint ${name}`],
      undo: [`alter table ${key.child} add constraint ${name} ${definition} not valid`],
    },
  ]
}

interface Found {
  readonly table: AdoptTable
  readonly found: TableFacts
}

async function protectStep(facts: PlanFacts, sql: Sql, { table, found }: Found): Promise<Step> {
  const { roles } = facts
  const name = qualifiedName(found)
  const triggers = tableTriggers(facts, table)
  const plan = planProtection({ facts: found, roles, tenantId: undefined, hasUnownedRows: false })
  return {
    subject: table.table,
    statements: [
      ...triggers.map((trigger) => `drop trigger if exists ${trigger.name} on ${name}`),
      ...adoptPolicies.map((policy) => `drop policy if exists ${policy} on ${name}`),
      ...plan,
    ],
    undo: [
      ...policyUndo(found, roles.app),
      ...(await pilotUndo(sql, name)),
      ...defaultUndo(facts, name),
      ...viewUndo(found),
      ...(await rightsUndo(sql, found, roles.app)),
      ...triggers.map(({ statement }) => statement),
      // Nothing noted what was written meanwhile, so the comparison starts anew.
      `update tenantry.adoption_table set rows_before = null, checksum_before = null, same = null
        where adoption_id = ${quoteLiteral(facts.adoptionId)} and table_name = ${quoteLiteral(table.table)}`,
    ],
  }
}

function policyUndo(found: TableFacts, app: string): readonly string[] {
  const tables = [
    { name: qualifiedName(found), enabled: found.rowSecurity },
    ...found.children.filter((child) => !child.protected).map(({ name }) => ({ name, enabled: false })),
  ]
  const name = qualifiedName(found)
  return [
    ...tables.flatMap((each) => [
      `drop policy if exists ${TENANT_POLICY} on ${each.name}`,
      `drop policy if exists ${CENTRAL_POLICY} on ${each.name}`,
      `alter table ${each.name} no force row level security${each.enabled ? '' : ', disable row level security'}`,
    ]),
    ...(hasPolicy(found, OPEN_POLICY) ? [openPolicy(name)] : []),
    ...(hasPolicy(found, OBSERVE_POLICY) ? [observePolicy(name, app)] : []),
  ]
}

/** The pilot's policy as it stands. */
async function pilotUndo(sql: Sql, name: string): Promise<readonly string[]> {
  const { rows } = await sql.query<{ test: string; role: string }>(
    `select pg_get_expr(p.polqual, p.polrelid) as test, quote_ident(pg_get_userbyid(p.polroles[1])) as role
       from pg_policy p where p.polrelid = $1::regclass and p.polname = $2`,
    [name, PILOT_POLICY],
  )
  return rows.map(
    ({ test, role }) =>
      `create policy ${PILOT_POLICY} on ${name} as restrictive to ${role} using (${test}) with check (${test})`,
  )
}

function defaultUndo({ source }: PlanFacts, name: string): readonly string[] {
  const change = source.defaultTenant === null ? 'drop default' : `set default ${quoteLiteral(source.defaultTenant)}`
  return [`alter table ${name} alter column ${TENANT_COLUMN} ${change}`]
}

function viewUndo({ views }: TableFacts): readonly string[] {
  return views
    .filter(({ kind, runsAsCaller }) => kind === 'v' && !runsAsCaller)
    .map(({ name }) => `alter view ${name} reset (security_invoker)`)
}
