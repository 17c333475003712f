// A single-tenant database whose tenants are to be split out into schemas, with its plan and its tenant migration.
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspectDatabase } from '../../src/features/adopt/inspect.ts'
import type { AdoptPlan } from '../../src/features/adopt/plan.ts'
import { planOf } from '../../src/features/adopt/plan-make.ts'
import { ADOPTED_MIGRATION, tenantMigration } from '../../src/features/adopt/split-ddl.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { temporaryFolder } from '../harness/cluster.ts'
import { type AdoptFixture, databaseWith } from '../support/adopt-fixture.ts'

export interface SplitFixture extends AdoptFixture {
  readonly plan: AdoptPlan
  /** The text of the tenant migration. */
  readonly migration: string
  readonly migrations: string
  /** The plan as a file. */
  readonly file: string
  readonly tenantry: Tenantry
}

/** A database in which these statements were run, its tenants the rows of `root`. */
export async function splitting(root: string, ...statements: readonly string[]): Promise<SplitFixture> {
  const fixture = await databaseWith(...statements)
  const schema = root.split('.')[0] ?? ''
  const inspection = await inspectDatabase(fixture.database, schema)
  const plan = await planOf(fixture.database, inspection, { root: { table: root }, schema, target: 'schema' })
  const migrations = await temporaryFolder()
  const migration = tenantMigration(inspection, plan)
  await mkdir(join(migrations, 'tenant'))
  await writeFile(join(migrations, 'tenant', ADOPTED_MIGRATION), migration)
  const file = join(migrations, 'plan.json')
  await writeFile(file, JSON.stringify(plan))
  const tenantry = createTenantry({ adminUrl: fixture.adminUrl, migrations })
  const drop = async () => {
    await tenantry.close()
    await fixture.drop()
    await rm(migrations, { recursive: true })
  }
  return { ...fixture, plan, migration, migrations, file, tenantry, drop }
}

/** Count and checksum of each tenant's rows of a table, as they are in the tables of before. */
export async function rowsByTenant({ database }: SplitFixture, table: string): Promise<Record<string, unknown>> {
  const { rows } = await database.query<{ slug: string }>(
    `select t.slug, ${SUM} from (select r.tenant_id, (to_jsonb(r) - 'tenant_id')::text as text from ${table} r) r
       join tenantry.tenant t on t.id = r.tenant_id group by t.slug`,
  )
  return Object.fromEntries(rows.map(({ slug, ...rest }) => [slug, rest]))
}

/** The same of their own tables. */
export async function ownRows({ database }: SplitFixture, table: string): Promise<Record<string, unknown>> {
  const { rows } = await database.query<{ slug: string; schema: string }>(
    'select slug, schema_name as schema from tenantry.tenant order by slug',
  )
  const found: Record<string, unknown> = {}
  for (const { slug, schema } of rows) {
    const own = await database.query<{ rows: number }>(
      `select ${SUM} from (select to_jsonb(r)::text as text from "${schema}".${table} r) r`,
    )
    if (own.rows[0]?.rows !== 0) found[slug] = own.rows[0]
  }
  return found
}

const SUM = `count(*)::int as rows, md5(coalesce(string_agg(r.text, '' order by r.text), '')) as sum`
