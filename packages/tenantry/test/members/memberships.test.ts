// The source of memberships: what is in memory, what is asked, and what is forgotten when.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Sql } from '../../src/engine/sql/database.ts'
import { createMembers } from '../../src/features/members/create-members.ts'
import { createMemberships, type MembershipsOptions } from '../../src/features/members/memberships.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { Membership } from '../../src/tenants/access.ts'
import { type CachedRegistry, createCachedRegistry } from '../../src/tenants/cached-registry.ts'
import { openTenantsFixture, type TenantsFixture } from '../harness/tenants.ts'
import { until } from '../harness/wait.ts'

let fixture: TenantsFixture
let acme: string
let globex: string
const registries: CachedRegistry[] = []

beforeAll(async () => {
  fixture = await openTenantsFixture()
  const tenants = fixture.tenants()
  acme = (await tenants.create({ name: 'ACME', slug: 'acme', provision: false })).id
  globex = (await tenants.create({ name: 'Globex', slug: 'globex', provision: false })).id
})
afterEach(async () => {
  await Promise.all(registries.splice(0).map((registry) => registry.close()))
})
afterAll(() => fixture.close())

const members = () => createMembers({ database: fixture.admin, clock: systemClock })

interface Opened {
  readonly source: ReturnType<typeof createMemberships>
  readonly count: () => number
  readonly forget: (tenantId?: string) => void
}

/** A source over the real database, its queries counted, with a pause before each answer where one is asked for. */
function open(options: Partial<MembershipsOptions> = {}, pause: () => Promise<void> = () => Promise.resolve()): Opened {
  let queries = 0
  let forget: (tenantId: string | undefined) => void = () => {}
  const sql: Sql = {
    query: async (text, values) => {
      queries += 1
      const result = await fixture.admin.query(text, values)
      await pause()
      return result as never
    },
  }
  const onForget = (listener: typeof forget) => {
    forget = listener
  }
  const source = createMemberships({ sql, clock: systemClock, onForget, ...options })
  return { source, count: () => queries, forget: (tenantId) => forget(tenantId) }
}

test('answers members and strangers from memory after one query of both', async () => {
  await members().add('acme', { userId: 'ann', role: 'admin' })
  const { source, count } = open()
  expect(source.peek(acme, 'ann')).toBeUndefined()
  const asked = [source.lookup(acme, 'ann'), source.lookup(acme, 'nobody'), source.lookup(globex, 'ann')]
  const [ann, nobody, elsewhere] = await Promise.all([...asked, source.lookup(acme, 'ann')])
  expect(ann).toMatchObject({ tenantId: acme, userId: 'ann', role: 'admin', rank: 80, source: 'member' })
  expect(ann).toMatchObject({ readOnly: false, expiresAt: null })
  expect([nobody, elsewhere]).toEqual([null, null])
  expect(count()).toBe(1)
  expect(source.peek(acme, 'ann')).toEqual(ann)
  expect(source.peek(acme, 'nobody')).toBeNull()
  expect(await source.lookup(globex, 'ann')).toBeNull()
  expect(count()).toBe(1)
})

test('asks the database for nobody who cannot exist', async () => {
  const { source, count } = open()
  const impossible = ['', 'x'.repeat(256), 'a\0b', 'half \uD800']
  expect(await Promise.all(impossible.map((userId) => source.lookup(acme, userId)))).toEqual([null, null, null, null])
  expect(await source.lookup('acme', 'ann')).toBeNull()
  expect(count()).toBe(0)
})

test('forgets the entries of a tenant that changed, and nobody else’s', async () => {
  await members().add('acme', { userId: 'bob' })
  await members().add('globex', { userId: 'bob' })
  const { source, forget } = open()
  await Promise.all([source.lookup(acme, 'bob'), source.lookup(globex, 'bob'), source.lookup(acme, 'stranger')])
  forget(acme)
  expect([source.peek(acme, 'bob'), source.peek(acme, 'stranger')]).toEqual([undefined, undefined])
  expect(source.peek(globex, 'bob')).toMatchObject({ role: 'member' })
  forget()
  expect(source.peek(globex, 'bob')).toBeUndefined()
})

test('hears of a change that another process makes', async () => {
  await members().add('acme', { userId: 'carl' })
  const registry = createCachedRegistry({
    ...{ database: fixture.admin, channel: fixture.instance.channel, clock: systemClock },
  })
  registries.push(registry)
  const { source } = open({ onForget: (listener) => registry.onForget(listener) })
  await registry.start()
  expect(await source.lookup(acme, 'carl')).toMatchObject({ role: 'member' })
  await members().suspend('acme', 'carl')
  await until(() => Promise.resolve(source.peek(acme, 'carl') === undefined))
  expect(await source.lookup(acme, 'carl')).toBeNull()
  await members().activate('acme', 'carl')
  await until(() => Promise.resolve(source.peek(acme, 'carl') === undefined))
  expect(await source.lookup(acme, 'carl')).toMatchObject({ role: 'member' })
})

test('does not remember what was forgotten while its query ran, nor give it to whoever asks after', async () => {
  await members().add('acme', { userId: 'dora', role: 'admin' })
  let answer = () => {}
  const held = new Promise<void>((resolve) => {
    answer = resolve
  })
  let paused = false
  const { source, count, forget } = open({}, async () => {
    if (paused) return
    paused = true
    await held
  })
  const before = source.lookup(acme, 'dora')
  await until(() => Promise.resolve(paused))
  await members().revoke('acme', 'dora')
  forget(acme)
  const after = source.lookup(acme, 'dora')
  await until(() => Promise.resolve(count() === 2))
  expect(await after).toBeNull()
  answer()
  expect(await before).toMatchObject({ role: 'admin' })
  expect(source.peek(acme, 'dora')).toBeNull()
})

test('looks again after 30 seconds, after 5 for a stranger', async () => {
  await members().add('acme', { userId: 'eve' })
  let now = 1_000_000
  const { source } = open({ clock: { now: () => now } })
  await Promise.all([source.lookup(acme, 'eve'), source.lookup(acme, 'stranger')])
  now += 4_999
  expect(source.peek(acme, 'stranger')).toBeNull()
  now += 1
  expect(source.peek(acme, 'stranger')).toBeUndefined()
  now += 24_999
  expect(source.peek(acme, 'eve')).toMatchObject({ userId: 'eve' })
  now += 1
  expect(source.peek(acme, 'eve')).toBeUndefined()
})

test('a membership that ends is void at its end, by the clock of the database', async () => {
  let now = 5_000
  const { source, count } = open({ clock: { now: () => now } })
  const { rows } = await fixture.admin.query<{ made: string }>(
    "select pg_get_functiondef('tenantry.memberships_of'::regproc) as made",
  )
  const made = rows[0]?.made ?? ''
  // As an access does that was given for two seconds, beside one that is over already.
  const ending = `select 'support', 10, array['tenants:read'], 'support', true, now() + w.life
    from (values (interval '-1 second'), (interval '2 seconds')) w (life)`
  await fixture.admin.query(made.replace(/(AS \$function\$)[\s\S]*(\$function\$)/, `$1${ending}$2`))
  const helper = await source.lookup(acme, 'helper')
  await fixture.admin.query(made)
  expect(helper).toMatchObject({ source: 'support', readOnly: true })
  expect(helper?.expiresAt).toBeGreaterThan(Date.parse('2020-01-01'))
  now += 1_500
  expect(source.peek(acme, 'helper')).toEqual(helper)
  now += 500
  expect(source.peek(acme, 'helper')).toBeUndefined()
  expect(await source.lookup(acme, 'helper')).toBeNull()
  expect(count()).toBe(2)
})

test('strangers push no member out, and neither grows without bound', async () => {
  await members().add('acme', { userId: 'fay' })
  const { source, count } = open({ maxEntries: 2, maxNegative: 3 })
  await source.lookup(acme, 'fay')
  const strangers = Array.from({ length: 20 }, (_, at) => `stranger ${at}`)
  await Promise.all(strangers.map((userId) => source.lookup(acme, userId)))
  expect(source.peek(acme, 'fay')).toMatchObject({ userId: 'fay' })
  expect(strangers.filter((userId) => source.peek(acme, userId) === null)).toHaveLength(3)
  expect(count()).toBe(2)
})

test('a failed query is told to all who wait, and remembered by nobody', async () => {
  await members().add('acme', { userId: 'gil' })
  let fails = true
  const { source } = open({
    sql: {
      query: async (text, values) => {
        if (fails) throw new Error('gone')
        return fixture.admin.query(text, values) as never
      },
    },
  })
  const refused = await Promise.allSettled([source.lookup(acme, 'gil'), source.lookup(acme, 'gil')])
  expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  fails = false
  expect((await source.lookup(acme, 'gil')) satisfies Membership | null).toMatchObject({ userId: 'gil' })
})
