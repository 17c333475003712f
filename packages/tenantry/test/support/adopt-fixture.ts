// Single-tenant databases to adopt, each in a database of its own.
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { AdoptPlan, AdoptTable } from '../../src/features/adopt/plan.ts'
import { createTestDatabase } from '../harness/database.ts'
import type { Chinook } from './chinook.ts'

export interface AdoptFixture {
  readonly database: CentralDatabase
  readonly adminUrl: string
  readonly superUrl: string
  readonly name: string
  /** Call in afterAll. */
  drop(): Promise<void>
}

/** A database in which the statements were run, in one transaction. */
export async function databaseWith(...statements: readonly string[]): Promise<AdoptFixture> {
  const created = await createTestDatabase()
  const database = openCentralDatabase({ url: created.adminUrl })
  const drop = async () => {
    await database.close()
    await created.drop()
  }
  await database.query(`begin; ${[...statements, 'commit'].join(';\n')}`)
  return { database, adminUrl: created.adminUrl, superUrl: created.superUrl, name: created.name, drop }
}

export const databaseWithChinook = (chinook: Chinook): Promise<AdoptFixture> =>
  databaseWith(chinook.ddl, ...chinook.inserts)

/** What the plan says of a table, by its bare name. */
export function tableOf(plan: AdoptPlan, name: string): AdoptTable {
  const found = plan.tables.find(({ table }) => table === `${plan.schema}.${name}`)
  if (found === undefined) throw new Error(`The plan has no table ${name}.`)
  return found
}

/** Decision and way of each table, in a form to compare: `tenant by customer_id→customer`. */
export function decisionsOf(plan: AdoptPlan): Readonly<Record<string, string>> {
  const short = (table: string) => table.replace(`${plan.schema}.`, '')
  return Object.fromEntries(
    plan.tables.map(({ table, decision, path, column }) => {
      const way = path.map((step) => `${step.columns.join('+')}→${short(step.table)}`).join(' ')
      return [short(table), [decision, way && `by ${way}`, column !== null && `in ${column}`].filter(Boolean).join(' ')]
    }),
  )
}
