// The stage `backfill`: rows that were there before get their tenant, a range of keys at a time, each range in a
// transaction of its own that also writes down how far it is.
import { sqlStateOf } from '../../../engine/sql/database-errors.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import { quoteIdentifier } from '../../../kernel/identifiers.ts'
import type { AdoptStage, AdoptTable } from '../plan.ts'
import type { AdoptFacts } from './adopt-facts.ts'
import { refuseDifferences } from './checksum.ts'
import { storeTables } from './columns.ts'
import type { PlanFacts, Stage, StageContext } from './context.ts'
import { refuseDisagreement } from './disagreement.ts'
import { fillLeaf, fillStatement } from './fill-leaf.ts'
import { registerAll } from './register-tenants.ts'
import { tenantSource } from './tenant-source.ts'

export const backfillStage: Stage = {
  stage: 'backfill',
  steps: () => Promise.resolve([]),
  after: fillAll,
  beforeUndo: emptyAgain,
  describe: describeFill,
}

function describeFill(facts: PlanFacts): readonly string[] {
  if (facts.source.defaultTenant !== null) return []
  return facts.tables.flatMap((table) => {
    const source = tenantSource(facts.source, table, (column) => `r.${quoteIdentifier(column)}`)
    const { primaryKey, leaves } = facts.factsOf(table.table)
    return source === undefined ? [] : leaves.map((leaf) => fillStatement(leaf, primaryKey, source))
  })
}

async function fillAll(context: StageContext): Promise<void> {
  // Rows of the root that came since the last apply have their tenants reserved; their own rows need them registered.
  await registerAll(context)
  await storeTables(context)
  for (const table of context.tables) await fillTable(context, table)
  await refuseDisagreement(context)
  await refuseDifferences(context)
}

async function fillTable(context: StageContext, table: AdoptTable): Promise<void> {
  const facts = context.factsOf(table.table)
  const { adoptionId, session } = context
  const rows = await session.read<{ done: boolean }>(
    'select is_filled as done from tenantry.adoption_table where adoption_id = $1 and table_name = $2',
    [adoptionId, table.table],
  )
  if (rows[0]?.done !== true && context.source.defaultTenant === null) await fillRows(context, table, facts)
  const left = await countUnowned(context, table.table)
  if (left > 0) {
    // Whoever gives them a tenant has the table walked again.
    await session.transaction(table.table, (tx) =>
      tx.query(`update tenantry.adoption_table set cursor = '{}' where adoption_id = $1 and table_name = $2`, [
        adoptionId,
        table.table,
      ]),
    )
    throw orphanError(table.table, left)
  }
  await session.transaction(table.table, (tx) =>
    tx.query('update tenantry.adoption_table set is_filled = true where adoption_id = $1 and table_name = $2', [
      adoptionId,
      table.table,
    ]),
  )
}

async function fillRows(context: StageContext, table: AdoptTable, facts: AdoptFacts): Promise<void> {
  const source = tenantSource(context.source, table, (column) => `r.${quoteIdentifier(column)}`)
  if (source !== undefined) {
    // A second pass for rows that came while the first was under way and whose parent had no tenant yet.
    for (const pass of ['first', 'again']) {
      for (const leaf of facts.leaves) {
        await fillLeaf(context, { table, facts, leaf, source, pass }).catch((error: unknown) => {
          throw sqlStateOf(error) === SEVERAL_ROWS ? severalError(table.table, error) : error
        })
      }
      if ((await countUnowned(context, table.table)) === 0) return
    }
  }
  const orphans = await orphanTenant(context, table.table)
  if (orphans === null) return
  const given = { from: [], where: [], value: `'${orphans}'::uuid`, mayDisagree: false }
  for (const leaf of facts.leaves) await fillLeaf(context, { table, facts, leaf, source: given, pass: 'orphans' })
}

const SEVERAL_ROWS = '21000'

const severalError = (table: string, cause: unknown) =>
  new TenantryError('ADOPT_ORPHANS', `Rows of ${table} belong to several tenants at once.`, {
    fix: 'Leave each of them one tenant, choose another path in the plan, or decide that the table is global.',
    sqlState: SEVERAL_ROWS,
    cause,
  })

const orphanError = (table: string, rows: number) =>
  new TenantryError('ADOPT_ORPHANS', `${rows} rows of ${table} have no way to a tenant.`)

/** How many rows have no tenant. */
async function countUnowned({ session }: StageContext, table: string): Promise<number> {
  const rows = await session.read<{ rows: string }>(`select count(*) as rows from ${table} where tenant_id is null`)
  return Number(rows[0]?.rows ?? 0)
}

async function orphanTenant({ session, adoptionId }: StageContext, table: string): Promise<string | null> {
  const rows = await session.read<{ tenant: string | null }>(
    'select orphan_tenant as tenant from tenantry.adoption_table where adoption_id = $1 and table_name = $2',
    [adoptionId, table],
  )
  return rows[0]?.tenant ?? null
}

/** Empties the column again, unless the column itself goes. */
async function emptyAgain(context: StageContext, last: AdoptStage | null): Promise<void> {
  const { adoptionId, session, tables } = context
  if (last === 'columns' && context.source.defaultTenant === null) {
    for (const table of tables.toReversed()) {
      const facts = context.factsOf(table.table)
      const nothing = { from: [], where: [], value: 'null::uuid', mayDisagree: false }
      for (const leaf of facts.leaves) await fillLeaf(context, { table, facts, leaf, source: nothing, pass: 'empty' })
    }
  }
  await session.transaction('backfill', (tx) =>
    tx.query(
      `update tenantry.adoption_table set cursor = '{}', backfilled = 0, is_filled = false where adoption_id = $1`,
      [adoptionId],
    ),
  )
}
