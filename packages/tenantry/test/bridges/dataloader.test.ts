// The package dataloader over the scoped pool: it sends a batch in the scope of whoever asked first, and it keeps answers, so
// each scope needs a loader of its own.
import DataLoader from 'dataloader'
import { drizzle } from 'drizzle-orm/node-postgres'
import { inArray } from 'drizzle-orm'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { noteTenants, openNoteTenants, type NoteTenants } from '../support/note-tenants.ts'

const note = pgTable('note', { id: integer().primaryKey(), text: text() })

let notes: NoteTenants
let makeLoader: () => DataLoader<number, string | null>

beforeAll(async () => {
  notes = await openNoteTenants()
  const db = drizzle({ client: notes.tenantry.pool })
  makeLoader = () =>
    new DataLoader(async (ids) => {
      const rows = await db
        .select()
        .from(note)
        .where(inArray(note.id, [...ids]))
      return ids.map((id) => rows.find((row) => row.id === id)?.text ?? null)
    })
})
afterAll(() => notes.close())

/** What each tenant is shown of all three notes, of which one is its own, all tenants in one tick. */
const askAll = async (loader: () => DataLoader<number, string | null>) => {
  let start = () => {}
  const opened = new Promise<void>((resolve) => {
    start = resolve
  })
  const answers = noteTenants.map((slug) =>
    notes.tenantry.run(slug, async () => {
      await opened
      return Promise.all([0, 1, 2].map((id) => loader().load(id)))
    }),
  )
  start()
  return Promise.all(answers)
}

it('a loader of each scope shows each tenant its own rows, in one batch a scope', async () => {
  const loader = notes.tenantry.perScope(makeLoader)
  expect(await askAll(loader)).toEqual([
    ['acme', null, null],
    [null, 'globex', null],
    [null, null, 'initech'],
  ])
  // Nor does a later run meet what an earlier one kept.
  await notes.tenantry.run('acme', async () => expect(await loader().load(1)).toBeNull())
  await notes.tenantry.run('globex', async () => expect(await loader().load(1)).toBe('globex'))
})

it('a loader that scopes share answers all of them with the rows of one, which no pool can see', async () => {
  const shared = makeLoader()
  expect(await askAll(() => shared)).toEqual([
    ['acme', null, null],
    ['acme', null, null],
    ['acme', null, null],
  ])
})

it('a loader of a scope is refused outside of every scope', () => {
  expect(notes.tenantry.perScope(makeLoader)).toThrow(expect.objectContaining({ code: 'TENANT_CONTEXT_MISSING' }))
})

it('runs of one tenant that go on at once have loaders of their own, and so do scopes within scopes', async () => {
  const { tenantry } = notes
  const own = tenantry.perScope(() => ({}))
  const seen = await Promise.all(
    ['acme', 'acme'].map((slug) => tenantry.run(slug, async () => [own(), own()] as const)),
  )
  for (const [first, second] of seen) expect(first).toBe(second)
  expect(seen[0]?.[0]).not.toBe(seen[1]?.[0])
  await tenantry.run('acme', async () => {
    const outer = own()
    await tenantry.run('globex', { switch: true }, async () => expect(own()).not.toBe(outer))
    expect(own()).toBe(outer)
  })
})
