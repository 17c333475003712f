// The leaks that were seen in real projects, each as a case over a way in. The numbers are those of docs/testing.md.
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { expectRefusal } from './refusal.ts'
import type { SuiteStage } from './suite-stage.ts'
import type { WayIn } from './way-in.ts'

/** What a case plays with. */
export interface CaseInput {
  readonly way: WayIn
  readonly stage: SuiteStage
}

interface IsolationCase {
  readonly name: string
  run(input: CaseInput): Promise<void>
}

// What PostgreSQL and Tenantry refuse with: a right that is missing, a policy's check.
const DENIED = '42501'
const REFUSED = 'STATEMENT_REFUSED'
const FORGED = ['CONTEXT_INVALID', 'TN002', 'TENANT_CONTEXT_MISSING', 'TN001']
const LOCK_FREE_WITHIN_MS = 5_000

const textsOf = async ({ way }: CaseInput, tenant: string, sql: string) =>
  (await way.query(tenant, sql)).rows.map((row) => String(row['text'])).sort()

/** Both tenants see what they had at the start, and nothing else. */
async function expectUntouched(input: CaseInput): Promise<void> {
  const { own, other, note, otherNote } = input.stage
  assert.deepEqual(await textsOf(input, own.slug, `select text from ${note}`), [own.slug, own.slug])
  assert.deepEqual(await textsOf(input, other.slug, `select text from ${otherNote}`), [other.slug, other.slug])
}

async function turns(input: CaseInput): Promise<void> {
  const { own, other, note, otherNote } = input.stage
  const look = async (index: number) => {
    const [tenant, table] = index % 2 === 0 ? [own, note] : [other, otherNote]
    const seen = await textsOf(input, tenant.slug, `select text from ${table}`)
    assert.deepEqual(seen, [tenant.slug, tenant.slug])
  }
  for (const index of [0, 1, 0, 1]) await look(index)
  await Promise.all(Array.from({ length: 20 }, (_, index) => look(index)))
}

const SESSION = `select current_setting('role') as role, current_setting('search_path') as path,
  current_setting('statement_timeout') as timeout, current_setting('timezone') as zone,
  current_setting('row_security') as security, tenantry.current_tenant_id()::text as id`

async function keptSettings({ way, stage: { own, other } }: CaseInput): Promise<void> {
  const before = (await way.query(other.slug, SESSION)).rows[0]
  assert.equal(before?.['id'], other.id)
  for (const [name, value] of [
    ...([
      ['role', 'none'],
      ['search_path', 'pg_catalog'],
      ['statement_timeout', '1'],
      ['row_security', 'off'],
    ] as const),
    ...([
      ['tenantry.context', 'x'],
      ['timezone', 'Asia/Tokyo'],
    ] as const),
  ]) {
    // Whether it is allowed is not the question: a server may be hardened.
    await way.query(own.slug, `select set_config('${name}', '${value}', false)`).catch(() => undefined)
    assert.deepEqual((await way.query(other.slug, SESSION)).rows[0], before, `${name} was kept`)
  }
  await way.query(own.slug, `update pg_settings set setting = 'off' where name = 'row_security'`).catch(() => undefined)
  assert.deepEqual((await way.query(other.slug, SESSION)).rows[0], before, 'row_security was kept')
}

async function unprotectedTable({ way, stage }: CaseInput): Promise<void> {
  const { own, unprotected } = stage
  await expectRefusal(way.query(own.slug, `select * from ${unprotected}`), [DENIED], 'reading an unprotected table')
  const insert = `insert into ${unprotected} (id, text) values (1, 'x')`
  await expectRefusal(way.query(own.slug, insert), [DENIED], 'writing into an unprotected table')
}

async function foreignKeys(input: CaseInput): Promise<void> {
  const { way, stage } = input
  const { own, other, note, line } = stage
  const pointing = `insert into ${line} (id, note_id, text) values (99, 11, 'x')`
  await expectRefusal(way.query(own.slug, pointing), ['23503'], "pointing at the other tenant's row")
  const moving = `update ${line} set note_id = 11 where id = 1`
  await expectRefusal(way.query(own.slug, moving), ['23503'], "moving a row under the other tenant's")
  await way.query(own.slug, `delete from ${note}`)
  assert.deepEqual((await way.query(own.slug, `select id from ${line}`)).rows, [])
  const otherLine = stage.otherNote.replace(/_note$/, '_line')
  assert.deepEqual(await textsOf(input, other.slug, `select text from ${otherLine}`), [other.slug, other.slug])
  for (const id of [1, 2]) {
    await way.query(own.slug, `insert into ${note} (id, text) values (${id}, '${own.slug}')`)
    await way.query(own.slug, `insert into ${line} (id, note_id, text) values (${id}, ${id}, '${own.slug}')`)
  }
}

async function escapedFilters(input: CaseInput): Promise<void> {
  const { own, note, otherNote, line } = input.stage
  for (const sql of [
    `select text from ${otherNote} where id = 1 or true`,
    `select text from ${note} where id = 1 union all select text from ${otherNote} where id > 2`,
    `with all_notes as (select * from ${otherNote}) select text from all_notes`,
    `select n.text from ${note} n left join ${otherNote} o on o.id <> n.id`,
    `select distinct n.text from ${line} l, lateral (select text from ${otherNote} where id is not null) n`,
    `select coalesce(max(text), '${own.slug}') as text from ${otherNote}`,
    `select unnest(coalesce(array_agg(text), '{}')) as text from ${otherNote}`,
    `select (select text from ${otherNote} where id = 11) as text from ${note} where false`,
    `update ${otherNote} set text = text returning text`,
    `update ${note} n set text = n.text from ${otherNote} o returning o.text`,
    `select (xpath('//text/text()', query_to_xml('select text from ${otherNote}', true, true, '')))[1]::text as text where false`,
  ]) {
    for (const text of await textsOf(input, own.slug, sql)) assert.equal(text, own.slug, sql)
  }
  const { rows } = await input.way.query(
    own.slug,
    `select count(*)::int as n from ${otherNote} where text <> '${own.slug}'`,
  )
  assert.deepEqual(rows, [{ n: 0 }])
}

async function foreignWrites(input: CaseInput): Promise<void> {
  const { way, stage } = input
  const { own, other, otherNote, isolation } = stage
  const changed = async (sql: string) =>
    assert.deepEqual((await way.query(own.slug, `${sql} returning id`)).rows, [], sql)
  await changed(`update ${otherNote} set text = 'stolen' where id = 11`)
  await changed(`delete from ${otherNote} where id in (11, 12)`)
  if (isolation === 'row') {
    const planted = `insert into ${otherNote} (id, text, tenant_id) values (99, 'x', '${other.id}')`
    await expectRefusal(way.query(own.slug, planted), [DENIED], 'writing a row for the other tenant')
    const given = `update ${otherNote} set tenant_id = '${other.id}'`
    await expectRefusal(way.query(own.slug, given), [DENIED], 'giving rows to the other tenant')
  } else {
    const planted = `insert into ${otherNote} (id, text) values (99, 'x')`
    await expectRefusal(way.query(own.slug, planted), [DENIED], "writing into the other tenant's schema")
  }
  const upsert = `insert into ${otherNote} (id, text) values (11, 'x') on conflict (id) do update set text = 'stolen'`
  await expectRefusal(way.query(own.slug, upsert), [DENIED], "overwriting the other tenant's row")
  await expectRefusal(way.query(own.slug, `truncate ${otherNote} cascade`), [DENIED], 'TRUNCATE')
  await expectUntouched(input)
}

async function views(input: CaseInput): Promise<void> {
  const { own, other, view, isolation } = input.stage
  assert.deepEqual(await textsOf(input, own.slug, `select text from ${view}`), [own.slug, own.slug])
  const seen = await textsOf(input, other.slug, `select text from ${view}`)
  assert.deepEqual(seen, isolation === 'row' ? [other.slug, other.slug] : [])
}

async function bypasses(input: CaseInput): Promise<void> {
  const { way, stage } = input
  const { own, other, note, otherNote } = stage
  const under = (setting: string, value: string) =>
    `select n.text from (select set_config('${setting}', ${value}, true) as done offset 0) s, lateral
       (select text from ${otherNote} where s.done is not null) n`
  for (const name of ['tenantry.bypass', 'tenantry.is_central', 'tenantry.tenant_id', 'app.tenant_id', 'rls.bypass']) {
    for (const value of ["'true'", `'${other.id}'`]) {
      const texts = await textsOf(input, own.slug, under(name, value)).catch(() => [])
      for (const text of texts) assert.equal(text, own.slug, `${name} opened the other tenant`)
    }
  }
  const swapped = `replace(current_setting('tenantry.context'), '${own.id}', '${other.id}')`
  for (const value of [swapped, `'${'0'.repeat(64)}.0001.${other.id}.9999999999..'`, `'${other.id}'`, "''"]) {
    await expectRefusal(way.query(own.slug, under('tenantry.context', value)), [...FORGED, DENIED], 'a forged context')
  }
  for (const role of ['none', 'postgres', 'pg_read_all_data']) {
    const hop = `select query_to_xml('select text from ${note}', true, false, '')::text as text
      from (select set_config('role', '${role}', true) as done offset 0) s where s.done is not null`
    await expectRefusal(way.query(own.slug, hop), [DENIED, '22023'], `the role ${role}`)
  }
}

async function residue(input: CaseInput): Promise<void> {
  const { way, stage } = input
  const { own, other } = stage
  for (const sql of [
    'create temp table kept (id int)',
    'declare kept cursor with hold for select 1',
    'prepare kept as select 1',
    'deallocate all',
    'discard all',
    'listen kept',
    "set search_path = 'pg_catalog'",
    'reset all',
  ]) {
    await expectRefusal(way.query(own.slug, sql), [REFUSED, DENIED], sql)
  }
  // As text: some ORMs cannot read void.
  await way.query(own.slug, 'select pg_advisory_lock(7, 4711)::text')
  const free = 'select pg_try_advisory_xact_lock(7, 4711) as free, pg_backend_pid() as pid'
  const deadline = performance.now() + LOCK_FREE_WITHIN_MS
  while ((await way.query(other.slug, free)).rows[0]?.['free'] !== true) {
    assert.ok(performance.now() < deadline, 'an advisory lock outlived the statement that took it')
    await delay(10)
  }
  const left = `select (select count(*)::int from pg_cursors where is_holdable) as cursors,
    (select count(*)::int from pg_prepared_statements where name = 'kept') as prepared`
  assert.deepEqual((await way.query(other.slug, left)).rows, [{ cursors: 0, prepared: 0 }])
}

/** In the order in which they run; each leaves the stage as it found it. */
export const isolationCases: readonly IsolationCase[] = [
  { name: 'L1, L3: tenants in turn and at once each see their own rows, whatever connection serves them', run: turns },
  { name: 'L2: no setting that one tenant tried to keep is there for the next', run: keptSettings },
  { name: 'L7: a table that nobody protected is closed', run: unprotectedTable },
  { name: 'L8: a foreign key points at own rows only, and a cascade stays inside the tenant', run: foreignKeys },
  { name: 'L9: no query gets past its filter to foreign rows', run: escapedFilters },
  { name: 'L9: no write reaches foreign rows', run: foreignWrites },
  { name: 'L12: a view shows own rows only', run: views },
  { name: 'L18: no setting, role or forged context opens the other tenant', run: bypasses },
  { name: 'L19: nothing of a session stays for the next tenant', run: residue },
]
