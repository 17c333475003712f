// Tokens for programs that do not run the library: a plain connection with the scoped login and a token is in the
// tenant, and in no other; PostgreSQL agrees with the vectors of docs/context-token.md.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Instance } from '../../src/control/instance.ts'
import { signContext } from '../../src/engine/context/context-token.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { runCli } from '../support/cli.ts'
import { type Connection, createInitialisedDatabase, type InstanceDatabase } from '../support/instance-database.ts'

let database: InstanceDatabase & { readonly instance: Instance }
let tenantry: Tenantry
let program: Connection
const ids: Record<string, string> = {}

beforeAll(async () => {
  database = await createInitialisedDatabase()
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent' })
  for (const slug of ['acme', 'globex', 'paused']) ids[slug] = (await tenantry.tenants.create({ name: slug, slug })).id
  await tenantry.tenants.create({ name: 'own', slug: 'own', isolation: 'schema' })
  await database.admin.query('create table invoices (id int primary key, note text)')
  await tenantry.protect('invoices')
  for (const slug of ['acme', 'globex']) {
    await tenantry.scope(slug).query('insert into invoices values ($1, $2)', [slug.length, `of ${slug}`])
  }
  await tenantry.tenants.suspend('paused')
  program = await database.connect(database.instance.roles.login, database.instance.loginPassword)
})

afterAll(async () => {
  await tenantry.close()
  await database.drop()
})

/** What docs/context-token.md tells a program in another language to do. */
async function inTransaction(token: string, text: string) {
  await program.query('begin')
  try {
    await program.query(
      `select set_config('role', $1, true), set_config('search_path', $2, true), set_config('tenantry.context', $3, true)`,
      [database.instance.roles.app, 'public', token],
    )
    return (await program.query<Record<string, unknown>>(text)).rows
  } finally {
    await program.query('rollback')
  }
}

const stateOf = (work: Promise<unknown>) =>
  work.then(
    (value) => ({ value }),
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  )

describe('a plain connection with a token', () => {
  it('sees and writes the rows of its tenant, and of no other', async () => {
    const { token } = await tenantry.token('acme')
    expect(await inTransaction(token, 'select note from invoices')).toEqual([{ note: 'of acme' }])
    expect(await inTransaction(token, `update invoices set note = 'x' returning id`)).toEqual([{ id: 4 }])
    const foreign = `insert into invoices (id, tenant_id) values (9, '${ids['globex'] ?? ''}')`
    expect(await stateOf(inTransaction(token, foreign))).toBe('42501')
    expect(await inTransaction(token, 'insert into invoices (id) values (9) returning tenant_id')).toEqual([
      { tenant_id: ids['acme'] },
    ])
  })

  it('is nobody without it, once the transaction has ended, and once it has expired', async () => {
    const { token } = await tenantry.token('acme')
    await inTransaction(token, 'select 1')
    expect(await stateOf(inTransaction('', 'select * from invoices'))).toBe('TN001')
    const broken = (token.startsWith('0') ? '1' : '0') + token.slice(1)
    expect(await stateOf(inTransaction(broken, 'select * from invoices'))).toBe('TN002')
    const expired = signContext(database.instance.signingKey, {
      ...{ tenantId: ids['acme'] ?? '', expiresAt: Math.floor(Date.now() / 1000) - 2 },
    })
    expect(await stateOf(inTransaction(expired, 'select * from invoices'))).toBe('TN003')
  })

  it('acts as the user and in the role that were signed', async () => {
    const { token } = await tenantry.token('acme', { userId: '用户-😀', role: 'owner' })
    const text = 'select tenantry.current_user_id() as "user", tenantry.current_tenant_role() as role'
    expect(await inTransaction(token, text)).toEqual([{ user: '用户-😀', role: 'owner' }])
  })

  it('enters a schema tenant with the role and search path that come with the token', async () => {
    const { searchPath, databaseRole } = await tenantry.token('own')
    expect({ searchPath, databaseRole }).toEqual({
      ...{ searchPath: ['tenant_own', 'public'], databaseRole: database.instance.roles.app },
    })
  })
})

describe('a token', () => {
  it('lives a minute unless said otherwise, by the clock of the database', async () => {
    for (const [ttlSeconds, seconds] of [
      [undefined, 60],
      [3600, 3600],
    ] as const) {
      const { expiresAt } = await tenantry.token('acme', ttlSeconds === undefined ? {} : { ttlSeconds })
      expect(Math.abs(expiresAt.getTime() - Date.now() - seconds * 1000)).toBeLessThan(5_000)
    }
  })

  it.each([0, -1, 3601, 1.5, Number.NaN])('does not live %s seconds', async (ttlSeconds) => {
    await expect(tenantry.token('acme', { ttlSeconds })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it.each(['', 'a\0b', '\ud800', 'x'.repeat(256)])('names no user %j', async (userId) => {
    await expect(tenantry.token('acme', { userId })).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'userId' })
  })

  it('is refused for tenants that may not be entered, as soon as another process has said so', async () => {
    await expect(tenantry.token('paused')).rejects.toMatchObject({ code: 'TENANT_SUSPENDED' })
    await expect(tenantry.token('nobody')).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
    const unprovisioned = await tenantry.tenants.create({ name: 'x', slug: 'not-yet', provision: false })
    await expect(tenantry.token({ id: unprovisioned.id })).rejects.toMatchObject({ code: 'TENANT_NOT_PROVISIONED' })
    await tenantry.run('globex', () => tenantry.pool.query('select 1'))
    await database.admin.query(`alter table tenantry.tenant disable trigger tenant_announce`)
    await database.admin.query(`update tenantry.tenant set status = 'suspended' where slug = 'globex'`)
    await expect(tenantry.token('globex')).rejects.toMatchObject({ code: 'TENANT_SUSPENDED' })
    await database.admin.query(`update tenantry.tenant set status = 'active' where slug = 'globex'`)
  })

  it('is in the audit log with who asked, and without its text', async () => {
    const { token } = await tenantry.token('acme', { userId: 'u1', role: 'owner', ttlSeconds: 7 })
    const { rows } = await database.admin.query<{ detail: unknown; actor: string }>(
      `select actor, tenant_id, detail from tenantry.audit_entry where action = 'context.signed' order by seq desc limit 1`,
    )
    expect(rows).toEqual([
      { actor: 'library', tenant_id: ids['acme'], detail: { userId: 'u1', role: 'owner', ttlSeconds: 7 } },
    ])
    const all = await database.admin.query('select * from tenantry.audit_entry')
    expect(JSON.stringify(all.rows)).not.toContain(token.slice(0, 64))
  })
})

describe('tenantry token', () => {
  const run = (argv: readonly string[]) => runCli(argv, { env: { DATABASE_ADMIN_URL: database.adminUrl } })

  it('prints the token and nothing else', async () => {
    const { code, stdout, stderr } = await run(['token', 'acme', '--user', 'u1', '--ttl', '2m'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^[0-9a-f]{64}\.[0-9a-f]{4}\.[0-9a-f-]{36}\.\d{10}\.7531\.\n$/)
    expect(await inTransaction(stdout.trim(), 'select note from invoices')).toEqual([{ note: 'of acme' }])
    const { rows } = await database.admin.query(
      `select from tenantry.audit_entry where action = 'context.signed' and actor = 'cli'`,
    )
    expect(rows).toHaveLength(1)
  })

  it('prints what else a program needs with --json', async () => {
    const { stdout } = await run(['token', 'acme', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ databaseRole: database.instance.roles.app, searchPath: ['public'] })
  })

  it('refuses times it cannot read or grant, and tenants that may not be entered', async () => {
    expect((await run(['token', 'acme', '--ttl', 'soon'])).code).toBe(2)
    expect((await run(['token', 'acme', '--ttl', '2h'])).code).toBe(2)
    expect(await run(['token', 'paused'])).toMatchObject({ code: 4, stdout: '' })
    const overHttp = await runCli(['token', 'acme', '--url', 'http://127.0.0.1:1', '--key', 'x'])
    expect(overHttp.stderr).toContain('DATABASE_ADMIN_URL')
  })
})

describe('the vectors of docs/context-token.md', () => {
  const page = readFileSync(new URL('../../../../docs/context-token.md', import.meta.url), 'utf8')
  const { key, vectors } = JSON.parse(/```json\n([\s\S]+?)```/.exec(page)?.[1] ?? '{}') as {
    key: string
    vectors: readonly Record<'keyId' | 'tenant' | 'user' | 'role' | 'token' | 'name', string>[]
  }

  beforeAll(async () => {
    for (const id of new Set(vectors.map(({ keyId }) => keyId))) {
      const block = Buffer.concat([Buffer.from(key, 'hex'), Buffer.alloc(32)])
      const pads = [0x36, 0x5c].map((mask) => block.map((byte) => byte ^ mask))
      await database.admin.query(
        `insert into tenantry.signing_key (id, ipad, opad, created_at) values ($1, $2, $3, 'epoch')`,
        [id, ...pads],
      )
    }
  })

  it.each(vectors)('are what PostgreSQL verifies: $name', async ({ tenant, user, role, token, name }) => {
    const text = `select tenantry.current_tenant_id() as tenant, coalesce(tenantry.current_user_id(), '') as "user",
      coalesce(tenantry.current_tenant_role(), '') as role`
    const verified = await stateOf(inTransaction(token, text))
    expect(verified).toEqual(name.includes('long expired') ? 'TN003' : { value: [{ tenant, user, role }] })
    const broken = token.slice(0, -1) + (token.endsWith('0') ? '1' : '0')
    expect(await stateOf(inTransaction(broken, text))).toBe('TN002')
  })
})
