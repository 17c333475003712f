// Direct credentials over HTTP and on the command line, against the database and against a server.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DirectCredentialSchema, ProblemSchema } from '../../src/surfaces/http/contract.ts'
import { packageComposition } from '../../src/surfaces/cli/composition.ts'
import type { HttpServer } from '../../src/surfaces/http/server.ts'
import { jsonLogger } from '../../src/kernel/logger.ts'
import { type CliResult, runCli } from '../support/cli.ts'
import { type CredentialFixture, failure, openCredentialFixture } from '../support/credential-fixture.ts'

const KEY = 'key-of-this-test-run'

let fixture: CredentialFixture
let server: HttpServer
let logged = ''

beforeAll(async () => {
  fixture = await openCredentialFixture()
  const logger = jsonLogger((line) => {
    logged += line
  })
  // A tenantry with a log, over the same instance: everything that it writes is looked at.
  const { tenantry } = fixture
  const controlPlane = {
    ...{ ...tenantry, logger, version: '0.0.0' },
    health: () => tenantry.health(),
    verify: () => tenantry.verify(),
    lastVerification: () => tenantry.lastVerification(),
  }
  server = await packageComposition.serve(controlPlane, { port: 0, ephemeralKeys: [KEY] })
})

afterAll(async () => {
  await server.drain()
  await fixture.close()
})

async function call(method: string, path: string, body?: object): Promise<Response> {
  const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' }
  return fetch(`${server.url}/api/tenants/${path}`, {
    ...{ method, headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

async function codeOf(response: Response): Promise<string> {
  const problem = ProblemSchema.parse(await response.json())
  expect(problem.status).toBe(response.status)
  return problem.code
}

describe('over HTTP', () => {
  test('a login is made, shown once with no-store, listed, rotated, revoked and dropped', async () => {
    const created = await call('POST', 'acme/credentials', { username: 'over_http', connectionLimit: 3 })
    expect([created.status, created.headers.get('cache-control')]).toEqual([201, 'no-store'])
    const first = DirectCredentialSchema.parse(await created.json())
    expect((await (await fixture.sessions.open(first)).query('select text from invoices')).rows).toEqual([
      { text: 'acme' },
    ])
    const rotated = await call('POST', 'acme/credentials/over_http/rotate', { graceSeconds: 60 })
    expect([rotated.status, rotated.headers.get('cache-control')]).toEqual([201, 'no-store'])
    const second = DirectCredentialSchema.parse(await rotated.json())
    const list = await (await call('GET', 'acme/credentials')).text()
    expect(JSON.parse(list)).toMatchObject({
      items: [
        { username: 'over_http', state: 'replaced' },
        { username: 'over_http_b', state: 'active', expiresAt: null },
      ],
      nextCursor: null,
      total: 2,
    })
    for (const { password } of [first, second]) expect(list + logged).not.toContain(password)
    expect(await (await call('POST', 'acme/credentials/over_http/revoke')).json()).toMatchObject({ state: 'revoked' })
    expect(await failure(fixture.sessions.open(first))).toMatchObject({ code: '28000' })
    for (const username of ['over_http', 'over_http_b']) {
      expect((await call('DELETE', `acme/credentials/${username}`)).status).toBe(200)
    }
    expect(await fixture.states('acme')).toEqual([])
    const { rows } = await fixture.database.admin.query<{ actor: string }>(
      `select distinct actor from tenantry.audit_entry where action like 'credential.%' and detail->>'username' like 'over_http%'`,
    )
    // The key of a running server is the command line's.
    expect(rows).toEqual([{ actor: 'cli' }])
  })

  test('every failure is a problem with its code, and tells no value', async () => {
    const password = 'too short?'
    const wrong = await call('POST', 'acme/credentials', { password })
    expect(await wrong.clone().text()).not.toContain(password)
    expect(await codeOf(wrong)).toBe('INVALID_INPUT')
    for (const [method, path, body, code] of [
      ['POST', 'acme/credentials', { username: 'Not A Name' }, 'CREDENTIAL_NAME_INVALID'],
      ['POST', 'acme/credentials', { username: 'fine', superuser: true }, 'UNKNOWN_FIELD'],
      ['POST', 'acme/credentials', { connectionLimit: 0 }, 'INVALID_INPUT'],
      ['POST', 'nobody/credentials', {}, 'TENANT_NOT_FOUND'],
      ['GET', 'nobody/credentials', undefined, 'TENANT_NOT_FOUND'],
      ['POST', 'acme/credentials/none_such/rotate', {}, 'CREDENTIAL_NOT_FOUND'],
      ['POST', 'acme/credentials/none_such/revoke', {}, 'CREDENTIAL_NOT_FOUND'],
      ['DELETE', 'acme/credentials/none_such', undefined, 'CREDENTIAL_NOT_FOUND'],
    ] as const) {
      expect(await codeOf(await call(method, path, body)), `${method} ${path}`).toBe(code)
    }
  })

  test('nobody without the key gets in, and one tenant’s path reaches no other tenant’s login', async () => {
    await fixture.tenantry.credentials.create('globex', { username: 'of_globex' })
    const headers = { authorization: 'Bearer wrong' }
    const refused = await fetch(`${server.url}/api/tenants/acme/credentials`, { method: 'POST', headers })
    expect(refused.status).toBe(401)
    for (const [method, path] of [
      ['POST', 'acme/credentials/of_globex/rotate'],
      ['POST', 'acme/credentials/of_globex/revoke'],
      ['DELETE', 'acme/credentials/of_globex'],
    ] as const) {
      expect(await codeOf(await call(method, path))).toBe('CREDENTIAL_NOT_FOUND')
    }
    expect(await fixture.states('globex')).toEqual([['of_globex', 'active']])
    await fixture.clear('globex')
  })
})

describe.each(['the database', 'a server'] as const)('on the command line, over %s', (way) => {
  const here = (line: string): Promise<CliResult> =>
    runCli(line.split(' '), {
      env:
        way === 'a server'
          ? { TENANTRY_URL: server.url, TENANTRY_KEY: KEY }
          : { DATABASE_ADMIN_URL: fixture.database.adminUrl },
    })

  test('a login goes through its whole life', async () => {
    const created = await here('credentials create acme --username by_hand --connection-limit 2')
    expect(created.stderr).toBe('The password is stored nowhere and is not shown again.\n')
    expect(created.stdout).toMatch(
      /^✓ Login created: by_hand\n {2}Password: +[A-Za-z0-9]{32}\n {2}Schema: +tenant_acme\n {2}Connection: +postgres:\/\/by_hand:/,
    )
    const connectionString = /Connection: +(\S+)/.exec(created.stdout)?.[1] ?? ''
    expect((await (await fixture.sessions.open({ connectionString })).query('select 1 as one')).rows).toEqual([
      { one: 1 },
    ])
    const rotated = JSON.parse((await here('credentials rotate acme --grace 600 --json')).stdout) as object
    expect(DirectCredentialSchema.parse(rotated).username).toBe('by_hand_b')
    const { stdout: listed } = await here('credentials list acme')
    expect(listed).toMatch(/^USERNAME +STATE +CREATED +END\n─+\nby_hand +replaced .*UTC\nby_hand_b +active .* -\n$/)
    expect((await here('credentials revoke acme --username by_hand')).stdout).toBe('✓ Login revoked: by_hand\n')
    expect((await here('credentials drop acme --username by_hand --yes')).stdout).toBe(
      '✓ Login dropped: by_hand; nothing of it is left\n',
    )
    expect(await here('credentials drop acme')).toMatchObject({ code: 2, stdout: '' })
    expect(JSON.parse((await here('credentials drop acme --yes --json')).stdout)).toMatchObject({
      username: 'by_hand_b',
    })
    expect(await fixture.states('acme')).toEqual([])
  })

  test('says what is wrong, with an exit code', async () => {
    for (const [line, code, error] of [
      ['credentials revoke acme', 3, 'CREDENTIAL_NOT_FOUND'],
      ['credentials create nobody-here', 3, 'TENANT_NOT_FOUND'],
      ['credentials create acme --username pg_x', 2, 'CREDENTIAL_NAME_INVALID'],
      ['credentials create', 2, 'USAGE'],
      ['credentials steal acme', 2, 'USAGE'],
      ['credentials create acme --grace 5', 2, 'USAGE'],
      ['credentials rotate acme --connection-limit 5', 2, 'USAGE'],
    ] as const) {
      const told = await here(line)
      expect(told, line).toMatchObject({ code, stdout: '' })
      expect(told.stderr, line).toContain(`Code: ${error}`)
    }
  })
})

test('a connection string leads where tenants reach the database', async () => {
  const line = ['credentials', 'create', 'acme', '--username', 'outside', '--json']
  const env = {
    DATABASE_ADMIN_URL: fixture.database.adminUrl,
    DATABASE_PUBLIC_URL: 'postgres://someone:else@db.example.com:6432/app?sslmode=verify-full&options=-c%20x',
  }
  const { connectionString } = DirectCredentialSchema.parse(JSON.parse((await runCli(line, { env })).stdout))
  expect(connectionString).toMatch(
    /^postgres:\/\/outside:[A-Za-z0-9]{32}@db\.example\.com:6432\/app\?sslmode=verify-full$/,
  )
  await fixture.clear('acme')
})
