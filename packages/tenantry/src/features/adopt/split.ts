// The stage `split`, for the target `schema`: each tenant's rows are copied into tables of its own. The originals stay as
// they are, so that it can be taken back until somebody drops them.
import { fingerprintsOf } from '../../engine/catalogue/fingerprints.ts'
import { readTableFacts } from '../../engine/isolation/table-facts.ts'
import type { Sql } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { quoteLiteral } from '../../kernel/identifiers.ts'
import { createTenants } from '../../tenants/create-tenants.ts'
import { lockTenant } from '../../tenants/lock.ts'
import { dropSchema } from '../../tenants/schema.ts'
import { moveTenant } from './split-move.ts'
import { leftStatement, lockStatement } from './split-sql.ts'
import { readSplitTables, type SplitTable } from './split-tables.ts'
import { differing, readSplitTenants, type SplitTenant } from './split-tenants.ts'
import type { PlanFacts, Stage, StageContext } from './stages/context.ts'
import { registerAll } from './stages/register-tenants.ts'
import { rightsUndo } from './stages/rights.ts'
import { runStep, type Step } from './stages/step.ts'

export const splitStage: Stage = {
  stage: 'split',
  before: prepare,
  steps: async (facts, sql) => [
    ...(await globalSteps(facts, sql)),
    ...facts.tables.flatMap((each) => guardSteps(facts, each)),
  ],
  after: moveAll,
  beforeUndo: emptyTenants,
  afterUndo: openTenants,
  describe: (facts) => [
    '-- For each tenant: create its schema by the tenant migrations, refuse writes to its rows here, insert them there in batches, compare them',
    ...facts.tables.flatMap((each) => closeSteps(facts, each)).flatMap(({ statements }) => statements),
  ],
}

/** Gives each tenant its schema, by the migrations that new ones get, too. */
async function prepare(context: StageContext): Promise<void> {
  await registerAll(context)
  const tables = await readSplitTables(context.session.sql, context)
  const all = await readSplitTenants(context.session.sql, context.adoptionId)
  const found = all.filter(({ state }) => state === null)
  const tenants = createTenants(context.tenants)
  for (const [at, tenant] of found.entries()) {
    context.session.signal?.throwIfAborted()
    if (tenant.isolation !== 'schema') throw failed(`The tenant ${tenant.slug} shares tables and has no schema`)
    await tenants.provision({ id: tenant.id }, { actor: 'adopt' })
    await refuseMissing(context.session.sql, tenant, tables)
    context.progress({ stage: 'split', subject: 'schemas', done: at + 1, total: found.length })
  }
}

async function refuseMissing(sql: Sql, { schema, slug }: SplitTenant, tables: readonly SplitTable[]): Promise<void> {
  const { rows } = await sql.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relkind in ('r', 'p')`,
    [schema],
  )
  const made = new Set(rows.map(({ name }) => name))
  const missing = tables.find(({ name }) => !made.has(name))
  if (missing === undefined) return
  throw new TenantryError(
    'ADOPT_STAGE_FAILED',
    `The tenant ${slug} has no table ${missing.name}: its migrations make none.`,
    {
      fix: 'Write the tenant migration with `tenantry adopt plan --target schema`, revert to the stage keys and apply again.',
    },
  )
}

/** What all share is readable from each tenant's schema, and listed as shared on purpose. */
async function globalSteps({ plan, roles }: PlanFacts, sql: Sql): Promise<readonly Step[]> {
  const steps: Step[] = []
  for (const { table, decision, reason } of plan.tables) {
    if (decision !== 'global') continue
    const facts = await readTableFacts(sql, table, roles.app)
    const place = [facts.schema, facts.name].map(quoteLiteral).join(', ')
    const { rows } = await sql.query('select from tenantry.global_table where schema_name = $1 and table_name = $2', [
      facts.schema,
      facts.name,
    ])
    const app = `"${roles.app.replaceAll('"', '""')}"`
    steps.push({
      subject: table,
      statements: [
        `grant usage on schema "${facts.schema.replaceAll('"', '""')}" to ${app}`,
        `grant select on ${table} to ${app}`,
        `insert into tenantry.global_table (schema_name, table_name, reason) values (${place}, ${quoteLiteral(reason)}) on conflict do nothing`,
      ],
      undo: [
        ...(await rightsUndo(sql, facts, roles.app)),
        ...(rows.length > 0 ? [] : [`delete from tenantry.global_table where (schema_name, table_name) = (${place})`]),
      ],
    })
  }
  return steps
}

interface Named {
  readonly table: string
}

/** Refuses writes to the rows of tenants that are being moved, and to empty a table that has some. */
function guardSteps({ adoptionId, factsOf }: PlanFacts, { table }: Named): readonly Step[] {
  const call = `execute function tenantry.adopt_moved(${quoteLiteral(adoptionId)}, 'moved')`
  const { partitioned, leaves } = factsOf(table)
  const names = partitioned ? [table, ...leaves.map(({ name }) => name)] : [table]
  return [
    {
      subject: table,
      statements: [
        `create trigger ${MOVED} after insert or update or delete on ${table} for each row ${call}`,
        ...names.map((name) => `create trigger ${MOVED}_all before truncate on ${name} for each statement ${call}`),
      ],
      undo: [
        ...names.map((name) => `drop trigger if exists ${MOVED}_all on ${name}`),
        `drop trigger if exists ${MOVED} on ${table}`,
      ],
    },
  ]
}

const MOVED = 'tenantry_adopt_moved'
const CLOSED = 'tenantry_adopt_closed'

/** Refuses every write, so that no further tenant comes. */
function closeSteps({ adoptionId }: PlanFacts, { table }: Named): readonly Step[] {
  const call = `execute function tenantry.adopt_moved(${quoteLiteral(adoptionId)}, 'closed')`
  return [
    {
      subject: table,
      statements: [`create trigger ${CLOSED} before insert or update or delete on ${table} for each row ${call}`],
      undo: [`drop trigger if exists ${CLOSED} on ${table}`],
    },
  ]
}

/** Moves one tenant after the other; when all are moved closes the tables of before, and moves those that came meanwhile. */
async function moveAll(context: StageContext): Promise<void> {
  const { session, adoptionId } = context
  await moveWaiting(context)
  for (const step of context.tables.flatMap((each) => closeSteps(context, each))) {
    await runStep({ session, adoptionId, stage: 'split' }, step)
  }
  await prepare(context)
  await moveWaiting(context)
  const tenants = await readSplitTenants(session.sql, adoptionId)
  await refuseUnequal(session.sql, tenants)
  for (const table of await readSplitTables(session.sql, context)) {
    const rows = await session.read<{ left: number }>(leftStatement(table), [tenants.map(({ id }) => id)])
    if (rows[0]?.left !== 0) throw new TenantryError('ADOPT_MISMATCH', `Rows of ${table.table} went to no tenant.`)
  }
}

async function moveWaiting(context: StageContext): Promise<void> {
  const tables = await readSplitTables(context.session.sql, context)
  for (const tenant of await readSplitTenants(context.session.sql, context.adoptionId)) {
    context.session.signal?.throwIfAborted()
    await moveTenant({ context, tenant, tables })
  }
}

/** All were made by the same migrations, and the copying has to leave them so. */
async function refuseUnequal(sql: Sql, tenants: readonly SplitTenant[]): Promise<void> {
  const schemas = tenants.map(({ schema, id }) => ({ name: schema, tenantId: id }))
  const fingerprints = await fingerprintsOf(sql, schemas)
  const [first] = fingerprints.values()
  const other = schemas.find(({ name }) => fingerprints.get(name) !== first)
  if (other === undefined) return
  throw new TenantryError('ADOPT_MISMATCH', `The schema ${other.name} is not made like those of the other tenants.`)
}

/** Drops the tenants' schemas while the tables of before are still closed, so that no row is written behind the comparison. */
async function emptyTenants(context: StageContext): Promise<void> {
  const { session, adoptionId } = context
  const tables = await readSplitTables(session.sql, context)
  const tenants = await readSplitTenants(session.sql, adoptionId)
  // All of them are looked at before the first one goes.
  for (const tenant of tenants) await refuseWritten(session.sql, tenant, tables)
  for (const tenant of tenants) await emptyTenant(context, tenant, tables)
}

/** What a tenant wrote since it was split out would be lost with its schema; a copy that was interrupted loses nothing. */
async function refuseWritten(sql: Sql, tenant: SplitTenant, tables: readonly SplitTable[]): Promise<void> {
  if (tenant.state !== 'proven') return
  const [table] = await differing(sql, tenant, tables)
  if (table === undefined) return
  throw new TenantryError(
    'ADOPT_MISMATCH',
    `The rows of ${tenant.slug} in ${table} changed since they were split out.`,
    {
      fix: 'Bring what the tenant wrote since back into the tables of before, then revert again.',
    },
  )
}

async function emptyTenant(context: StageContext, found: SplitTenant, tables: readonly SplitTable[]): Promise<void> {
  const { session, adoptionId, tenants } = context
  const { id, isMade } = found
  await session.transaction('schemas', async (tx) => {
    const tenant = await lockTenant(tx, { column: 'id', value: id })
    if (found.state === 'proven') {
      await tx.query(lockStatement(found, tables))
      await refuseWritten(tx, found, tables)
    }
    await tx.query('delete from tenantry.adoption_split_table where adoption_id = $1 and tenant_id = $2', [
      adoptionId,
      id,
    ])
    await tx.query('delete from tenantry.adoption_split where adoption_id = $1 and tenant_id = $2', [adoptionId, id])
    if (!isMade || tenant?.provisionedAt == null) return
    for (const participant of tenants.participants.toReversed()) await participant.undoProvision?.(tx, tenant)
    await dropSchema(tx, tenant.schemaName)
    await tx.query(
      `update tenantry.tenant set provisioned_at = null, migration_version = 0, updated_at = now(), version = version + 1 where id = $1`,
      [id],
    )
  })
  tenants.onChange?.(id)
}

async function openTenants({ session, adoptionId }: StageContext): Promise<void> {
  await session.transaction('schemas', (tx) =>
    tx.query('update tenantry.adopt_tenant set moved_at = null where adoption_id = $1', [adoptionId]),
  )
}

function failed(what: string): TenantryError {
  return new TenantryError('ADOPT_STAGE_FAILED', `${what}.`, { fix: 'Name another slug for it in the plan.' })
}
