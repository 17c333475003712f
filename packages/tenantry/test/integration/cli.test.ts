// The command line over a real control plane: directly, and through a real HTTP server.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packageComposition, type CliTenantry } from '../../src/surfaces/cli/composition.ts'
import type { HttpServer } from '../../src/surfaces/http/server.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { type CliCall, type CliResult, runCli } from '../support/cli.ts'

const KEY = 'key-of-this-test-run'

let database: TestDatabase
let tenantry: CliTenantry
let server: HttpServer
let direct: Record<string, string>
let http: Record<string, string>

beforeAll(async () => {
  database = await createTestDatabase()
  tenantry = await packageComposition.createTenantry({ adminUrl: database.adminUrl })
  server = await packageComposition.serve(tenantry, { port: 0, ephemeralKeys: [KEY] })
  direct = { DATABASE_ADMIN_URL: database.adminUrl }
  http = { TENANTRY_URL: server.url, TENANTRY_KEY: KEY }
})

afterAll(async () => {
  await server.drain()
  await tenantry.close()
  await database.drop()
})

const run = (line: string, call: CliCall = {}): Promise<CliResult> => runCli(line.split(' '), { env: direct, ...call })
const statusOf = async (slug: string): Promise<string> => (await tenantry.tenants.get(slug)).status

async function answer(path: string): Promise<unknown> {
  const response = await fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${KEY}` } })
  return response.json()
}

describe.each(['the database', 'a server'] as const)('tenants from the command line, over %s', (way) => {
  const slug = way === 'a server' ? 'acme-http' : 'acme-direct'
  const here = (line: string, call: CliCall = {}) => run(line, { env: way === 'a server' ? http : direct, ...call })

  it('are created and told with their id, owner, plan and place', async () => {
    const { code, stdout } = await here(`create Acme --slug ${slug} --plan pro --owner u1`)
    const { id } = await tenantry.tenants.get(slug)
    expect(stdout).toBe(`✓ Tenant created: ${slug} (ID: ${id})\n  Owner:     u1\n  Plan:      pro\n  Isolation: row\n`)
    expect(code).toBe(0)
  })

  it('are listed below titles and a rule', async () => {
    const { stdout } = await here(`list --search ${slug}`)
    const [titles, rule, line] = stdout.split('\n')
    expect(titles).toBe(
      'ID                                     SLUG                 NAME                           STATUS       PLAN',
    )
    expect(rule).toMatch(/^─{116}$/)
    expect(line).toMatch(new RegExp(`^[0-9a-f-]{36}   ${slug.padEnd(20)} Acme {27}active       pro$`))
  })

  it('print with --json what the HTTP API answers, byte for byte', async () => {
    for (const [line, path] of [
      [`show ${slug}`, `/api/tenants/${slug}`],
      [`list --plan pro --search ${slug}`, `/api/tenants?plan=pro&search=${slug}`],
      ['stats', '/api/stats'],
    ] as const) {
      expect((await here(`${line} --json`)).stdout).toBe(`${JSON.stringify(await answer(path))}\n`)
    }
  })

  it('walk through their whole life, each verb repeatable', async () => {
    for (const [line, status] of [
      [`suspend ${slug} --reason unpaid`, 'suspended'],
      [`activate ${slug}`, 'active'],
      [`deactivate ${slug}`, 'inactive'],
      [`delete ${slug} --yes`, 'deleted'],
      [`restore ${slug}`, 'inactive'],
      [`delete ${slug} --yes`, 'deleted'],
    ] as const) {
      expect(await here(line)).toMatchObject({ code: 0, stderr: '' })
      if (!line.startsWith('restore')) expect(await here(line)).toMatchObject({ code: 0, stderr: '' })
      expect(await statusOf(slug)).toBe(status)
    }
    expect(await here(`purge ${slug} --confirm ${slug}`)).toMatchObject({ code: 0, stderr: '' })
    expect(await here(`show ${slug}`)).toMatchObject({ code: 3, stdout: '' })
  })

  it('are changed, and facts are taken away again', async () => {
    await here(`create Change --slug change-${slug} --plan pro --owner u1`)
    expect((await here(`update change-${slug} --no-owner --plan free --settings {"a":1} --name New`)).code).toBe(0)
    const changed = { name: 'New', plan: 'free', ownerUserId: null, settings: { a: 1 } }
    expect(await tenantry.tenants.get(`change-${slug}`)).toMatchObject(changed)
  })

  it('are provisioned when they were only registered', async () => {
    expect((await here(`create Later --slug later-${slug} --no-provision`)).stdout).toContain(
      `Next: tenantry provision later-${slug}`,
    )
    expect((await here(`provision later-${slug}`)).stdout).toBe(`✓ Tenant later-${slug} provisioned successfully\n`)
    expect((await here(`provision later-${slug}`)).stdout).toBe(`✓ Tenant later-${slug} already provisioned\n`)
  })

  it('fail with the exit code of the error table, in words and as a problem document', async () => {
    for (const [line, code, error] of [
      ['show nobody-here', 3, 'TENANT_NOT_FOUND'],
      [`create Twice --slug change-${slug}`, 4, 'SLUG_TAKEN'],
      ['create Wrong --slug Wrong_Slug', 2, 'SLUG_INVALID'],
      [`activate later-${slug} --nope`, 2, 'USAGE'],
      [`restore later-${slug}`, 4, 'TENANT_STATUS_CONFLICT'],
    ] as const) {
      const told = await here(line)
      expect(told).toMatchObject({ code, stdout: '' })
      expect(told.stderr).toMatch(new RegExp(`^✗ .+\n {2}.+\n {2}Code: ${error}\n$`))
      const problem = await here(`${line} --json`)
      expect(problem).toMatchObject({ code, stderr: '' })
      expect(JSON.parse(problem.stdout)).toMatchObject({ code: error })
    }
  })

  it('are listed page by page or all at once', async () => {
    const first = await here('list --limit 1')
    const cursor = /--cursor (\S+),/.exec(first.stdout)?.[1]
    expect(cursor).toBeDefined()
    const second = await here(`list --limit 1 --cursor ${cursor ?? ''}`)
    expect(second.stdout.split('\n')[2]).not.toBe(first.stdout.split('\n')[2])
    const all = JSON.parse((await here('list --all --limit 1 --json')).stdout) as { items: object[]; total: number }
    expect(all.items.length).toBe(all.total)
    expect(all.total).toBeGreaterThan(1)
  })
})

describe('a question before harm', () => {
  const typed = (slug: string, text: string): CliCall => ({ typing: [[new RegExp(slug), text]] })

  it('is answered with a literal yes, and with nothing else', async () => {
    await run('create Ask --slug ask-me')
    expect(await run('delete ask-me', typed('ask-me', 'y\r'))).toMatchObject({ code: 2 })
    expect(await statusOf('ask-me')).toBe('active')
    const done = await run('delete ask-me', typed('ask-me', 'yes\r'))
    expect(done.stdout).toContain("Are you sure you want to delete tenant 'ask-me'?")
    expect(done.code).toBe(0)
    expect(await statusOf('ask-me')).toBe('deleted')
  })

  it('of purge is answered with the slug', async () => {
    await run('create Purge --slug purge-me')
    await run('delete purge-me --yes')
    expect(await run('purge purge-me', typed('purge-me', 'yes\r'))).toMatchObject({ code: 2 })
    expect(await statusOf('purge-me')).toBe('deleted')
    expect(await run('purge purge-me', typed('purge-me', 'purge-me\r'))).toMatchObject({ code: 0 })
    expect(await tenantry.tenants.find('purge-me')).toBeUndefined()
  })

  it('ends with 130 at Ctrl-C, and nothing is done', async () => {
    await run('create Keep --slug keep-me')
    expect(await run('delete keep-me', typed('keep-me', '\u0003'))).toMatchObject({ code: 130 })
    expect(await statusOf('keep-me')).toBe('active')
  })

  it('cannot be asked without a terminal, and then nothing is done', async () => {
    for (const [line, option] of [
      ['delete keep-me', '--yes'],
      ['purge keep-me', '--confirm keep-me'],
    ] as const) {
      const { code, stderr } = await run(line, { stdin: 'yes\n' })
      expect(code).toBe(2)
      expect(stderr).toContain('CONFIRMATION_REQUIRED')
      expect(stderr).toContain(option)
    }
    expect(await statusOf('keep-me')).toBe('active')
  })
})

describe('the command line', () => {
  it('takes the tenant from TENANTRY_TENANT', async () => {
    await run('create Standing --slug standing')
    expect((await run('show', { env: { ...direct, TENANTRY_TENANT: 'standing' } })).stdout).toContain(
      'Slug:        standing',
    )
    expect(await run('show')).toMatchObject({ code: 2 })
  })

  it('lets nothing in a name reach the terminal but its letters', async () => {
    const name = 'a\u001b[2J\u001b]0;owned\u0007\u009b31m\u202eb'
    expect((await runCli(['create', name, '--slug', 'control'], { env: direct })).code).toBe(0)
    for (const line of ['list', 'show control']) {
      const { stdout } = await run(line)
      expect(stdout).toContain('control')
      expect(stdout.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/)
    }
  })

  it('writes who asked to the audit log', async () => {
    await run('create Audited --slug audited')
    const { id } = await tenantry.tenants.get('audited')
    const actors = await actorsOf(id)
    expect(new Set(actors)).toEqual(new Set(['cli']))
  })

  it('says that no server answers, and that something else does, without the key', async () => {
    const other = createServer((_request, response) => response.end('<html>')).listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as AddressInfo
    for (const TENANTRY_URL of ['http://127.0.0.1:1', `http://127.0.0.1:${port}`]) {
      const { code, stderr } = await run('list', { env: { TENANTRY_URL, TENANTRY_KEY: 'a-secret-key' } })
      expect(code).toBe(5)
      expect(stderr).toContain('SERVER_UNREACHABLE')
      expect(stderr).not.toContain('a-secret-key')
    }
    other.close()
  })

  it('is refused with a wrong key', async () => {
    const { code, stderr } = await run('list', { env: { ...http, TENANTRY_KEY: 'a-wrong-secret-key' } })
    expect(code).toBe(4)
    expect(stderr).toContain('UNAUTHENTICATED')
    expect(stderr).not.toContain('a-wrong-secret-key')
  })

  it('shows no stack and no password, unless it is asked for the stack', async () => {
    const url = new URL(database.adminUrl)
    url.password = 'not-the-password'
    const env = { DATABASE_ADMIN_URL: url.href }
    const told = await run('list', { env })
    expect(told.code).toBe(5)
    expect(told.stderr).toContain('DATABASE_AUTH_FAILED')
    expect(told.stderr).not.toMatch(/\n\s+at /)
    const debugged = await run('list', { env: { ...env, TENANTRY_DEBUG: '1' } })
    expect(debugged.stderr).toMatch(/\n\s+at /)
    expect(told.stderr + debugged.stderr).not.toContain('not-the-password')
  })
})

describe('setting up', () => {
  it('tells what init found', async () => {
    const again = await run('init')
    expect(again).toMatchObject({ code: 0, stderr: '' })
    expect(again.stdout).toMatch(/✓ Instance [0-9a-f]{8}, roles tn_[0-9a-f]{8}_login, .*_app, .*_central\n/)
    expect(again.stdout).toContain('Everything was there already.')
  })

  it('needs DATABASE_ADMIN_URL, and says so', async () => {
    for (const line of ['init', 'doctor', 'sql acme', 'protect invoices', 'serve']) {
      const { code, stderr } = await run(line, { env: http })
      expect(code).toBe(5)
      expect(stderr).toContain('DATABASE_ADMIN_URL')
    }
  })

  it('finds nothing wrong with a database that is ready', async () => {
    const { code, stdout } = await run('doctor')
    expect(stdout).not.toContain('✗')
    expect(code).toBe(0)
  })
})

async function actorsOf(tenantId: string): Promise<string[]> {
  const { openCentralDatabase } = await import('../../src/engine/sql/central-database.ts')
  const admin = openCentralDatabase({ url: database.adminUrl })
  try {
    const { rows } = await admin.query<{ actor: string }>(
      'select actor from tenantry.audit_entry where tenant_id = $1',
      [tenantId],
    )
    return rows.map(({ actor }) => actor)
  } finally {
    await admin.close()
  }
}
