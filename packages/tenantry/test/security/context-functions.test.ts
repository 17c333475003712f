// The verifier of the signed context, as the login and as app: what it accepts, and what it says of everything else.
import { createHmac, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Instance } from '../../src/control/instance.ts'
import { type ContextClaims, signContext } from '../../src/engine/context/context-token.ts'
import { type Connection, createInitialisedDatabase, type InstanceDatabase } from '../support/instance-database.ts'

let database: InstanceDatabase & { readonly instance: Instance }
let login: Connection

beforeAll(async () => {
  database = await createInitialisedDatabase()
  login = await database.connect(database.instance.roles.login, database.instance.loginPassword)
})

afterAll(() => database.drop())

const tenantId = randomUUID()
const inAnHour = () => Math.floor(Date.now() / 1000) + 3600

const sign = (claims: Partial<ContextClaims> = {}) =>
  signContext(database.instance.signingKey, { tenantId, expiresAt: inAnHour(), ...claims })

/** Signs any text as if it were a context. */
const signText = (body: string) =>
  `${createHmac('sha256', database.instance.signingKey.secret).update(body).digest('hex')}.${body}`

async function evaluate(expression: string, token: string | undefined): Promise<unknown> {
  await login.query('begin')
  try {
    await login.query("select set_config('role', $1, true)", [database.instance.roles.app])
    if (token !== undefined) await login.query("select set_config('tenantry.context', $1, true)", [token])
    const { rows } = await login.query<{ value: unknown }>(`select ${expression} as value`)
    return rows[0]?.value
  } finally {
    await login.query('rollback')
  }
}

const stateOf = (expression: string, token: string | undefined) =>
  evaluate(expression, token).then(
    (value) => ({ value }),
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  )

const functions = ['current_tenant_id', 'current_user_id', 'current_tenant_role'].map((name) => `tenantry.${name}()`)

describe('a context signed with the instance key', () => {
  test('gives the tenant, the user and the role', async () => {
    const token = sign({ userId: 'úser.1', role: 'owner' })
    expect(await evaluate('tenantry.current_tenant_id()', token)).toBe(tenantId)
    expect(await evaluate('tenantry.current_user_id()', token)).toBe('úser.1')
    expect(await evaluate('tenantry.current_tenant_role()', token)).toBe('owner')
    expect(await evaluate('tenantry.claimed_tenant_id()', token)).toBe(tenantId)
  })

  test('gives null for a user and a role that were not named', async () => {
    expect(await evaluate('tenantry.current_user_id()', sign())).toBeNull()
    expect(await evaluate('tenantry.current_tenant_role()', sign())).toBeNull()
  })

  test('holds in a parallel plan too', async () => {
    await database.admin.query(`
      create table public.many as select $id$${tenantId}$id$::uuid as tenant_id, g as id from generate_series(1, 50000) g;
      grant select on public.many to "${database.instance.roles.app}"; analyze public.many`)
    await login.query('begin')
    await login.query(`set local parallel_setup_cost = 0; set local parallel_tuple_cost = 0;
      set local min_parallel_table_scan_size = 0; set local role "${database.instance.roles.app}"`)
    await login.query("select set_config('tenantry.context', $1, true)", [sign()])
    const text = 'select count(*)::int as n from public.many where tenant_id = tenantry.current_tenant_id()'
    const plan = await login.query<{ 'QUERY PLAN': string }>(`explain ${text}`)
    expect(plan.rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('Parallel Seq Scan')
    expect((await login.query(text)).rows).toEqual([{ n: 50_000 }])
    await login.query('rollback')
  })
})

describe.each(functions)('%s', (expression) => {
  test('raises TN001 without a context, also after an earlier one has ended', async () => {
    expect(await stateOf(expression, undefined)).toBe('TN001')
    await evaluate(expression, sign())
    expect(await stateOf(expression, undefined)).toBe('TN001')
    expect(await stateOf(expression, '')).toBe('TN001')
  })

  test('raises TN003 for an expired context', async () => {
    expect(await stateOf(expression, sign({ expiresAt: 1_000_000_000 }))).toBe('TN003')
    expect(await stateOf(expression, sign({ expiresAt: Math.floor(Date.now() / 1000) - 5 }))).toBe('TN003')
  })

  test('raises TN002 when any one character of a valid context was changed', async () => {
    const token = sign({ userId: 'u', role: 'r' })
    for (let at = 0; at < token.length; at++) {
      const changed = `${token.slice(0, at)}${token[at] === '1' ? '2' : '1'}${token.slice(at + 1)}`
      expect(await stateOf(expression, changed), `position ${at}`).toBe('TN002')
    }
  })

  test('raises TN002, and no other error, for garbage of every kind', async () => {
    const token = sign()
    const garbage = [
      'x',
      ' ',
      '.',
      '\\x00',
      '\\777',
      `\\x${'0'.repeat(200)}`,
      "'; drop table t; --",
      'é'.repeat(300),
      '🦊'.repeat(120),
      tenantId,
      token.slice(0, 64),
      token.slice(0, 69),
      token.slice(0, -2),
      token.slice(1),
      `${token}x`,
      `${token}é`,
      ` ${token}`,
      token.toUpperCase(),
      `${'0'.repeat(64)}.0001.${tenantId}.${inAnHour()}..`,
      `${'0'.repeat(64)}.0001.not-a-uuid.not-a-time..`,
      `${'0'.repeat(64)}.9999.${tenantId}.${inAnHour()}..`,
      `${'é'.repeat(64)}.0001.${tenantId}.${inAnHour()}..`,
      token.replace('.0001.', '.0002.'),
      token.repeat(100),
      'x'.repeat(1_000_000),
    ]
    for (const text of garbage) expect(await stateOf(expression, text), text.slice(0, 80)).toBe('TN002')
  })

  test('raises TN002 for a context of another instance, and for one signed with an unpadded guess', async () => {
    const stranger = { id: '0001', secret: Buffer.alloc(64, 7) }
    expect(await stateOf(expression, signContext(stranger, { tenantId, expiresAt: inAnHour() }))).toBe('TN002')
    const empty = { id: '0001', secret: Buffer.alloc(0) }
    expect(await stateOf(expression, signContext(empty, { tenantId, expiresAt: inAnHour() }))).toBe('TN002')
  })

  test('is not led astray by objects of the same name on the search_path', async () => {
    await database.admin.query(`
      create schema if not exists trap;
      create or replace function trap.current_setting(text, boolean) returns text language sql as $$ select 'trap' $$;
      create or replace function trap.sha256(bytea) returns bytea language sql as $$ select ''::bytea $$;
      create or replace function trap.yes(text, text) returns boolean language sql as $$ select true $$;
      do $$ begin create operator trap.= (leftarg = text, rightarg = text, function = trap.yes);
        exception when duplicate_function then null; end $$;
      grant usage on schema trap to public`)
    const trapped = `(select ${expression} from set_config('search_path', 'trap, pg_catalog', true))`
    expect(await stateOf(trapped, `${'0'.repeat(64)}.0001.${tenantId}.${inAnHour()}..`)).toBe('TN002')
    await expect(evaluate(trapped, sign({ userId: 'u', role: 'r' }))).resolves.toBeTruthy()
  })
})

describe('keys', () => {
  test('a second key verifies beside the first, and a removed one no longer', async () => {
    const secret = Buffer.alloc(64, 9)
    await database.admin.query('insert into tenantry.signing_key (id, ipad, opad) values ($1, $2, $3)', [
      '0002',
      Buffer.from(secret.map((byte) => byte ^ 0x36)),
      Buffer.from(secret.map((byte) => byte ^ 0x5c)),
    ])
    const token = signContext({ id: '0002', secret }, { tenantId, expiresAt: inAnHour() })
    expect(await evaluate('tenantry.current_tenant_id()', token)).toBe(tenantId)
    expect(await evaluate('tenantry.current_tenant_id()', sign())).toBe(tenantId)
    await database.admin.query("delete from tenantry.signing_key where id = '0002'")
    expect(await stateOf('tenantry.current_tenant_id()', token)).toBe('TN002')
  })

  test('are out of reach of login and app, in every way there is to read a table', async () => {
    for (const role of [database.instance.roles.login, database.instance.roles.app]) {
      for (const text of [
        'select * from tenantry.signing_key',
        "select query_to_xml('select * from tenantry.signing_key', true, false, '')",
        "select table_to_xml('tenantry.signing_key', true, false, '')",
        'select login_password from tenantry.instance',
        'copy tenantry.signing_key to stdout',
      ]) {
        await login.query('begin')
        await login.query("select set_config('role', $1, true)", [role])
        await expect(login.query(text), `${role}: ${text}`).rejects.toMatchObject({ code: '42501' })
        await login.query('rollback')
      }
    }
  })
})

test('the claimed tenant is unverified, and null without a context', async () => {
  expect(await evaluate('tenantry.claimed_tenant_id()', undefined)).toBeNull()
  const forged = `${'0'.repeat(64)}.0001.${tenantId}.${inAnHour()}..`
  expect(await evaluate('tenantry.claimed_tenant_id()', forged)).toBe(tenantId)
})

test('a signed text that is no context gives no tenant', async () => {
  expect(await stateOf('tenantry.current_tenant_id()', signText('0001.x'))).not.toHaveProperty('value')
})
