// What row-level security does not close. SECURITY.md lists these channels under "Side channels"; each test shows that
// one is as it is written there: what it tells, and what it does not.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { initialise } from '../../src/control/initialise.ts'
import { until } from '../harness/wait.ts'
import {
  after,
  type InjectionStage,
  injectionWays,
  openInjectionStage,
  secretOf,
  send,
  setTo,
} from '../support/injection-stage.ts'

let stage: InjectionStage
let superuser: CentralDatabase

beforeAll(async () => {
  stage = await openInjectionStage()
  superuser = openCentralDatabase({ url: stage.engine.database.superUrl })
  // Enough rows of the other tenant for statistics to tell.
  for (const { other } of [stage.row, stage.schema]) {
    await send(stage, other, "insert into invoice (id, secret) select n, 'common' from generate_series(100, 299) n")
  }
  await stage.engine.central.query('analyze')
})
afterAll(async () => {
  await superuser.close()
  await stage.close()
})

const onClient = injectionWays['a checked-out client']
/** A query that runs as the login, whose sessions are those of every tenant. */
const asLogin = (query: string) => after(setTo('role', 'none'), query)
const valueOf = async (answer: ReturnType<typeof send>) => Object.values((await answer).rows[0] ?? {})[0]
const plannedRows = async (slug: 'row' | 'schema', text: string) => {
  const line = String(await valueOf(send(stage, stage[slug].own, `explain ${text}`)))
  return Number(/rows=(\d+)/.exec(line)?.[1])
}
/** The sessions of the scoped login that are running this text. */
const running = async (text: string) =>
  (await superuser.query("select from pg_stat_activity where state = 'active' and query = $1", [text])).rows.length > 0

const channels: Readonly<Record<string, Readonly<Record<string, () => Promise<void>>>>> = {
  'Unique violations': {
    'a key without tenant_id answers whether the other tenant holds it, and shows nothing of the row': async () => {
      const { own } = stage.row
      const taken = send(stage, own, "insert into invoice (id, secret) values (11, 'x')")
      const error: unknown = await taken.catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: '23505', detail: undefined })
      const skipped = await send(stage, own, "insert into invoice (id, secret) values (11, 'x') on conflict do nothing")
      expect(skipped.rowCount).toBe(0)
    },
    'a key with tenant_id answers nothing, and neither do keys of another schema': async () => {
      const { engine, row, schema } = stage
      await engine.central.query(`create table keyed (tenant_id uuid not null default tenantry.claimed_tenant_id(),
        id int, primary key (tenant_id, id))`)
      await engine.protect('keyed')
      for (const tenant of [row.own, row.other]) {
        expect((await send(stage, tenant, 'insert into keyed (id) values (1)')).rowCount).toBe(1)
      }
      expect((await send(stage, schema.own, 'insert into invoice (id) values (11)')).rowCount).toBe(1)
    },
  },
  Plans: {
    'EXPLAIN estimates by the values of all tenants in a shared table, so it answers how common a value is':
      async () => {
        const common = await plannedRows('row', "select from invoice where secret = 'common'")
        const unknown = await plannedRows('row', "select from invoice where secret = 'nobody has this'")
        expect(common).toBeGreaterThan(10 * unknown)
      },
    'it says nothing of values in another schema, where the guard allows no row': async () => {
      const guess = (value: string) =>
        plannedRows('schema', `select from tenant_south.invoice where secret = '${value}'`)
      expect(await guess('common')).toBe(await guess('nobody has this'))
    },
  },
  Volumes: {
    'row counts and sizes of every table are readable, other schemas included': async () => {
      const volume = `select c.reltuples::int as rows, pg_relation_size(c.oid) > 0 as stored from pg_class c
        where c.oid = 'tenant_south.invoice'::regclass`
      const { rows } = await send(stage, stage.schema.own, volume)
      expect(rows).toEqual([{ rows: 201, stored: true }])
      const shared = await send(
        stage,
        stage.row.own,
        "select reltuples::int as n from pg_class where oid = 'public.invoice'::regclass",
      )
      expect(shared.rows).toEqual([{ n: 203 }])
    },
    'sampled values are not': async () => {
      for (const { own } of [stage.row, stage.schema]) {
        const sampled = "select from pg_stats where tablename = 'invoice'"
        expect((await send(stage, own, sampled)).rows).toEqual([])
        expect(await valueOf(send(stage, own, asLogin(sampled)))).not.toContain('<row>')
      }
    },
  },
  Sequences: {
    'one that has a grant can be read and advanced by every tenant, in another schema as well': async () => {
      const { own, other } = stage.schema
      await send(stage, other, 'insert into numbered (n) values (1)')
      expect(await valueOf(send(stage, own, 'select last_value from tenant_south.numbered_id_seq'))).toBe('1')
      expect(await valueOf(send(stage, own, "select nextval('tenant_south.numbered_id_seq')"))).toBe('2')
      await send(stage, other, 'insert into numbered (n) values (1)')
      // The connection remembers the last number, whoever drew it.
      expect(await valueOf(send(stage, own, 'select lastval()'))).toBe('3')
    },
    'that of an identity column has none, and works': async () => {
      const { own, other } = stage.schema
      expect((await send(stage, other, 'insert into identified (n) values (1) returning id')).rows).toEqual([{ id: 1 }])
      for (const text of [
        'select last_value from tenant_south.identified_id_seq',
        "select nextval('tenant_south.identified_id_seq')",
      ]) {
        await expect(send(stage, own, text)).rejects.toMatchObject({ code: '42501' })
      }
    },
  },
  pg_stat_activity: {
    'hides the statements of other sessions from a tenant, and shows them to the login': async () => {
      const { own, other } = stage.row
      // Over the shared connection; what goes back to the login has one of its own.
      await send(stage, other, "select 'a literal of globex'")
      const look =
        "select query from pg_stat_activity where query like '%literal of globex%' and pid <> pg_backend_pid()"
      expect(await valueOf(onClient(stage, own, asLogin(look)))).toContain('a literal of globex')
      expect((await onClient(stage, own, look)).rows).toEqual([])
    },
    'never shows parameters': async () => {
      const { engine, row } = stage
      const parameter = 'a parameter of globex'
      await engine.scopes.run(
        row.other.slug,
        {},
        () => engine.pool.query('select $1::text', [parameter]) as Promise<unknown>,
      )
      const { rows } = await superuser.query('select query from pg_stat_activity')
      expect(JSON.stringify(rows)).not.toContain(parameter)
    },
  },
  Cancellation: {
    'after a hop to the login one tenant cancels the statements of others, who get an error': async () => {
      const slow = 'select pg_sleep(20)'
      const victim = onClient(stage, stage.row.other, slow).catch((error: unknown) => error)
      await until(() => running(slow))
      const cancel = asLogin(`select pg_cancel_backend(pid) from pg_stat_activity where query = '${slow}'`)
      await send(stage, stage.row.own, cancel)
      expect(await victim).toMatchObject({ code: '57014' })
    },
    'the statement of an ended session fails as retryable, and the next one is served': async () => {
      const { own, other } = stage.row
      const slow = 'select pg_sleep(21)'
      // Over the shared connection; the next statement goes out the moment this one has failed.
      const victim = send(stage, other, slow).catch(async (error: unknown) => {
        await send(stage, other, 'select 1')
        return error
      })
      await until(() => running(slow))
      await onClient(
        stage,
        own,
        asLogin(`select pg_terminate_backend(pid) from pg_stat_activity where query = '${slow}'`),
      )
      expect(await victim).toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryable: true })
    },
  },
  'Prepared statements': {
    'the texts of named statements are readable on the connection that served them, without parameters': async () => {
      const { engine, row } = stage
      const named = { name: 'report', text: "select 'report of globex', $1::text", values: ['a parameter'] }
      await engine.scopes.run(row.other.slug, {}, () => engine.pool.query(named) as Promise<unknown>)
      const { rows } = await send(stage, row.own, 'select statement from pg_prepared_statements')
      expect(rows).toContainEqual({ statement: named.text })
      expect(JSON.stringify(rows)).not.toContain('a parameter')
    },
  },
  pg_catalog: {
    'shows the names of all schemas and the ids of their tenants, and no slug of a row tenant': async () => {
      const { row, schema } = stage
      const guards = "select schemaname as name, qual from pg_policies where policyname = 'tenantry_guard'"
      const seen = JSON.stringify((await send(stage, row.own, guards)).rows)
      expect(seen).toContain(schema.other.schemaName)
      expect(seen).toContain(schema.other.id)
      expect(seen).not.toContain(row.other.id)
    },
  },
  'Large objects': {
    'belong to all tenants: each may read and remove them': async () => {
      const { own, other } = stage.row
      const secret = secretOf(other)
      const oid = String(await valueOf(send(stage, other, `select lo_from_bytea(0, convert_to('${secret}', 'UTF8'))`)))
      expect(await valueOf(send(stage, own, `select convert_from(lo_get(${oid}), 'UTF8')`))).toBe(secret)
      expect(await valueOf(send(stage, own, `select lo_unlink(${oid})`))).toBe(1)
    },
  },
  Settings: {
    'one that is not reported stays where a function of the owner sets it out of sight': async () => {
      const { engine, row } = stage
      await engine.central.query(
        "create function tune() returns text language sql as $$ select set_config('work_mem', '123kB', false) $$",
      )
      await send(stage, row.own, 'select tune()')
      expect(await valueOf(send(stage, row.other, "select current_setting('work_mem')"))).toBe('123kB')
      expect((await send(stage, row.other, 'select secret from invoice where id = 11')).rows).toHaveLength(1)
    },
    'the view pg_settings is no way to keep one': async () => {
      const { own, other } = stage.row
      await send(stage, own, "update pg_settings set setting = 'off' where name = 'row_security'")
      expect((await send(stage, other, 'select secret from invoice where id = 11')).rows).toHaveLength(1)
    },
  },
  NOTIFY: {
    'anybody may send on a channel that they can name, and the control plane’s has a secret in its name': async () => {
      await send(stage, stage.row.own, "select pg_notify('any channel', '')")
      const { channel } = stage.engine.instance
      const { rows } = await superuser.query<{ secret: string }>(
        'select notify_secret as secret from tenantry.instance',
      )
      expect(channel).toContain(rows[0]?.secret)
      for (const source of ['pg_stat_activity', 'pg_settings', 'pg_prepared_statements']) {
        expect(JSON.stringify((await send(stage, stage.row.own, `select * from ${source}`)).rows)).not.toContain(
          channel,
        )
      }
    },
  },
  'Advisory locks': {
    'are shared, so one tenant’s transaction holds up another’s': async () => {
      const { engine, row } = stage
      const attempt = () =>
        engine.scopes.handle(row.own.slug, { switch: true }).query('select pg_try_advisory_xact_lock(1) as free')
      await engine.scopes.handle(row.other.slug, {}).transaction(async (tx) => {
        await tx.query('select pg_advisory_xact_lock(1)')
        expect((await attempt()).rows).toEqual([{ free: false }])
      })
      expect((await attempt()).rows).toEqual([{ free: true }])
    },
  },
  'Table locks': {
    'a transaction may lock any table whose rows it could change, another schema’s as well': async () => {
      const { engine, row, schema } = stage
      for (const { own, otherInvoice } of [row, schema]) {
        await engine.scopes.handle(own.slug, {}).transaction(async (tx) => {
          await tx.query(`lock table ${otherInvoice} in access exclusive mode`)
          const held = "select from pg_locks where mode = 'AccessExclusiveLock' and relation = $1::regclass"
          expect(
            (await engine.scopes.handle(row.own.slug, { switch: true }).query(held, [otherInvoice])).rows,
          ).toHaveLength(1)
        })
      }
    },
  },
  DO: {
    'runs as a whole statement what it hides; the shared role’s own grants stay, which it may not drop': async () => {
      const { own, other } = stage.row
      const hidden = "do $$ begin execute 'dr' || 'op owned by current_user'; raise exception 'not for real'; end $$"
      await expect(send(stage, own, hidden)).rejects.toMatchObject({ code: 'STATEMENT_REFUSED' })
      await expect(onClient(stage, own, hidden)).rejects.toMatchObject({ code: '42501' })
      expect((await send(stage, other, 'select secret from invoice where id = 11')).rows).toHaveLength(1)
    },
    'what it would run is refused where the text shows it': async () => {
      const { login, app } = stage.engine.instance.roles
      for (const text of [
        'drop owned by current_user',
        `reassign owned by ${app} to ${login}`,
        `alter role ${login} password 'x'`,
        `alter user ${login} set row_security = off`,
        'alter default privileges grant select on tables to public',
      ]) {
        for (const way of Object.values(injectionWays)) {
          await expect(way(stage, stage.row.own, text)).rejects.toMatchObject({ code: 'STATEMENT_REFUSED' })
        }
      }
    },
  },
}

for (const [channel, tests] of Object.entries(channels)) {
  describe(channel, () => {
    for (const [name, run] of Object.entries(tests)) it(name, run)
  })
}

// Nothing to assert: they have no answer that a test could compare.
const UNTESTED = ['Timing', 'Covert channels', 'Load']

it('SECURITY.md lists these channels, and no others', () => {
  const text = readFileSync(new URL('../../../../SECURITY.md', import.meta.url), 'utf8')
  const section = /## Side channels\n([\s\S]*?)\n## /.exec(text)?.[1] ?? ''
  const listed = [...section.matchAll(/^- \*\*(.+?)\.?\*\*/gm)].map((match) => (match[1] ?? '').replaceAll('`', ''))
  expect(listed.sort()).toEqual([...Object.keys(channels), ...UNTESTED].sort())
})

describe('after init --harden', () => {
  it('no injected expression changes a role or a setting, and so none reaches the sessions of others', async () => {
    await initialise(superuser, { harden: true })
    const { own } = stage.row
    for (const text of [
      asLogin('select pg_terminate_backend(pid) from pg_stat_activity'),
      "update pg_settings set setting = 'off' where name = 'row_security'",
    ]) {
      await expect(send(stage, own, text)).rejects.toMatchObject({ code: '42501' })
    }
  })

  it('DO has no language to be written in, while functions go on running', async () => {
    await stage.engine.central.query(
      'create or replace function answer() returns int language plpgsql as $$ begin return 42; end $$',
    )
    await expect(onClient(stage, stage.row.own, 'do $$ begin end $$')).rejects.toMatchObject({ code: '42501' })
    expect(await valueOf(send(stage, stage.row.own, 'select answer()'))).toBe(42)
  })
})
