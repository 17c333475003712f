// The stage `columns`: the nullable column, and the triggers that give rows their tenant which the single-tenant
// application goes on writing, and note what it writes.
import type { Sql } from '../../../engine/sql/database.ts'
import { quoteIdentifier, quoteLiteral } from '../../../kernel/identifiers.ts'
import type { AdoptTable } from '../plan.ts'
import type { PlanFacts, Stage, StageContext } from './context.ts'
import { compareTables, takeBaselines } from './checksum.ts'
import type { Step } from './step.ts'
import { asValue, hopsOf, isRoot, isTenantTable, stepKey, tenantSource } from './tenant-source.ts'

export const columnsStage: Stage = {
  stage: 'columns',
  steps: (facts) => Promise.resolve(columnSteps(facts)),
  before: storeTables,
  after: takeBaselines,
  beforeUndo: async (context) => {
    await compareTables(context)
  },
}

/** Names of the triggers on a table that gets the column. */
export const rowTrigger = 'tenantry_adopt_b_row'
// Before the checks of foreign keys, whose triggers begin with "RI_": the rows below have to be there by then.
const followTrigger = '00_tenantry_adopt_follow'

function columnSteps(facts: PlanFacts): readonly Step[] {
  const own = facts.tables.map((table) => columnStep(facts, table))
  return [...own, ...linkSteps(facts)]
}

function columnStep(facts: PlanFacts, table: AdoptTable): Step {
  const { defaultTenant } = facts.source
  const name = table.table
  // A constant default is a matter of the catalogue, too, and fills the rows that are there.
  const filled = defaultTenant === null ? '' : ` default ${quoteLiteral(defaultTenant)}`
  const triggers = tableTriggers(facts, table)
  return {
    subject: table.table,
    statements: [
      `alter table ${name} add column tenant_id uuid${filled}`,
      ...triggers.map(({ statement }) => statement),
    ],
    undo: [
      ...triggers.map((trigger) => `drop trigger if exists ${trigger.name} on ${name}`),
      `alter table ${name} drop column tenant_id`,
    ],
  }
}

export interface AdoptTrigger {
  readonly name: string
  readonly statement: string
}

/** The triggers of a table while it is being adopted. */
export function tableTriggers(facts: PlanFacts, table: AdoptTable): readonly AdoptTrigger[] {
  const { adoptionId } = facts
  const { columns, partitioned } = facts.factsOf(table.table)
  const name = table.table
  const place = [adoptionId, table.table].map(quoteLiteral).join(', ')
  const trigger = (trigger: string, rest: string, call: string): AdoptTrigger => ({
    name: quoteIdentifier(trigger),
    statement: `create trigger ${quoteIdentifier(trigger)} ${rest} execute function tenantry.${call}(${place})`,
  })
  const found: AdoptTrigger[] = []
  const way = wayColumns(facts, table).map(quoteIdentifier).join(', ')
  if (facts.source.defaultTenant === null) {
    const events = way === '' ? 'insert' : `insert or update of ${way}`
    found.push(trigger(rowTrigger, `before ${events} on ${name} for each row`, 'adopt_row'))
    found.push(...followTriggers(facts, table, { way, trigger }))
  }
  const before = columns.map(quoteIdentifier).join(', ')
  const changes = partitioned ? `insert or delete or update of ${before}` : `update of ${before}`
  found.push(trigger('tenantry_adopt_note', `after ${changes} on ${name} for each row`, 'adopt_note_row'))
  if (!partitioned) {
    const rows = (state: string) => `referencing ${state} table as changed for each statement`
    found.push(trigger('tenantry_adopt_note_insert', `after insert on ${name} ${rows('new')}`, 'adopt_note_rows'))
    found.push(trigger('tenantry_adopt_note_delete', `after delete on ${name} ${rows('old')}`, 'adopt_note_rows'))
  }
  found.push(trigger('tenantry_adopt_note_truncate', `after truncate on ${name} for each statement`, 'adopt_note_rows'))
  return found
}

interface Making {
  /** The columns of the table's own way, quoted. */
  readonly way: string
  readonly trigger: (trigger: string, rest: string, call: string) => AdoptTrigger
}

function followTriggers(facts: PlanFacts, table: AdoptTable, { way, trigger }: Making): readonly AdoptTrigger[] {
  if (followStatements(facts, table).length === 0 || isRoot(facts.plan, table.table)) return []
  const each = `on ${table.table} for each row`
  const moved = 'when (old.tenant_id is not null and old.tenant_id is distinct from new.tenant_id)'
  const columns = way === '' ? 'tenant_id' : `${way}, tenant_id`
  const found = [trigger(followTrigger, `after update of ${columns} ${each} ${moved}`, 'adopt_follow')]
  // Over a way that leads backwards, from a person to their membership, the row that says it comes later.
  const isBackwards = facts.tables.some((child) => {
    const hop = hopsOf(facts.plan, child)[0]
    return hop?.table === table.table && !facts.source.uniqueSteps.has(stepKey(hop))
  })
  if (isBackwards) found.push(trigger(`${followTrigger}_insert`, `after insert ${each}`, 'adopt_follow'))
  return found
}

/** The columns of a row that say which tenant it belongs to. */
function wayColumns({ plan }: PlanFacts, table: AdoptTable): readonly string[] {
  if (isRoot(plan, table.table) && plan.root.kind === 'table') return [plan.root.key]
  return table.column === null ? (table.path[0]?.columns ?? []) : [table.column]
}

/** Statements over a changed row $1 of a table that let the rows follow whose way leads over it. */
function followStatements(facts: PlanFacts, parent: Pick<AdoptTable, 'table'>): readonly string[] {
  const { plan, source, tables } = facts
  return tables.flatMap((child) => {
    const hop = hopsOf(plan, child)[0]
    if (hop?.table !== parent.table || child.column !== null || isRoot(plan, child.table)) return []
    const found = tenantSource(source, child, (column) => `c.${quoteIdentifier(column)}`)
    if (found === undefined) return []
    const value = asValue(found)
    const join = hop.columns.map(
      (column, at) => `c.${quoteIdentifier(column)} = ($1).${quoteIdentifier(hop.references[at] ?? '')}`,
    )
    return [
      `update ${child.table} c set tenant_id = ${value} where ${join.join(' and ')} ` +
        `and ${value} is not null and c.tenant_id is distinct from ${value}`,
    ]
  })
}

/** Tables without the column over which the way of others leads, such as a table of memberships. */
function linkTables(facts: PlanFacts): readonly string[] {
  const { plan, tables } = facts
  const first = tables.flatMap((table) =>
    hopsOf(plan, table)
      .slice(0, 1)
      .map((hop) => hop.table),
  )
  const isLink = (name: string) =>
    !isRoot(plan, name) && !plan.tables.some((each) => each.table === name && isTenantTable(each))
  return [...new Set(first)].filter(isLink)
}

/** The triggers of tables that only lead to others. */
export function linkSteps(facts: PlanFacts): readonly Step[] {
  return linkTables(facts).map((table) => {
    const place = [facts.adoptionId, table].map(quoteLiteral).join(', ')
    const name = quoteIdentifier(followTrigger)
    return {
      subject: table,
      statements: [
        `create trigger ${name} after insert or update on ${table} for each row execute function tenantry.adopt_follow(${place})`,
      ],
      undo: [`drop trigger if exists ${name} on ${table}`],
    }
  })
}

const STORE = `
  insert into tenantry.adoption_table (adoption_id, table_name, row_hash, tenant_sql, orphan_tenant, follow_sql)
  values ($1, $2, $3, $4, (select a.tenant_id from tenantry.adopt_tenant a where a.adoption_id = $1 and a.slug = $5 and a.root_key is null), $6)
  on conflict (adoption_id, table_name) do update
    set tenant_sql = excluded.tenant_sql, orphan_tenant = excluded.orphan_tenant, follow_sql = excluded.follow_sql`

/** Writes down what the triggers of each table run. */
export function storeTables(context: StageContext): Promise<void> {
  return context.session.transaction('columns', (tx) => storeIn(tx, context))
}

async function storeIn(tx: Sql, context: StageContext): Promise<void> {
  const { adoptionId, tables, source } = context
  for (const table of tables) {
    const { columns } = context.factsOf(table.table)
    const hash = `pg_catalog.hashtextextended(row(${columns.map((column) => `r.${quoteIdentifier(column)}`).join(', ')})::pg_catalog.text, 0)`
    const found = tenantSource(source, table, (column) => `($1).${quoteIdentifier(column)}`)
    const tenantSql = found === undefined ? null : `select ${asValue(found)}`
    const values = [adoptionId, table.table, hash, tenantSql, table.orphans, followStatements(context, table)]
    await tx.query(STORE, values)
  }
  for (const table of linkTables(context)) {
    await tx.query(STORE, [adoptionId, table, null, null, null, followStatements(context, { table })])
  }
}
