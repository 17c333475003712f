// What the bridge suite claims, one function a claim. Each plays on rows of many tenants that have the same keys, so that an
// answer from the wrong tenant shows, and reads with central access what is really there afterwards.
import assert from 'node:assert/strict'
import type { Tenant } from '../tenants/tenant.ts'
import { batchLoader } from './batch-loader.ts'
import type { BridgeOperations, BridgeSession, SuiteNote } from './bridge.ts'
import { errorCodesOf } from './bridge-errors.ts'
import { type BridgeStage, firstNotes } from './bridge-stage.ts'

/** What a case is given: tenants of one isolation, whose rows are as they start. */
export interface BridgeCase {
  readonly session: BridgeSession
  readonly stage: BridgeStage
  readonly tenants: readonly [Tenant, Tenant, ...Tenant[]]
}

type Operations = BridgeOperations

const ROUNDS = 5

const isOwn =
  ({ slug }: Tenant) =>
  ({ body }: { readonly body: string }) =>
    body.startsWith(`${slug}/`)

const bodies = (notes: readonly { readonly body: string }[]) => notes.map(({ body }) => body).sort()

const firstBodies = ({ slug }: Tenant) => bodies(firstNotes(slug))

const newNote = ({ slug }: Tenant, id: number): SuiteNote => ({ id, parentId: null, body: `${slug}/${id}` })

/** Runs the work in a tenant, awaited there: what an operation returns may run only once it is awaited. */
const within = <T>({ stage }: BridgeCase, { slug }: Tenant, work: () => PromiseLike<T>): Promise<T> =>
  stage.tenantry.run(slug, async () => await work())

/** Runs the work in every tenant at once. */
const inEach = <T>(given: BridgeCase, work: (tenant: Tenant) => Promise<T>) =>
  Promise.all(given.tenants.map((tenant) => within(given, tenant, () => work(tenant))))

/** The work fails, and one of these codes is among what the error wraps. */
async function refused(what: string, work: Promise<unknown>, codes: readonly string[]): Promise<void> {
  let error: unknown
  try {
    await work
  } catch (thrown) {
    error = thrown
  }
  assert.ok(error !== undefined, `${what} was not refused`)
  const found = errorCodesOf(error)
  assert.ok(
    codes.some((code) => found.includes(code)),
    `${what} failed with ${found.join(', ') || 'no code'} instead of ${codes.join(' or ')}`,
  )
}

/** Every tenant has exactly these notes stored, and nothing of anybody else's. */
async function assertStored({ stage, tenants }: BridgeCase, expected: (tenant: Tenant) => readonly string[]) {
  for (const tenant of tenants) {
    const { notes } = await stage.stored(tenant)
    assert.deepEqual(bodies(notes), [...expected(tenant)].sort(), `the notes of ${tenant.slug}`)
  }
}

/** Resumes everybody who waits for it in one go. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

async function interleavedReads(given: BridgeCase): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    await inEach(given, async (tenant) => {
      const [list, note] = await Promise.all([given.session.list(), given.session.find(2)])
      assert.deepEqual(bodies(list), firstBodies(tenant), `the list of ${tenant.slug}`)
      assert.equal(note?.body, `${tenant.slug}/2`)
    })
  }
}

/** ORMs that batch look-ups gather them across requests, unless something keeps them apart. */
async function sameKeyInOneTick(given: BridgeCase): Promise<void> {
  const start = gate()
  const answers = inEach(given, async (tenant) => {
    await start.opened
    const found = await Promise.all([given.session.find(1), given.session.find(3)])
    return { slug: tenant.slug, found: found.map((note) => note?.body) }
  })
  start.open()
  for (const { slug, found } of await answers) assert.deepEqual(found, [`${slug}/1`, `${slug}/3`])
}

async function interleavedWrites(given: BridgeCase): Promise<void> {
  const ids = [11, 12, 13]
  await inEach(given, async (tenant) => {
    await Promise.all(ids.map((id) => given.session.insert(newNote(tenant, id))))
    assert.equal(await given.session.remove(2), 1)
  })
  await assertStored(given, (tenant) => [1, 3, ...ids].map((id) => `${tenant.slug}/${id}`))
}

async function updateOfAllRows(given: BridgeCase): Promise<void> {
  const [first] = given.tenants
  const count = await within(given, first, () => given.session.updateAll(`${first.slug}/changed`))
  assert.equal(count, 3)
  const changed = Array.from({ length: 3 }, () => `${first.slug}/changed`)
  await assertStored(given, (tenant) => (tenant === first ? changed : firstBodies(tenant)))
}

async function deleteOfAllRows(given: BridgeCase): Promise<void> {
  const [first] = given.tenants
  assert.equal(await within(given, first, () => given.session.removeAll()), 3)
  await assertStored(given, (tenant) => (tenant === first ? [] : firstBodies(tenant)))
}

/** A row tenant names another's id; a schema tenant, which has no such column, another's schema. */
async function forgedInsert(given: BridgeCase): Promise<void> {
  const { session, tenants } = given
  const [own, other] = tenants
  const note = newNote(own, 66)
  const forge = () =>
    other.isolation === 'row'
      ? session.insertAs(other.id, note)
      : session.raw(`insert into "${other.schemaName}".suite_note (id, body) values ($1, $2) returning id`, [
          66,
          note.body,
        ])
  await refused('a row in the name of another tenant', within(given, own, forge), ['42501'])
  await assertStored(given, firstBodies)
}

async function rawSql(given: BridgeCase): Promise<void> {
  const { session, tenants } = given
  await inEach(given, async (tenant) => {
    const rows = await session.raw('select body from suite_note where id <> $1 order by id', [2])
    assert.deepEqual(
      rows.map(({ body }) => body),
      [`${tenant.slug}/1`, `${tenant.slug}/3`],
    )
  })
  const [own, other] = tenants
  const foreign =
    other.isolation === 'row'
      ? { sql: 'select body from public.suite_note where tenant_id = $1', value: other.id }
      : { sql: `select body from "${other.schemaName}".suite_note where $1 <> ''`, value: 'x' }
  const rows = await within(given, own, () => session.raw(foreign.sql, [foreign.value]))
  assert.deepEqual(rows, [], `rows of ${other.slug} shown to ${own.slug}`)
}

async function nestedWritesAndRelations(given: BridgeCase): Promise<void> {
  const { session, stage, tenants } = given
  await inEach(given, async (tenant) => {
    const comments = [21, 22].map((id) => ({ id, noteId: 20, text: `${tenant.slug}/c${id}` }))
    await session.nestedInsert(newNote(tenant, 20), comments)
    const threads = await session.listThreads()
    const seen = threads.map(({ id, comments: loaded }) => [id, loaded.map(({ text }) => text).sort()] as const)
    const texts = (...ids: readonly number[]) => ids.map((id) => `${tenant.slug}/c${id}`)
    assert.deepEqual(Object.fromEntries(seen), { 1: texts(1, 2), 2: [], 3: [], 20: texts(21, 22) })
    assert.ok(threads.every(isOwn(tenant)), `a foreign note among the threads of ${tenant.slug}`)
  })
  for (const tenant of tenants) {
    const { comments } = await stage.stored(tenant)
    assert.deepEqual(
      comments.map(({ text }) => text),
      [1, 2, 21, 22].map((id) => `${tenant.slug}/c${id}`),
    )
  }
}

/** The row tenants' keys carry the tenant; a child of another's note has no parent that its tenant could see. */
async function foreignParent(given: BridgeCase): Promise<void> {
  const { session, tenants } = given
  const [own, other] = tenants
  await within(given, other, () => session.insert(newNote(other, 77)))
  const orphan = { ...newNote(own, 78), parentId: 77 }
  await refused(
    'a note under a parent of another tenant',
    within(given, own, () => session.insert(orphan)),
    ['23503'],
  )
}

async function committedTransactions(given: BridgeCase): Promise<void> {
  await inEach(given, (tenant) =>
    given.session.transaction(async (tx: Operations) => {
      await tx.insert(newNote(tenant, 31))
      assert.equal(await tx.remove(3), 1)
      await tx.insert(newNote(tenant, 32))
      const list = await tx.list()
      assert.deepEqual(bodies(list), [1, 2, 31, 32].map((id) => `${tenant.slug}/${id}`).sort())
    }),
  )
  await assertStored(given, (tenant) => [1, 2, 31, 32].map((id) => `${tenant.slug}/${id}`))
}

async function rolledBackTransactions(given: BridgeCase): Promise<void> {
  await inEach(given, async (tenant) => {
    const changedMind = new Error('changed my mind')
    const thrown = await given.session
      .transaction(async (tx: Operations) => {
        await tx.insert(newNote(tenant, 41))
        await tx.updateAll(`${tenant.slug}/lost`)
        throw changedMind
      })
      .catch((error: unknown) => error)
    assert.equal(thrown, changedMind, 'the error of the callback reaches the caller')
    const failed = given.session.transaction(async (tx: Operations) => {
      await tx.removeAll()
      await tx.insert(newNote(tenant, 42))
      await tx.insert(newNote(tenant, 42))
    })
    await refused('the same key twice', failed, ['23505'])
  })
  await assertStored(given, firstBodies)
}

async function isolatedTransactions(given: BridgeCase): Promise<void> {
  const [own, other] = given.tenants
  const { session } = given
  const [inside, goOn] = [gate(), gate()]
  const transaction = within(given, own, () =>
    session.transaction(async (tx: Operations) => {
      await tx.insert(newNote(own, 51))
      inside.open()
      await goOn.opened
      assert.ok((await tx.list()).every(isOwn(own)))
    }),
  )
  // It may fail before it gets there.
  await Promise.race([inside.opened, transaction])
  try {
    for (const tenant of [own, other]) {
      const list = await within(given, tenant, () => session.list())
      assert.deepEqual(bodies(list), firstBodies(tenant), 'what is not committed is seen by nobody')
    }
  } finally {
    goOn.open()
  }
  await transaction
  await assertStored(given, (tenant) => [...firstBodies(tenant), ...(tenant === own ? [`${own.slug}/51`] : [])])
}

/** Everything the session offers, to be tried where none of it may work. */
function everyOperation(session: BridgeSession, tenant: Tenant): Readonly<Record<string, () => Promise<unknown>>> {
  const note = newNote(tenant, 91)
  return {
    insert: () => session.insert(note),
    list: () => session.list(),
    find: () => session.find(1),
    updateAll: () => session.updateAll('nobody'),
    remove: () => session.remove(1),
    removeAll: () => session.removeAll(),
    raw: () => session.raw('select body from suite_note where id <> $1', [0]),
    nestedInsert: () => session.nestedInsert(note, [{ id: 91, noteId: 91, text: 'nobody' }]),
    listThreads: () => session.listThreads(),
    transaction: () => session.transaction((tx) => tx.list()),
    'a transaction with a write': () => session.transaction((tx) => tx.insert(note)),
  }
}

async function missingContext(given: BridgeCase): Promise<void> {
  const { session, tenants } = given
  for (const [name, operation] of Object.entries(everyOperation(session, tenants[0]))) {
    await refused(`${name} outside of every tenant`, Promise.resolve().then(operation), ['TENANT_CONTEXT_MISSING'])
  }
  await assertStored(given, firstBodies)
}

async function lazyQuery({ session, stage, tenants }: BridgeCase): Promise<void> {
  if (!session.lazyList) return
  const [tenant] = tenants
  const returned = stage.tenantry.run(tenant.slug, () => session.lazyList?.())
  await refused('a query returned unawaited', returned, ['TENANT_CONTEXT_MISSING'])
  const kept = await stage.tenantry.run(tenant.slug, async () => ({ query: session.lazyList?.() }))
  await refused('a query awaited later', Promise.resolve(kept.query), ['TENANT_CONTEXT_MISSING'])
  await stage.tenantry.run(tenant.slug, async () => {
    const rows = await session.lazyList?.()
    assert.ok(Array.isArray(rows) && rows.length === 3, 'a query awaited in its tenant shows the rows there')
  })
}

/**
 * A loader gathers keys of one tick and asks in the context of the first: one that tenants share answers them all with the
 * rows of one. No pool can see that. One made for each scope keeps them apart.
 */
async function batchLoading(given: BridgeCase): Promise<void> {
  const { session, stage } = given
  const asked = { inOneBatch: 0 }
  const makeLoader = () =>
    batchLoader(async (keys: readonly number[]) => {
      asked.inOneBatch = Math.max(asked.inOneBatch, keys.length)
      const notes = new Map((await session.list()).map(({ id, body }) => [id, body]))
      return keys.map((key) => notes.get(key))
    })
  const load = async (loader: () => (key: number) => Promise<string | undefined>) => {
    const start = gate()
    const answers = inEach(given, async () => {
      await start.opened
      return Promise.all([loader()(1), loader()(2)])
    })
    start.open()
    return (await answers).map(([first, second], at) => ({ slug: given.tenants[at]?.slug, first, second }))
  }
  for (const { slug, first, second } of await load(stage.tenantry.perScope(makeLoader))) {
    assert.deepEqual([first, second], [`${slug}/1`, `${slug}/2`])
  }
  assert.equal(asked.inOneBatch, 2)
  const shared = makeLoader()
  const mixed = (await load(() => shared)).filter(({ slug, first }) => first !== `${slug}/1`)
  assert.equal(mixed.length, given.tenants.length - 1, 'this case would not see a loader that mixes tenants')
}

/** The application's role may make nothing, so a migration tool that is handed this pool by mistake changes nothing. */
async function definitions(given: BridgeCase): Promise<void> {
  const statements = [
    'create table suite_mistake (id integer)',
    'alter table suite_note add column mistake text',
    'drop table suite_comment',
    'create schema suite_mistake',
  ]
  const { session, tenants } = given
  for (const statement of statements) {
    const sent = within(given, tenants[0], () => session.raw(statement, []))
    await refused(statement, sent, ['42501'])
    await refused(
      `${statement}, outside of every tenant`,
      Promise.resolve().then(() => session.raw(statement, [])),
      ['TENANT_CONTEXT_MISSING'],
    )
  }
}

/** The claims by their names, each run for row and for schema tenants. */
export const bridgeCases: Readonly<Record<string, (given: BridgeCase) => Promise<void>>> = {
  'reads of all tenants at once show own rows only': interleavedReads,
  'the same key asked for by all tenants in one tick is answered with their own rows': sameKeyInOneTick,
  'writes of all tenants at once land with their own tenant': interleavedWrites,
  'an update without a condition touches own rows only': updateOfAllRows,
  'a delete without a condition touches own rows only': deleteOfAllRows,
  'a row in the name of another tenant is refused': forgedInsert,
  'SQL text is scoped': rawSql,
  'nested writes and relations stay inside the tenant': nestedWritesAndRelations,
  'a row of another tenant cannot be referred to': foreignParent,
  'transactions commit': committedTransactions,
  'transactions roll back': rolledBackTransactions,
  'what a transaction has not committed is seen by nobody else': isolatedTransactions,
  'nothing works outside of every tenant': missingContext,
  'a lazy query runs in its tenant or not at all': lazyQuery,
  'batch loaders made for each scope keep tenants apart': batchLoading,
  'what a migration tool sends is refused': definitions,
}
