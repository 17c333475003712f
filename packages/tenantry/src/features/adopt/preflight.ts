// What is looked at before a plan changes anything: whether it is of this database, and whether each table can go along.
import { refuseUnsupported } from '../../engine/isolation/protect.ts'
import { readTableFacts } from '../../engine/isolation/table-facts.ts'
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { type AdoptParts, factsOf } from './adopt-parts.ts'
import type { AdoptPlan } from './plan.ts'
import type { AdoptFacts } from './stages/adopt-facts.ts'

const NIL = '00000000-0000-0000-0000-000000000000'

/** Throws PLAN_OUTDATED, PLAN_INVALID, TABLE_NOT_FOUND, TABLE_NOT_OWNED and TABLE_UNSUPPORTED. */
export async function refuseUnfit(parts: AdoptParts, plan: AdoptPlan): Promise<void> {
  const { database, roles } = parts.tenants
  await refuseOutdated(parts, database, plan)
  const facts = await factsOf(database, { id: NIL, plan }, roles)
  const maySilence = await maySilenceTriggers(database)
  for (const { table } of facts.tables) {
    refuseUnsupported(await readTableFacts(database, table, roles.app), roles)
    refuseTable(facts.factsOf(table), plan.root.kind === 'default' || maySilence)
  }
}

async function refuseOutdated(parts: AdoptParts, database: CentralDatabase, plan: AdoptPlan): Promise<void> {
  const { rows } = await database.query<{ name: string }>('select current_database()::text as name')
  if (rows[0]?.name !== plan.database) {
    throw new TenantryError(
      'PLAN_OUTDATED',
      `The plan was made for the database ${plan.database}, which is another one.`,
    )
  }
  if ((await parts.fingerprintOf(database, plan)) !== plan.fingerprint) {
    throw new TenantryError(
      'PLAN_OUTDATED',
      `The schema ${plan.schema} is no longer what it was when the plan was made.`,
    )
  }
}

async function maySilenceTriggers(sql: Sql): Promise<boolean> {
  const { rows } = await sql.query<{ may: boolean }>(
    `select has_parameter_privilege(current_user, 'session_replication_role', 'set') as may`,
  )
  return rows[0]?.may ?? false
}

function refuseTable({ table, hasTenantColumn, hasHeirs, updateTriggers }: AdoptFacts, maySilence: boolean): void {
  if (hasTenantColumn) {
    throw new TenantryError('TABLE_UNSUPPORTED', `${table} has a column tenant_id already.`, {
      fix: 'Rename that column; the plan can name it as the one that tells the tenant.',
    })
  }
  if (hasHeirs) {
    throw new TenantryError('TABLE_UNSUPPORTED', `${table} takes part in table inheritance other than partitions.`, {
      fix: 'Make it a partitioned table, or end the inheritance, then plan again.',
    })
  }
  const loud = updateTriggers.find(({ always }) => always || !maySilence)
  if (loud === undefined) return
  throw new TenantryError(
    'TABLE_UNSUPPORTED',
    `The trigger ${loud.name} of ${table} fires on every update, so the backfill would have it change rows.`,
    {
      fix: loud.always
        ? 'Make it an ordinary trigger (ENABLE TRIGGER), or one that names its columns (UPDATE OF …).'
        : 'Let it name its columns (UPDATE OF …), or GRANT SET ON PARAMETER session_replication_role to the admin login.',
    },
  )
}
