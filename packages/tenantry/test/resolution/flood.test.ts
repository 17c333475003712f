// What strangers can cost: hosts and names that nobody has, as many as they like.
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { createCachedRegistry } from '../../src/tenants/cached-registry.ts'
import { openTenantsFixture, type TenantsFixture } from '../harness/tenants.ts'
import { membershipOf, requestOf, resolutionInMemory } from '../support/requests.ts'

let fixture: TenantsFixture
beforeAll(async () => {
  fixture = await openTenantsFixture()
})
afterAll(() => fixture.close())

function counted() {
  let queries = 0
  const database: CentralDatabase = {
    session: (run) => fixture.admin.session(run),
    ...{ transaction: (run) => fixture.admin.transaction(run), close: async () => {} },
    listen: (...listening) => fixture.admin.listen(...listening),
    query: (text, values) => {
      queries += 1
      return fixture.admin.query(text, values)
    },
  }
  const registry = createCachedRegistry({ database, channel: fixture.instance.channel, clock: systemClock })
  const member = (tenantId: string, userId: string) => membershipOf(tenantId, userId)
  const membership = { peek: member, lookup: async (...who: [string, string]) => member(...who) }
  const resolution = resolutionInMemory({ user: () => ({ userId: 'anna' }), membership }, { tenants: registry })
  return { resolve: resolution.resolve, count: () => queries }
}

const hostOf = (slug: string) => requestOf({ host: `${slug}.app.example.com` })

describe('unknown hosts', () => {
  test('cost a bounded number of queries a second, however many they are, and real tenants get through', async () => {
    const { resolve, count } = counted()
    await fixture.tenants().create({ name: 'Late', slug: 'late-comer' })
    const started = performance.now()
    const answers: (string | undefined)[] = []
    let lateMs = Number.POSITIVE_INFINITY
    const flood: Promise<unknown>[] = []
    const ask = async (slug: string) => {
      const asked = performance.now()
      const { tenant, refusal } = await resolve(hostOf(slug))
      if (tenant !== undefined) lateMs = performance.now() - asked
      answers.push(tenant?.slug ?? refusal?.code)
    }
    for (let n = 0; n < 10_000; n += 1) {
      flood.push(ask(n === 9_000 ? 'late-comer' : `bogus-${n}`))
      // Each in a turn of its own, as requests come.
      await turn()
    }
    await Promise.all(flood)
    const seconds = (performance.now() - started) / 1000
    expect(answers.filter((answer) => answer === 'TENANT_NOT_FOUND')).toHaveLength(9_999)
    expect(answers).toContain('late-comer')
    expect(lateMs).toBeLessThan(1_000)
    expect(count()).toBeLessThanOrEqual(51 + Math.ceil(50 * seconds))
  })

  test('that come again cost nothing, and answer at once', async () => {
    const { resolve, count } = counted()
    await Promise.all(Array.from({ length: 500 }, async () => resolve(hostOf('bogus'))))
    expect(count()).toBe(1)
    expect(resolve(hostOf('bogus'))).toMatchObject({ refusal: { code: 'TENANT_NOT_FOUND' } })
    expect(count()).toBe(1)
  })

  test('that no tenant can have are never asked for', async () => {
    const { resolve, count } = counted()
    for (const host of ['www.app.example.com', 'a_b.app.example.com', 'xn--a.app.example.com', 'a.b.app.example.com']) {
      expect(await resolve(requestOf({ host }))).toMatchObject({ refusal: { code: 'TENANT_NOT_RESOLVED' } })
    }
    expect(await resolve(requestOf({ headers: { 'x-tenant-id': '../etc' } }))).toMatchObject({
      refusal: { code: 'TENANT_NOT_FOUND' },
    })
    expect(count()).toBe(0)
  })
})

describe('unknown domains', () => {
  test('are looked up so many times a second and no more, shared by all who wait; known ones are served on', async () => {
    let lookups = 0
    const lookup = async (host: string) => {
      lookups += 1
      await turn()
      return host === 'acme.example.org' ? 'acme' : undefined
    }
    const { resolve } = resolutionInMemory({ customDomain: { lookup, maxLookupsPerSecond: 50 } })
    const of = async (host: string) => {
      const { tenant, refusal } = await resolve(requestOf({ host }))
      return tenant?.slug ?? refusal?.code
    }
    expect(await Promise.all(Array.from({ length: 100 }, () => of('acme.example.org')))).toEqual(
      Array(100).fill('acme'),
    )
    expect(lookups).toBe(1)
    const started = performance.now()
    const answers = await Promise.all(Array.from({ length: 2_000 }, (_, n) => of(`bogus-${n}.example.net`)))
    expect(new Set(answers)).toEqual(new Set(['TENANT_NOT_RESOLVED', 'DATABASE_UNAVAILABLE']))
    const seconds = (performance.now() - started) / 1000
    expect(lookups).toBeLessThanOrEqual(1 + 51 + Math.ceil(50 * seconds))
    expect(await of('acme.example.org')).toBe('acme')
  })
})
