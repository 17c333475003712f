import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Difference, GuardedSchema, SchemaCatalogue } from '../../src/engine/catalogue/catalogue.ts'
import { compareCatalogues } from '../../src/engine/catalogue/compare-catalogues.ts'
import { describeSchema } from '../../src/engine/catalogue/describe-schema.ts'
import type { Sql } from '../../src/engine/sql/database.ts'
import { type CatalogueFixture, fingerprintOf, openCatalogueFixture, runIn, undoing } from './fixture.ts'
import { baseDdl, catalogueMutations, statementsOf } from './mutations.ts'

let fixture: CatalogueFixture
let schema: GuardedSchema
let reference: SchemaCatalogue

beforeAll(async () => {
  fixture = await openCatalogueFixture()
  schema = await fixture.schema('tenant_changed', baseDdl)
  reference = await describeSchema(fixture.admin, await fixture.schema('tenant_reference', baseDdl))
})
afterAll(() => fixture.close())

test('a schema that is as the reference has no difference', async () => {
  const catalogue = await describeSchema(fixture.admin, schema)
  expect(compareCatalogues(reference, catalogue)).toEqual([])
  expect(catalogue.fingerprint).toBe(reference.fingerprint)
})

const differencesOf = async (tx: Sql): Promise<readonly Difference[]> =>
  compareCatalogues(reference, await describeSchema(tx, schema))

async function mendAll(tx: Sql, differences: readonly Difference[]): Promise<void> {
  for (const { mend, kind, name } of differences) {
    if (mend === null) continue
    await runIn(tx, schema, mend).catch((error: unknown) => {
      throw new Error(`The mending of ${kind} ${name} failed: ${mend}`, { cause: error })
    })
  }
}

const cases = catalogueMutations.map((mutation) => ({ ...mutation, title: mutation.sql }))

describe('a change by hand is named, and mended by the statements given with it', () => {
  test.each(cases.filter(({ byHand }) => !byHand))('$title', async (mutation) => {
    const { app, central } = fixture.instance.roles
    await undoing(fixture, async (tx) => {
      await runIn(tx, schema, statementsOf(mutation, { app, central, schema: schema.name }))
      const differences = await differencesOf(tx)
      expect(differences.map(({ kind }) => kind)).toContain(mutation.kind)
      await mendAll(tx, differences)
      expect(await differencesOf(tx)).toEqual([])
      expect(await fingerprintOf(tx, schema)).toBe(reference.fingerprint)
      return true
    })
  })
})

describe('a change whose mending would take rows away, or move columns, is named with what to know', () => {
  test.each(cases.filter(({ byHand }) => byHand))('$title', async (mutation) => {
    const { app, central } = fixture.instance.roles
    await undoing(fixture, async (tx) => {
      await runIn(tx, schema, statementsOf(mutation, { app, central, schema: schema.name }))
      const differences = await differencesOf(tx)
      expect(differences.map(({ kind }) => kind)).toContain(mutation.kind)
      const left = differences.filter(({ mend }) => mend === null)
      expect(left.length).toBeGreaterThan(0)
      for (const { warning } of left) expect(warning).toEqual(expect.any(String))
      return true
    })
  })
})

test('no mending drops a table or a column', async () => {
  const { app, central } = fixture.instance.roles
  for (const mutation of catalogueMutations) {
    const differences = await undoing(fixture, async (tx) => {
      await runIn(tx, schema, statementsOf(mutation, { app, central, schema: schema.name }))
      return differencesOf(tx)
    })
    for (const { mend } of differences) expect(mend ?? '').not.toMatch(/drop (table|column)|delete from/i)
  }
})
