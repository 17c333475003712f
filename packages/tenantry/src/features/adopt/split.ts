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
import { compareStatement, copyStatements, emptyStatement, leftStatement } from './split-sql.ts'
import { readSplitTables, type SplitTable } from './split-tables.ts'
import type { PlanFacts, Stage, StageContext } from './stages/context.ts'
import { registerAll } from './stages/register-tenants.ts'
import { rightsUndo } from './stages/rights.ts'
import type { Step } from './stages/step.ts'

export const splitStage: Stage = {
  stage: 'split',
  before: prepare,
  steps: async (facts, sql) => [...(await globalSteps(facts, sql)), ...(await copySteps(facts, sql))],
  after: prove,
  beforeUndo: refuseWritten,
  afterUndo: emptyTenants,
  describe: () => ['-- For each tenant: create its schema by the tenant migrations, insert its rows, compare them'],
}

interface SplitTenant {
  readonly id: string
  readonly slug: string
  readonly schema: string
  readonly isolation: string
  readonly isMade: boolean
}

async function readTenants(sql: Sql, adoptionId: string): Promise<readonly SplitTenant[]> {
  const { rows } = await sql.query<SplitTenant>(
    `select t.id, t.slug, t.schema_name as schema, t.isolation, a.is_made as "isMade"
       from tenantry.adopt_tenant a join tenantry.tenant t on t.id = a.tenant_id where a.adoption_id = $1 order by t.id`,
    [adoptionId],
  )
  return rows
}

/** Gives each tenant its schema, by the migrations that new ones get, too. */
async function prepare(context: StageContext): Promise<void> {
  await registerAll(context)
  const tables = await readSplitTables(context.session.sql, context)
  const found = await readTenants(context.session.sql, context.adoptionId)
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

/** One transaction a tenant: all of its rows, or none. */
async function copySteps(facts: PlanFacts, sql: Sql): Promise<readonly Step[]> {
  const tables = await readSplitTables(sql, facts)
  const tenants = await readTenants(sql, facts.adoptionId)
  return tenants.map((tenant) => ({ subject: tenant.slug, statements: copyStatements(tenant, tables), undo: [] }))
}

/** Compares every tenant's schema with the others, and its rows with the originals. What was written meanwhile is copied once more. */
async function prove(context: StageContext): Promise<void> {
  const { session, adoptionId } = context
  const tables = await readSplitTables(session.sql, context)
  const tenants = await readTenants(session.sql, adoptionId)
  for (const tenant of tenants) {
    session.signal?.throwIfAborted()
    if ((await differing(context, tenant, tables)).length === 0) continue
    await session.transaction(tenant.slug, async (tx) => {
      await tx.query(emptyStatement(tenant, tables))
      for (const statement of copyStatements(tenant, tables)) await tx.query(statement)
    })
  }
  for (const tenant of tenants) {
    const [table] = await differing(context, tenant, tables)
    if (table === undefined) continue
    throw new TenantryError('ADOPT_MISMATCH', `The rows of ${tenant.slug} are not all in its own ${table}.`, {
      fix: 'Stop the application from writing to the tables of before, then apply again.',
    })
  }
  await refuseUnequal(session.sql, tenants)
  for (const table of tables) {
    const rows = await session.read<{ left: number }>(leftStatement(table), [tenants.map(({ id }) => id)])
    if (rows[0]?.left !== 0) throw new TenantryError('ADOPT_MISMATCH', `Rows of ${table.table} went to no tenant.`)
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

async function differing(
  { session }: StageContext,
  tenant: SplitTenant,
  tables: readonly SplitTable[],
): Promise<readonly string[]> {
  if (tables.length === 0) return []
  const rows = await session.read<{ table: string; same: boolean }>(compareStatement(tenant, tables))
  return rows.filter(({ same }) => !same).map(({ table }) => table)
}

/** What a tenant wrote since would be lost with its schema. */
async function refuseWritten(context: StageContext): Promise<void> {
  const { session, adoptionId } = context
  const tables = await readSplitTables(session.sql, context)
  for (const tenant of await readTenants(session.sql, adoptionId)) {
    const there = await session.read<{ there: boolean }>(
      'select to_regnamespace(quote_ident($1)) is not null as there',
      [tenant.schema],
    )
    if (there[0]?.there !== true) continue
    const [table] = await differing(context, tenant, tables)
    if (table === undefined || (await isUncopied(context, tenant))) continue
    throw new TenantryError(
      'ADOPT_MISMATCH',
      `The rows of ${tenant.slug} in ${table} changed since they were split out.`,
      {
        fix: 'Bring what the tenant wrote since back into the tables of before, then revert again.',
      },
    )
  }
}

// A tenant whose copy was interrupted has nothing to lose.
async function isUncopied({ session, adoptionId }: StageContext, { slug }: SplitTenant): Promise<boolean> {
  const rows = await session.read(
    `select from tenantry.adoption_step where adoption_id = $1 and stage = 'split' and subject = $2 and state = 'done'`,
    [adoptionId, slug],
  )
  return rows.length === 0
}

async function emptyTenants({ session, adoptionId, tenants }: StageContext): Promise<void> {
  for (const { id, isMade } of await readTenants(session.sql, adoptionId)) {
    if (!isMade) continue
    await session.transaction('schemas', async (tx) => {
      const tenant = await lockTenant(tx, { column: 'id', value: id })
      if (tenant?.provisionedAt == null) return
      for (const participant of tenants.participants.toReversed()) await participant.undoProvision?.(tx, tenant)
      await dropSchema(tx, tenant.schemaName)
      await tx.query(
        `update tenantry.tenant set provisioned_at = null, migration_version = 0, updated_at = now(), version = version + 1 where id = $1`,
        [id],
      )
    })
    tenants.onChange?.(id)
  }
}

function failed(what: string): TenantryError {
  return new TenantryError('ADOPT_STAGE_FAILED', `${what}.`, { fix: 'Name another slug for it in the plan.' })
}
