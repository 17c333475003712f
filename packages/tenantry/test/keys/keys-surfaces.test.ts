// Keys over HTTP and on the command line, against the database and against a server.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jsonLogger } from '../../src/kernel/logger.ts'
import { packageComposition } from '../../src/surfaces/cli/composition.ts'
import { ProblemSchema } from '../../src/surfaces/http/contract.ts'
import { ApiKeyPageSchema, ApiKeySchema, NewApiKeySchema } from '../../src/surfaces/http/contract/keys.ts'
import type { HttpServer } from '../../src/surfaces/http/server.ts'
import { runCli } from '../support/cli.ts'
import { type KeysFixture, openKeysFixture } from './fixture.ts'

const ADMIN = 'key-of-this-test-run'

let fixture: KeysFixture
let server: HttpServer
let logged = ''

beforeAll(async () => {
  fixture = await openKeysFixture()
  const logger = jsonLogger((line) => {
    logged += line
  })
  const logging = Object.create(fixture.here, { logger: { value: logger } }) as typeof fixture.here
  server = await packageComposition.serve(logging, { port: 0, ephemeralKeys: [ADMIN] })
})

afterAll(async () => {
  await server.drain()
  await fixture.close()
})

async function call(key: string, line: string, body?: object) {
  const [method = '', path = ''] = line.split(' ')
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const response = await fetch(`${server.url}${path}`, {
    ...{ method, headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

describe.each([
  ['a tenant', '/api/tenants/acme/keys', /^tn_key_/],
  ['services', '/api/keys', /^tn_svc_/],
])('over HTTP, a key for %s', (_whose, base, form) => {
  test('is made, shown once with no-store, read, listed, rotated and revoked', async () => {
    const input = { name: 'import', permissions: ['members:read'], ttlSeconds: 3_600 }
    const made = await call(ADMIN, `POST ${base}`, input)
    expect([made.status, made.headers.get('cache-control')]).toEqual([201, 'no-store'])
    const { key, ...first } = NewApiKeySchema.strict().parse(made.body)
    expect(key).toMatch(form)
    const read = await call(ADMIN, `GET ${made.headers.get('location') ?? ''}`)
    expect(ApiKeySchema.strict().parse(read.body)).toEqual(first)
    const rotated = await call(ADMIN, `POST ${base}/${first.id}/rotate`, { graceSeconds: 60 })
    expect([rotated.status, rotated.headers.get('cache-control')]).toEqual([201, 'no-store'])
    const second = NewApiKeySchema.strict().parse(rotated.body)
    const page = await call(ADMIN, `GET ${base}?search=IMPORT&limit=2`)
    expect(ApiKeyPageSchema.parse(page.body).items.map(({ id }) => id)).toEqual([second.id, first.id])
    expect(await call(ADMIN, `POST ${base}/${first.id}/rotate`)).toMatchObject({ body: { code: 'KEY_STATE_CONFLICT' } })
    const revoked = await call(ADMIN, `POST ${base}/${second.id}/revoke`)
    expect(ApiKeySchema.strict().parse(revoked.body).revokedAt).not.toBeNull()
    for (const secret of [key, second.key]) expect(JSON.stringify(page.body) + logged).not.toContain(secret.slice(13))
  })

  test('that is not there, or is asked for wrongly, is a problem with its code', async () => {
    for (const [line, body, code] of [
      [`GET ${base}/0191f2ab-0000-7000-8000-000000000000`, undefined, 'KEY_NOT_FOUND'],
      [`GET ${base}/nonsense`, undefined, 'KEY_NOT_FOUND'],
      [`POST ${base}/nonsense/revoke`, undefined, 'KEY_NOT_FOUND'],
      [`POST ${base}`, { name: 'x' }, 'INVALID_INPUT'],
      [`POST ${base}`, { name: 'x', permissions: ['No Permission'] }, 'INVALID_INPUT'],
      [`POST ${base}`, { name: 'x', permissions: ['*'], kind: 'admin' }, 'UNKNOWN_FIELD'],
      [`GET ${base}?cursor=nonsense`, undefined, 'INVALID_INPUT'],
    ] as const) {
      expect(ProblemSchema.parse((await call(ADMIN, line, body)).body).code, line).toBe(code)
    }
  })
})

test('a key makes keys within its own permissions, in its own tenant, and is named in the audit log', async () => {
  const { key, prefix } = await fixture.here.keys.create('acme', {
    name: 'maker',
    permissions: ['keys:write', 'members:*'],
  })
  const make = (permissions: readonly string[], tenant = 'acme') =>
    call(key, `POST /api/tenants/${tenant}/keys`, { name: 'made', permissions })
  const made = await make(['members:write'])
  expect(made).toMatchObject({ status: 201, body: { createdBy: `http:${prefix}` } })
  expect((await fixture.facts('key.created')).at(-1)).toMatchObject({ actor: `http:${prefix}` })
  expect(await make(['credentials:read'])).toMatchObject({ status: 403, body: { code: 'RANK_TOO_LOW' } })
  expect(await make(['members:read'], 'globex')).toMatchObject({ status: 404, body: { code: 'TENANT_NOT_FOUND' } })
  expect(await call(key, 'POST /api/keys', { name: 'x', permissions: ['keys:write'] })).toMatchObject({ status: 403 })
})

test("another tenant's key is not there below a tenant's path", async () => {
  const { id } = await fixture.here.keys.create('globex', { name: 'theirs', permissions: ['*'] })
  const { key } = await fixture.here.keys.create('acme', { name: 'ours', permissions: ['*'] })
  for (const line of [
    `GET /api/tenants/acme/keys/${id}`,
    `POST /api/tenants/acme/keys/${id}/rotate`,
    `POST /api/tenants/acme/keys/${id}/revoke`,
  ]) {
    for (const token of [key, ADMIN])
      expect(await call(token, line), line).toMatchObject({ body: { code: 'KEY_NOT_FOUND' } })
  }
  expect((await fixture.here.keys.get('globex', id)).revokedAt).toBeNull()
})

test('a revoked key is told that it is not known, and so is text that never was a key', async () => {
  const { key, id } = await fixture.here.keys.create('acme', { name: 'short', permissions: ['*'] })
  expect((await call(key, 'GET /api/tenants/acme')).status).toBe(200)
  await fixture.here.keys.revoke('acme', id)
  const refused = await call(key, 'GET /api/tenants/acme')
  expect(refused).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } })
  const never = await call('tn_key_nonsense', 'GET /api/tenants/acme')
  expect({ ...(never.body as object), requestId: '', instance: '' }).toEqual({
    ...{ ...(refused.body as object), requestId: '', instance: '' },
  })
})

describe.each(['the database', 'a server'] as const)('on the command line, over %s', (way) => {
  const here = (line: string, env: Record<string, string> = {}) =>
    runCli(line.split(' '), {
      env: {
        ...(way === 'a server'
          ? { TENANTRY_URL: server.url, TENANTRY_KEY: ADMIN }
          : { DATABASE_ADMIN_URL: fixture.database.adminUrl }),
        ...env,
      },
    })

  test('a key goes through its whole life', async () => {
    const made = await here('key create nightly --tenant acme --permissions members:read,keys:* --ttl 90d')
    expect(made.stderr).toBe('The key is stored nowhere and is not shown again.\n')
    expect(made.stdout).toMatch(/^✓ Key created: nightly\n {2}Key: +tn_key_\w{49}\n {2}Id: +\S{36}\n {2}Tenant: /)
    const [, key = '', id = ''] = /Key: +(\S+)\n {2}Id: +(\S+)/.exec(made.stdout) ?? []
    expect(await fixture.here.keys.authenticate(key)).toMatchObject({
      keyId: id,
      permissions: ['members:read', 'keys:*'],
    })
    const shown = await here(`key show ${id}`, { TENANTRY_TENANT: 'acme' })
    expect(shown.stdout).toMatch(/Permissions: members:read, keys:\*\n {2}Created: .* by cli\n/)
    const rotated = await here(`key rotate ${id} --tenant acme --grace 60 --json`)
    const successor = NewApiKeySchema.parse(JSON.parse(rotated.stdout))
    const listed = await here('key list --tenant acme --search nightly')
    expect(listed.stdout).toMatch(/^ID +NAME +PREFIX +PERMISSIONS +LAST USED +STATE\n─+\n/)
    expect(listed.stdout).toMatch(new RegExp(`\\n${id} nightly .* replaced, works until .*UTC\\n`))
    expect(listed.stdout + shown.stdout).not.toContain(key.slice(13))
    expect((await here(`key revoke ${successor.id} --tenant acme`)).stdout).toBe('✓ Key revoked: nightly\n')
    await fixture.here.keys.revoke('acme', id)
  })

  test('a service key says so', async () => {
    const { stdout } = await here('key create gateway --service --permissions tenants:read --json')
    expect(NewApiKeySchema.parse(JSON.parse(stdout))).toMatchObject({ tenantId: null, createdBy: 'cli' })
  })

  test('says what is wrong, with an exit code', async () => {
    for (const [line, code, error] of [
      ['key create x --permissions members:read', 2, 'USAGE'],
      ['key create x --service --tenant acme --permissions *', 2, 'USAGE'],
      ['key create x --tenant acme', 2, 'USAGE'],
      ['key create --tenant acme --permissions *', 2, 'USAGE'],
      ['key create x --tenant acme --permissions members', 0, ''],
      ['key create x --tenant acme --permissions MEMBERS', 2, 'INVALID_INPUT'],
      ['key create x --tenant acme --permissions * --ttl soon', 2, 'INVALID_INPUT'],
      ['key list --tenant acme --grace 5', 2, 'USAGE'],
      ['key steal x --tenant acme', 2, 'USAGE'],
      ['key show 0191f2ab-0000-7000-8000-000000000000 --tenant acme', 3, 'KEY_NOT_FOUND'],
      ['key list --tenant nobody', 3, 'TENANT_NOT_FOUND'],
    ] as const) {
      const told = await here(line)
      expect(told.code, line + told.stderr).toBe(code)
      if (error !== '') expect(told.stderr, line).toContain(`Code: ${error}`)
    }
  })
})
