// Guarded schemas made from DDL, with no tenant behind them, in a database of the test file's own.
import type { GuardedSchema } from '../../src/engine/catalogue/catalogue.ts'
import { fingerprintsOf } from '../../src/engine/catalogue/fingerprints.ts'
import type { Sql } from '../../src/engine/sql/database.ts'
import { newId } from '../../src/kernel/ids.ts'
import { quoteIdentifier } from '../../src/kernel/identifiers.ts'
import { openTenantsFixture, type TenantsFixture } from '../harness/tenants.ts'

export interface CatalogueFixture extends TenantsFixture {
  /** A schema of that name with these objects, guarded. */
  schema(name: string, ddl: string): Promise<GuardedSchema>
}

export async function openCatalogueFixture(): Promise<CatalogueFixture> {
  const fixture = await openTenantsFixture()
  const { app, central } = fixture.instance.roles
  return {
    ...fixture,
    schema: async (name, ddl) => {
      const schema = { name, tenantId: newId() }
      await fixture.admin.query(`create schema ${quoteIdentifier(name)}`)
      await fixture.admin.transaction(async (tx) => {
        await runIn(tx, schema, ddl)
        await tx.query('select tenantry.guard_schema($1, $2, $3, $4)', [schema.tenantId, name, app, central])
      })
      return schema
    },
  }
}

/** Runs statements as migrations are run: unqualified names are the schema's. */
export async function runIn(tx: Sql, schema: GuardedSchema, statements: string): Promise<void> {
  await tx.query(`set local search_path = ${quoteIdentifier(schema.name)}, pg_temp; ${statements}; reset search_path`)
}

export async function fingerprintOf(sql: Sql, schema: GuardedSchema): Promise<string> {
  const fingerprint = (await fingerprintsOf(sql, [schema])).get(schema.name)
  if (fingerprint === undefined) throw new Error(`There is no schema ${schema.name}.`)
  return fingerprint
}

class Undone extends Error {}

/** What the callback returns, of changes that are rolled back. */
export async function undoing<T>(fixture: CatalogueFixture, run: (tx: Sql) => Promise<T>): Promise<T> {
  const results: T[] = []
  try {
    await fixture.admin.transaction(async (tx) => {
      results.push(await run(tx))
      throw new Undone()
    })
  } catch (error) {
    if (!(error instanceof Undone)) throw error
  }
  const [result] = results
  if (result === undefined) throw new Error('The change gave no result.')
  return result
}
