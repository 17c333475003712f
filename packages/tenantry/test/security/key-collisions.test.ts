// L16: what the process remembers by a key, and what a connection remembers by a name, is never another tenant's.
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ScopedTenant } from '../../src/engine/context/scope.ts'
import { Entrance, type EntranceRequest } from '../../src/engine/sql/entrance.ts'
import { statementNameFor } from '../../src/engine/sql/rules.ts'
import { startEngine, type TestEngine } from '../harness/engine.ts'

// Few values, so that what differs differs in one part only, and parts that could be taken for a separator.
const tenants = fc.record<ScopedTenant>({
  id: fc.constantFrom('019a0000-0000-7000-8000-000000000000', '019a0000-0000-7000-8000-000000000001'),
  slug: fc.constant('slug'),
  isolation: fc.constantFrom('row', 'schema'),
  schemaName: fc.constantFrom('a', 'b', 'a_b'),
  migrationVersion: fc.constantFrom(1, 2, 11),
  mode: fc.constant('normal'),
  modeOperators: fc.constant([]),
})
const words = fc.constantFrom(
  '',
  'a',
  'b',
  'a"',
  '","',
  'null',
  'ab',
  '1',
  ':',
  '1:a',
  'x'.repeat(63),
  `${'x'.repeat(63)}y`,
)
const claims = fc.record({ userId: words, role: words }, { requiredKeys: [] })
const requests: fc.Arbitrary<EntranceRequest> = fc.record(
  { tenant: tenants, claims, statementTimeoutMs: fc.constantFrom(1, 2, 12), readOnly: fc.boolean() },
  { requiredKeys: ['tenant', 'claims'] },
)
const hex = (text: string | undefined) => Buffer.from(text ?? '').toString('hex')

describe('L16: the preludes that are kept', () => {
  it('are those of the tenant, the actor, the schema, the timeout and the mode that asked, in any order', () => {
    fc.assert(
      fc.property(fc.array(requests, { minLength: 2, maxLength: 30 }), (asked) => {
        const entrance = new Entrance({
          signingKey: { id: '0001', secret: Buffer.alloc(32, 1) },
          ...{ appRole: 'app', sharedSchemas: ['public'], clockOffsetMs: 0 },
        })
        for (const request of asked) {
          const { tenant, claims: who, statementTimeoutMs, readOnly = false } = request
          const { message, name, text: sql, readOnly: only } = entrance.prelude(request)
          const text = message.toString('latin1')
          const token = new RegExp(`\\.${tenant.id}\\.\\d{10}\\.${hex(who.userId)}\\.${hex(who.role)}(?![0-9a-f])`)
          expect(text).toMatch(token)
          const path = tenant.isolation === 'row' ? '"public", pg_temp' : `"${tenant.schemaName}", "public", pg_temp`
          expect(text).toContain(`${path}\0`)
          expect(name.includes('_timeout')).toBe(statementTimeoutMs !== undefined)
          expect([name.endsWith('_read_only'), sql.includes('transaction_read_only'), only]).toEqual([
            readOnly,
            readOnly,
            readOnly,
          ])
          const value = String(statementTimeoutMs)
          if (statementTimeoutMs !== undefined) {
            expect(text).toContain(`\0\0\0${String.fromCharCode(value.length)}${value}\0`)
          }
        }
      }),
    )
  })
})

describe('L16: the names of prepared statements', () => {
  const names = fc.oneof(words, fc.string({ minLength: 1, maxLength: 90 }))
  const named = fc.record({ tenant: tenants, name: names.filter((name) => name !== '') })

  it('are shared only where the same name means the same tables, as far as PostgreSQL reads them', () => {
    fc.assert(
      fc.property(named, named, (one, two) => {
        const [first = '', second = ''] = [one, two].map(({ tenant, name }) => statementNameFor(name, tenant))
        for (const name of [first, second]) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63)
        const isShared =
          one.name === two.name &&
          one.tenant.isolation === two.tenant.isolation &&
          (one.tenant.isolation === 'row' ||
            (one.tenant.id === two.tenant.id && one.tenant.migrationVersion === two.tenant.migrationVersion))
        expect(first === second).toBe(isShared)
      }),
      { numRuns: 1_000 },
    )
  })

  it('never meet the names of the engine’s own statements', () => {
    const own = /^(tenantry_|begin|commit|rollback|set local|reset all|select)/
    fc.assert(fc.property(named, ({ tenant, name }) => !own.test(statementNameFor(name, tenant) ?? '')))
  })
})

describe('L16: on one connection', () => {
  let engine: TestEngine
  beforeAll(async () => {
    engine = await startEngine({ max: 1, sharedConnections: 1 })
    for (const slug of ['north', 'south']) {
      await engine.addTenant(slug, 'create table note (id int, text text)')
      await send(slug, { name: 'insert', text: 'insert into note values (1, $1)', values: [slug] })
    }
  })
  afterAll(() => engine.close())

  const send = (slug: string, config: { name: string; text: string; values?: unknown[] }) =>
    engine.scopes.run(slug, {}, () => engine.pool.query(config) as Promise<{ rows: unknown[] }>)

  it('long names that begin alike stay apart, within a tenant and between tenants', async () => {
    const long = 'a long name as query builders make them, with the columns of each ending in '
    for (const slug of ['north', 'south', 'north']) {
      expect((await send(slug, { name: `${long}id`, text: 'select id from note' })).rows).toEqual([{ id: 1 }])
      expect((await send(slug, { name: `${long}text`, text: 'select text from note' })).rows).toEqual([{ text: slug }])
    }
  })
})

it('L16: the product takes no advisory lock, which a tenant could hold against it', () => {
  const root = new URL('../../', import.meta.url)
  const taking = ['src', 'sql'].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|sql)$/.test(file) && !file.endsWith('.test.ts') && !file.startsWith('testing'))
      .filter((file) =>
        /(select|perform)\s+(pg_catalog\.)?pg_(try_)?advisory_(xact_)?lock/.test(
          readFileSync(new URL(`${folder}/${file}`, root), 'utf8'),
        ),
      ),
  )
  expect(taking).toEqual([])
})
