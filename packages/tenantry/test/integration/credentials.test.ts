// Direct credentials over a real server and a real admin that is no superuser: made, rotated, filed in a sink.
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scramVerifier } from '../../src/control/scram-verifier.ts'
import type { CredentialMeta, DirectCredential } from '../../src/index.ts'
import { quoteLiteral } from '../../src/kernel/identifiers.ts'
import { createTenantry } from '../../src/tenantry.ts'
import { type CredentialFixture, failure, openCredentialFixture } from '../support/credential-fixture.ts'

let fixture: CredentialFixture

beforeAll(async () => {
  fixture = await openCredentialFixture()
})

afterAll(() => fixture.close())

describe('a created credential', () => {
  test('has a generated password, and logs in with its connection string alone', async () => {
    const made = await fixture.tenantry.credentials.create('acme')
    const { id } = await fixture.tenantry.tenants.get('acme')
    expect(made).toEqual({
      username: expect.stringMatching(/^tn_[0-9a-f]{8}_t_acme$/) as string,
      password: expect.stringMatching(/^[A-Za-z0-9]{32}$/) as string,
      schemaName: 'tenant_acme',
      connectionString: expect.stringMatching(/^postgres:\/\/tn_/) as string,
      tenantId: id,
    })
    const client = await fixture.sessions.open(made)
    const { rows } = await client.query('select text from invoices')
    expect(rows).toEqual([{ text: 'acme' }])
    await client.query("insert into invoices (text) values ('own')")
    expect((await client.query('select text, tenant_id from invoices order by id')).rows).toEqual([
      { text: 'acme', tenant_id: id },
      { text: 'own', tenant_id: id },
    ])
    await client.query("delete from invoices where text = 'own'")
    await fixture.clear('acme')
  })

  test('of a schema tenant finds its own tables first, and the shared ones', async () => {
    await fixture.tenantry.tenants.create({ name: 'North', slug: 'north', isolation: 'schema' })
    await fixture.migrate('north', 'create table notes (text text)')
    await fixture.tenantry.scope('north').query("insert into invoices (text) values ('north')")
    const client = await fixture.sessions.open(
      await fixture.tenantry.credentials.create('north', { username: 'north_reports' }),
    )
    await client.query("insert into notes values ('mine')")
    expect((await client.query('select n.text, i.text as shared from notes n, invoices i')).rows).toEqual([
      { text: 'mine', shared: 'north' },
    ])
    expect((await client.query('show search_path')).rows).toEqual([{ search_path: 'tenant_north, public, pg_temp' }])
    await fixture.clear('north')
  })

  test.each([
    ['quotes and percent signs', `it's "quoted" 100% \\ $1 ?&#/@:`],
    ['line breaks', 'first line\nsecond line\r\n\ttabbed'],
    ['Unicode', 'pässwörd – 密码 🦊 пароль'],
    ['an injection', "x'; drop role postgres; --"],
  ])('takes a password with %s, in the form in which the server itself would store it', async (_what, password) => {
    const made = await fixture.tenantry.credentials.create('acme', { username: 'odd_password', password })
    expect(made.password).toBe(password)
    const client = await fixture.sessions.open(made)
    expect((await client.query('select session_user::text as me')).rows).toEqual([{ me: 'odd_password' }])
    await fixture.clear('acme')
    // The server prepares and hashes the text itself here; with its salt ours must come out the same.
    const twin = await fixture.database.createRole('')
    await fixture.database.superuser.query(`alter role "${twin.name}" password ${quoteLiteral(password)}`)
    const stored = await fixture.database.superuser.query<{ verifier: string }>(
      'select rolpassword as verifier from pg_authid where rolname = $1',
      [twin.name],
    )
    const verifier = stored.rows[0]?.verifier ?? ''
    const salt = Buffer.from(/^SCRAM-SHA-256\$4096:(.*?)\$/.exec(verifier)?.[1] ?? '', 'base64')
    expect(await scramVerifier(password, salt)).toBe(verifier)
  })

  test.each([
    ['a short one', 'short'],
    ['a ligature, which clients send in two ways', 'o\ufb03ce password'],
    ['a letter and its accent apart', 'cafe\u0301 password'],
    ['a no-break space', 'pass\u00a0word password'],
    ['a soft hyphen', 'pass\u00adword password'],
    ['a zero byte', 'pass\0word password'],
    ['half a surrogate pair', 'pass\ud800word password'],
  ])('is refused %s as a password', async (_what, password) => {
    const error = await failure(fixture.tenantry.credentials.create('acme', { password }))
    expect(error).toMatchObject({ code: 'INVALID_INPUT', field: 'password' })
    expect(String(error)).not.toContain(password)
    expect(await fixture.states('acme')).toEqual([])
  })

  test.each([
    ...['Acme', 'a-b', '1a', 'a b', 'a"b', "a'; drop role x; --", 'é', 'a\n', '', 'x'.repeat(64)],
    ...['public', 'none', 'pg_read_all_data', 'current_user', 'tn_00000000_login', 'tn_00000000_x'],
  ])('is refused the username %j', async (username) => {
    expect(await failure(fixture.tenantry.credentials.create('acme', { username }))).toMatchObject({
      code: 'CREDENTIAL_NAME_INVALID',
    })
  })

  test('has a username cut to 63 bytes, and another one after rotation, where the slug is long', async () => {
    const slug = `a-${'very-'.repeat(17)}long-name`
    await fixture.tenantry.tenants.create({ name: 'Long', slug })
    const first = await fixture.tenantry.credentials.create(slug)
    const second = await fixture.tenantry.credentials.rotate(slug)
    for (const made of [first, second]) {
      expect(Buffer.byteLength(made.username)).toBe(63)
      expect((await (await fixture.sessions.open(made)).query('select 1 as one')).rows).toEqual([{ one: 1 }])
    }
    expect(first.username).not.toBe(second.username)
    await fixture.clear(slug)
  })

  test('never adopts, alters or drops a role that is there already', async () => {
    const stranger = await fixture.database.createRole('createdb')
    await fixture.database.superuser.query(`alter role "${stranger.name}" rename to stranger_role`)
    const before = await fixture.database.superuser.query("select * from pg_authid where rolname = 'stranger_role'")
    expect(await failure(fixture.tenantry.credentials.create('acme', { username: 'stranger_role' }))).toMatchObject({
      code: 'CREDENTIAL_NAME_TAKEN',
    })
    expect(await failure(fixture.tenantry.credentials.drop('acme', { username: 'stranger_role' }))).toMatchObject({
      code: 'CREDENTIAL_NOT_FOUND',
    })
    expect(
      (await fixture.database.superuser.query("select * from pg_authid where rolname = 'stranger_role'")).rows,
    ).toEqual(before.rows)
    await fixture.database.superuser.query(`alter role stranger_role rename to "${stranger.name}"`)
  })

  test('needs a tenant that may be entered', async () => {
    await fixture.tenantry.tenants.create({ name: 'Later', slug: 'later', provision: false })
    for (const [slug, code] of [
      ['later', 'TENANT_NOT_PROVISIONED'],
      ['nobody', 'TENANT_NOT_FOUND'],
    ] as const) {
      expect(await failure(fixture.tenantry.credentials.create(slug))).toMatchObject({ code })
    }
  })

  test('leaves nothing behind where it fails half way', async () => {
    const roles = async () => (await fixture.database.superuser.query('select rolname from pg_roles order by 1')).rows
    const before = await roles()
    await fixture.database.admin.query('alter table tenantry.credential add constraint closed check (false) not valid')
    expect(await failure(fixture.tenantry.credentials.create('acme'))).toBeInstanceOf(Error)
    await fixture.database.admin.query('alter table tenantry.credential drop constraint closed')
    expect(await roles()).toEqual(before)
    expect(await fixture.states('acme')).toEqual([])
  })

  test('is on record without its password, and no statement holds the password', async () => {
    const made = await fixture.tenantry.credentials.create(
      'acme',
      { password: 'remembered nowhere 1' },
      { actor: 'ops' },
    )
    const { rows } = await fixture.database.admin.query<{ all: string }>(
      `select (select json_agg(e)::text from tenantry.event e) || (select json_agg(a)::text from tenantry.audit_entry a)
         || (select json_agg(c)::text from tenantry.credential c) as all`,
    )
    expect(rows[0]?.all).toContain('"action":"credential.create"')
    expect(rows[0]?.all).toContain('"actor":"ops"')
    expect(rows[0]?.all).not.toContain(made.password)
    const { rows: statements } = await fixture.database.superuser.query<{ query: string }>(
      'select query from pg_stat_activity where datname = current_database()',
    )
    expect(JSON.stringify(statements)).not.toContain(made.password)
    await fixture.clear('acme')
    const { items } = await fixture.tenantry.tenants.events({ tenant: 'acme', limit: 100 })
    expect(items.map(({ type }) => type)).toEqual(expect.arrayContaining(['credential.created', 'credential.dropped']))
  })
})

describe('several at once', () => {
  test('of one username make one login, whoever asks', async () => {
    const asked = ['acme', 'globex', 'acme', 'globex'].map((slug) =>
      fixture.tenantry.credentials.create(slug, { username: 'wanted' }),
    )
    const answers = await Promise.allSettled(asked)
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const answer of answers) {
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'CREDENTIAL_NAME_TAKEN' })
    }
    await fixture.clear('acme')
    await fixture.clear('globex')
  })

  test('rotations of one credential make one successor', async () => {
    await fixture.tenantry.credentials.create('acme', { username: 'pulled' })
    const answers = await Promise.allSettled([1, 2, 3].map(() => fixture.tenantry.credentials.rotate('acme')))
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect((await fixture.states('acme')).length).toBe(2)
    await fixture.clear('acme')
  })
})

test('a login is let in by name where PUBLIC may not connect, and nothing of that is left', async () => {
  const { admin, name } = fixture.database
  await admin.query(`revoke connect on database ${name} from public`)
  const made = await fixture.tenantry.credentials.create('acme', { username: 'invited' })
  expect((await (await fixture.sessions.open(made)).query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await fixture.clear('acme')
  expect(await fixture.roleExists('invited')).toBe(false)
  await admin.query(`grant connect on database ${name} to public`)
})

test('what a superuser made only a superuser takes away, from PostgreSQL 16 on, and the other is told so', async () => {
  const { superUrl } = fixture.database
  await using powerful = createTenantry({ adminUrl: superUrl, migrations: '/nonexistent' })
  const made = await powerful.credentials.create('acme', { username: 'made_above' })
  expect((await (await fixture.sessions.open(made)).query('select text from invoices')).rows).toEqual([
    { text: 'acme' },
  ])
  const revoked = await failure(fixture.tenantry.credentials.revoke('acme'))
  const { rows } = await fixture.database.admin.query<{ v: number }>(
    "select current_setting('server_version_num')::int as v",
  )
  if ((rows[0]?.v ?? 0) < 160_000) expect(revoked).toBeUndefined()
  else expect(revoked).toMatchObject({ code: 'ADMIN_TOO_WEAK' })
  await powerful.credentials.drop('acme')
  expect(await fixture.roleExists('made_above')).toBe(false)
})

describe('rotation', () => {
  test('lets both logins work until the first one is over, and alternates between two usernames', async () => {
    const first = await fixture.tenantry.credentials.create('acme', { username: 'turning' })
    const open = await fixture.sessions.open(first)
    const second = await fixture.tenantry.credentials.rotate('acme', { username: 'turning' })
    expect(second.username).toBe('turning_b')
    expect(second.password).not.toBe(first.password)
    for (const client of [open, await fixture.sessions.open(first), await fixture.sessions.open(second)]) {
      expect((await client.query('select text from invoices')).rows).toEqual([{ text: 'acme' }])
    }
    expect(await fixture.states('acme')).toEqual([
      ['turning', 'replaced'],
      ['turning_b', 'active'],
    ])
    const { rows } = await fixture.database.admin.query(
      `select r.rolvaliduntil = c.expires_at as same, c.expires_at - now() between '23:59' and '24:00' as day
         from pg_roles r join tenantry.credential c on c.role_oid = r.oid where r.rolname = 'turning'`,
    )
    expect(rows).toEqual([{ same: true, day: true }])
    expect(await failure(fixture.tenantry.credentials.rotate('acme'))).toMatchObject({ code: 'CREDENTIAL_CONFLICT' })
    await fixture.tenantry.credentials.revoke('acme', { username: 'turning' })
    expect(await fixture.sessions.isOver(open)).toBe(true)
    const third = await fixture.tenantry.credentials.rotate('acme')
    expect(third.username).toBe('turning')
    expect(await failure(fixture.sessions.open(first))).toMatchObject({ code: '28P01' })
    expect((await (await fixture.sessions.open(third)).query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await fixture.clear('acme')
  })

  test('with no grace ends the first login and its sessions at once', async () => {
    const first = await fixture.tenantry.credentials.create('acme')
    const open = await fixture.sessions.open(first)
    await fixture.tenantry.credentials.rotate('acme', { graceSeconds: 0 })
    expect(await fixture.sessions.isOver(open)).toBe(true)
    expect(await failure(fixture.sessions.open(first))).toMatchObject({ code: '28000' })
    await fixture.clear('acme')
  })

  test('past its grace refuses the first login, and its open sessions their data', async () => {
    const first = await fixture.tenantry.credentials.create('acme', { username: 'late' })
    const open = await fixture.sessions.open(first)
    await fixture.tenantry.credentials.rotate('acme')
    // As if the day were over.
    await fixture.database.admin.query(
      "update tenantry.credential set expires_at = now() - interval '1 s' where username = 'late'",
    )
    await fixture.database.admin.query("alter role late valid until '2020-01-01'")
    expect(await failure(open.query('select text from invoices'))).toMatchObject({ code: 'TN001' })
    expect(await failure(fixture.sessions.open(first))).toMatchObject({ code: '28P01' })
    expect(await fixture.states('acme')).toEqual([
      ['late', 'expired'],
      ['late_b', 'active'],
    ])
    // A process that starts ends what is left of it.
    const other = createTenantry({ adminUrl: fixture.database.adminUrl, migrations: '/nonexistent' })
    await other.start()
    await other.close()
    expect(await fixture.sessions.isOver(open)).toBe(true)
    await fixture.clear('acme')
  })
})

describe('the sink', () => {
  test('gets every credential before it comes to be, and is told when the last one is over', async () => {
    const heard: (readonly [string, string, string | undefined])[] = []
    const sink = {
      put: async (credential: DirectCredential, meta: CredentialMeta) => {
        // Not committed yet: nobody can log in with it.
        await expect(fixture.sessions.open(credential)).rejects.toMatchObject({ code: '28P01' })
        heard.push(['put', meta.username, meta.replaces])
      },
      remove: (meta: CredentialMeta) => Promise.resolve(void heard.push(['remove', meta.username, undefined])),
    }
    await using filed = createTenantry({
      adminUrl: fixture.database.adminUrl,
      migrations: '/nonexistent',
      credentials: { sink },
    })
    await filed.credentials.create('acme', { username: 'filed' })
    await filed.credentials.rotate('acme')
    await filed.credentials.revoke('acme', { username: 'filed' })
    await filed.credentials.drop('acme', { username: 'filed_b' })
    expect(heard).toEqual([
      ['put', 'filed', undefined],
      ['put', 'filed_b', 'filed'],
      ['remove', 'filed_b', undefined],
    ])
    await fixture.clear('acme')
  })

  test('that fails leaves no login, and its error tells nothing that was sent', async () => {
    const removed: string[] = []
    const sink = {
      put: (credential: DirectCredential) => Promise.reject(new Error(`cannot store ${credential.password}`)),
      remove: (meta: CredentialMeta) => Promise.resolve(void removed.push(meta.username)),
    }
    await using failing = createTenantry({
      adminUrl: fixture.database.adminUrl,
      migrations: '/nonexistent',
      credentials: { sink },
    })
    const password = 'a password to look for'
    const error = await failure(failing.credentials.create('acme', { username: 'unfiled', password }))
    expect(error).toMatchObject({ code: 'CREDENTIAL_SINK_FAILED' })
    expect(inspect(error, { depth: 9 })).not.toContain(password)
    expect(removed).toEqual(['unfiled'])
    expect(await fixture.roleExists('unfiled')).toBe(false)
    expect(await fixture.states('acme')).toEqual([])
  })
})
