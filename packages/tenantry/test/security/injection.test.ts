// An attacker who controls an unparameterised fragment of a statement in tenant A's scope: what each trick gives, in
// every place and through every way in. The tables of SECURITY.md name these tests.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signContext } from '../../src/engine/context/context-token.ts'
import {
  after,
  injectionPlaces,
  type InjectionStage,
  injectionWays,
  openInjectionStage,
  secretOf,
  send,
  setTo,
  type Victim,
} from '../support/injection-stage.ts'

let stage: InjectionStage

beforeAll(async () => {
  stage = await openInjectionStage()
})
afterAll(() => stage.close())

interface Trick {
  /** The injected expression. */
  readonly expression: (victim: Victim) => string
  /** SQLSTATEs or codes, one of which it fails with; without any it answers, and shows nothing foreign. */
  readonly refused?: readonly string[]
  /** What it answers, where that is worth knowing. */
  readonly answers?: RegExp
}

const DENIED = ['42501']
const ROLE = ['42501', '22023']
const CONTEXT = ['CONTEXT_INVALID']
const role = (name: () => string, query: string): Trick => ({
  expression: () => after(setTo('role', name()), query),
  refused: ROLE,
})
const instance = () => stage.engine.instance
const context = (token: (victim: Victim) => string): Trick['expression'] => {
  return (victim) => after(`set_config('tenantry.context', ${token(victim)}, true)`, 'select secret from invoice')
}
const server = (call: string): Trick => ({ expression: () => `select ${call}`, refused: DENIED })

const tricks: Readonly<Record<string, Trick>> = {
  'reading the other tenant by name': {
    expression: ({ otherInvoice }) => `select string_agg(secret, ',') from ${otherInvoice} where id = 11`,
  },
  'the role of the login, by set_config': role(() => 'none', 'select secret from invoice'),
  'the role that sees all tenants, by set_config': role(() => instance().roles.central, 'select secret from invoice'),
  'a superuser’s role, by set_config': role(() => 'postgres', 'select secret from invoice'),
  'another session_authorization': {
    expression: () => `select ${setTo('session_authorization', instance().roles.central)}`,
    refused: DENIED,
  },
  'the search_path of the other schema': {
    expression: () => after(setTo('search_path', 'tenant_south, public'), 'select secret from invoice where id = 11'),
    answers: /<table/,
  },
  'row_security = off': {
    expression: ({ otherInvoice }) => after(setTo('row_security', 'off'), `select secret from ${otherInvoice}`),
    refused: DENIED,
  },
  'a context made up': {
    expression: context(({ other }) => `'${'0'.repeat(64)}.0001.${other.id}.9999999999..'`),
    refused: CONTEXT,
  },
  'the own context with the other tenant in it': {
    expression: context(({ own, other }) => `replace(current_setting('tenantry.context'), '${own.id}', '${other.id}')`),
    refused: CONTEXT,
  },
  'a context of the other tenant that has expired': {
    expression: context(
      ({ other }) => `'${signContext(instance().signingKey, { tenantId: other.id, expiresAt: 1_700_000_000 })}'`,
    ),
    refused: ['CONTEXT_EXPIRED'],
  },
  'no context': { expression: context(() => "''"), refused: ['TENANT_CONTEXT_MISSING'] },
  'the own context, read': {
    expression: () => "select current_setting('tenantry.context')",
    answers: /^[0-9a-f]{64}\./,
  },
  query_to_xml: {
    expression: ({ otherInvoice }) => `select query_to_xml('select * from ${otherInvoice}', true, false, '')`,
  },
  'query_to_xml with a write': {
    expression: ({ otherInvoice }) => `select query_to_xml('delete from ${otherInvoice} returning *', true, false, '')`,
    refused: ['0A000', 'XX000', '22023'],
  },
  'query_to_xml with a utility statement': {
    expression: () => "select query_to_xml('set role none', true, false, '')",
    refused: ['0A000', 'XX000', '22023'],
  },
  'query_to_xml with EXPLAIN': {
    expression: () => "select query_to_xml('explain select * from invoice', true, false, '')",
    refused: ['0A000', 'XX000', '22023'],
  },
  table_to_xml: { expression: ({ otherInvoice }) => `select table_to_xml('${otherInvoice}', true, false, '')` },
  'table_to_xml of the signing key': {
    expression: () => "select table_to_xml('tenantry.signing_key', true, false, '')",
    refused: DENIED,
  },
  'schema_to_xml of the other schema': { expression: () => "select schema_to_xml('tenant_south', true, false, '')" },
  'schema_to_xml of the control plane': {
    expression: () => "select schema_to_xml('tenantry', true, false, '')",
    answers: /^<tenantry[^<]*<\/tenantry>\s*$/,
  },
  database_to_xml: { expression: () => 'select database_to_xml(true, false, $$$$)' },
  cursor_to_xml: { expression: () => "select cursor_to_xml('c', 10, true, false, '')", refused: ['34000'] },
  ts_stat: {
    expression: ({ otherInvoice }) =>
      `select string_agg(word, ',') from ts_stat('select to_tsvector(secret) from ${otherInvoice}')`,
  },
  ts_rewrite: {
    expression: ({ otherInvoice }) =>
      `select ts_rewrite('a'::tsquery, 'select ''a''::tsquery, plainto_tsquery(secret) from ${otherInvoice} where id = 11')`,
  },
  'an error in a cast of foreign values': {
    expression: ({ otherInvoice }) => `select count(secret::int) from ${otherInvoice} where id = 11`,
    answers: /^0$/,
  },
  'an error in a function over foreign rows, pushed below the policy': {
    expression: ({ otherInvoice }) => `select count(*) from ${otherInvoice} where 1 / (id - 11) > 5`,
    answers: /^0$/,
  },
  'sampled values in pg_stats': {
    expression: () => "select count(*) from pg_stats where tablename = 'invoice'",
    answers: /^0$/,
  },
  'sampled values in pg_statistic': {
    expression: () => 'select count(*) from pg_statistic where stawidth > 0',
    refused: DENIED,
  },
  'the staging function, pointed at the signing key': {
    expression: () => "select tenantry.copy_stage('tenantry.signing_key', null, true)",
    answers: /^\{id,mark,ipad,opad,created_at\}$|^\{id,ipad,opad,created_at\}$/,
  },
  'the registry': { expression: () => 'select string_agg(schema_name, $$,$$) from tenantry.tenant', refused: DENIED },
  'the other tenant in the registry': {
    expression: ({ other }) => `select count(*) from tenantry.tenant where id = '${other.id}'`,
    answers: /^0$/,
  },
  'the members of the other tenant': {
    expression: ({ other }) =>
      `select string_agg(user_id, $$,$$) is null from tenantry.member where tenant_id = '${other.id}'`,
    answers: /^t(rue)?$/,
  },
  'the hashes of invitations': {
    expression: () => 'select count(token_hash) from tenantry.invitation',
    refused: DENIED,
  },
  'the login’s password': { expression: () => 'select login_password from tenantry.instance', refused: DENIED },
  'the password verifiers of the server': {
    expression: () => 'select string_agg(rolpassword, $$,$$) from pg_authid',
    refused: DENIED,
  },
  pg_read_file: server("pg_read_file('postgresql.conf')"),
  pg_read_binary_file: server("pg_read_binary_file('postgresql.conf')"),
  pg_ls_dir: server("pg_ls_dir('.')"),
  pg_stat_file: server("pg_stat_file('postgresql.conf')"),
  lo_import: server("lo_import('/etc/passwd')"),
  lo_export: server("lo_export(1, '/tmp/x')"),
  pg_reload_conf: server('pg_reload_conf()'),
  'a server file through the login': {
    expression: () => after(setTo('role', 'none'), "select pg_read_file('postgresql.conf')"),
    refused: DENIED,
  },
  'an external entity in XML': {
    expression: () =>
      `select xpath('//a/text()', '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>x&e;</a>'::xml)`,
    answers: /^\{x\}$/,
  },
  dblink: { expression: () => "select * from dblink('host=127.0.0.1', 'select 1') t(x int)", refused: ['42883'] },
  'the number generator of an identity column': {
    expression: () => "select nextval('tenant_south.identified_id_seq')",
    refused: DENIED,
  },
  'setting a sequence': { expression: () => "select setval('tenant_south.numbered_id_seq', 1)", refused: DENIED },
  'what others run, in pg_stat_activity': {
    expression: () => "select string_agg(query, ',') from pg_stat_activity where datname = current_database()",
    answers: /^(<insufficient privilege>,?)+$/,
  },
  'cancelling what others run': {
    expression: () => "select bool_or(pg_cancel_backend(pid)) from pg_stat_activity where usename like 'tn%login'",
    refused: DENIED,
  },
  'ending the sessions of others': {
    expression: () => "select bool_or(pg_terminate_backend(pid)) from pg_stat_activity where usename like 'tn%login'",
    refused: DENIED,
  },
  'the cursors of others': {
    expression: () => "select string_agg(statement, ',') from pg_cursors where name <> ''",
    answers: /^$/,
  },
  'a temporary table to stand before another': {
    expression: () => after('1', 'create temp table invoice (id int)'),
    refused: ['0A000', 'XX000', '22023', '42501'],
  },
}

const isolations = ['row', 'schema'] as const
const ways = Object.entries(injectionWays)

describe.each(isolations.flatMap((isolation) => ways.map((way) => [isolation, ...way] as const)))(
  'in a %s tenant, through %s',
  (isolation, _name, sendInjected) => {
    it.each(Object.entries(tricks))('%s', async (_trick, { expression, refused, answers }) => {
      const victim = stage[isolation]
      for (const [place, build] of Object.entries(injectionPlaces)) {
        const sent = sendInjected(stage, victim.own, build(expression(victim)))
        if (refused) {
          const error = await sent.then(
            ({ rows }) => expect.unreachable(`${place} answered ${JSON.stringify(rows)}`),
            (reason: unknown) => reason,
          )
          expect(refused, place).toContain((error as { code?: string }).code)
          expect(JSON.stringify(error) + String(error)).not.toContain(secretOf(victim.other))
        } else {
          const { rows } = await sent
          const got = rows.map(({ secret }) => (typeof secret === 'string' ? secret : '')).join(',')
          expect(got, place).not.toContain(secretOf(victim.other))
          if (answers) expect(got, place).toMatch(answers)
        }
      }
    })

    it('a second statement behind the first', async () => {
      const victim = stage[isolation]
      for (const stacked of ["1; set role none; select 1, 'x'", '1; drop table invoice', "1'; commit; --"]) {
        await expect(
          sendInjected(stage, victim.own, `select id, secret from invoice where id = ${stacked}`),
        ).rejects.toMatchObject({ code: expect.stringMatching(/^(MULTIPLE_STATEMENTS|42601)$/) as string })
      }
    })

    it('COPY to or from a file or a program', async () => {
      const { own, otherInvoice } = stage[isolation]
      for (const text of [
        `copy ${otherInvoice} to '/tmp/x'`,
        "copy (select 1) to program 'id'",
        `copy ${otherInvoice} from program 'id'`,
      ]) {
        await expect(sendInjected(stage, own, text)).rejects.toMatchObject({
          code: expect.stringMatching(/^(42501|STATEMENT_REFUSED|COPY_FROM_ROW_SCOPE)$/) as string,
        })
      }
    })

    it('making what could stand before a table, a type, a function or an operator', async () => {
      const { own } = stage[isolation]
      for (const schema of ['public', 'tenantry', own.schemaName, 'pg_temp', 'pg_catalog']) {
        for (const made of [
          `table ${schema}.invoice (id int)`,
          `view ${schema}.invoice as select 1`,
          `type ${schema}.text as enum ('x')`,
          `function ${schema}.lower(text) returns text language sql as 'select $1'`,
          `operator ${schema}.= (function = texteq, leftarg = text, rightarg = text)`,
        ]) {
          await expect(sendInjected(stage, own, `create ${made}`), made).rejects.toMatchObject({
            code: expect.stringMatching(/^(42501|3F000)$/) as string,
          })
        }
      }
    })

    it('leaves the next statement of either tenant where it belongs', async () => {
      const { own, other } = stage[isolation]
      for (const tenant of [own, other]) {
        const { rows } = await send(
          stage,
          tenant,
          "select tenantry.current_tenant_id()::text as id, current_setting('search_path') as path",
        )
        const path = isolation === 'row' ? '"public", pg_temp' : `"${tenant.schemaName}", "public", pg_temp`
        expect(rows).toEqual([{ id: tenant.id, path }])
      }
      expect((await send(stage, other, 'select secret from invoice')).rows).toEqual([{ secret: secretOf(other) }])
    })
  },
)

it('lifting the time limit of its own statement', async () => {
  const { engine, row, schema } = stage
  const expression = `select pg_sleep(20)::text from (select ${setTo('statement_timeout', '0')} as done offset 0) s where s.done is not null`
  for (const { own } of [row, schema]) {
    for (const build of Object.values(injectionPlaces)) {
      const config = { text: build(expression), query_timeout: 50 }
      const sent = engine.scopes.run(own.slug, {}, () => engine.pool.query(config) as Promise<unknown>)
      await expect(sent).rejects.toMatchObject({ code: '57014' })
    }
  }
})

it('the staging table of a load opens no way to other temporary objects', async () => {
  const { engine, row } = stage
  for (const made of [
    'table pg_temp.invoice (id int)',
    'view pg_temp.invoice as select 1',
    'type pg_temp.t as enum ()',
  ]) {
    const attempt = engine.scopes.handle(row.own.slug, {}).transaction(async (tx) => {
      await tx.query("select tenantry.copy_stage('public.invoice', null, false)")
      await tx.query(`create ${made}`)
    })
    await expect(attempt, made).rejects.toMatchObject({ code: '42501' })
  }
})

it('SECURITY.md names tests that there are', () => {
  const read = (file: string) => readFileSync(new URL(file, import.meta.url), 'utf8')
  const table = /## Each isolation\n([\s\S]*?)\n## /.exec(read('../../../../SECURITY.md'))?.[1] ?? ''
  const tests = [
    ...['injection.test.ts', 'open-channels.test.ts', 'inert-row-security.test.ts'].map(read),
    read('../../src/testing/isolation-cases.ts'),
  ].join('\n')
  const cells = table
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split(' | ').at(-1) ?? '')
  const named = cells.flatMap((cell) => [...cell.matchAll(/“(.+?)”/g)].map((match) => match[1] ?? ''))
  expect(named.length).toBeGreaterThan(20)
  expect(named.filter((name) => !tests.includes(name))).toEqual([])
})
