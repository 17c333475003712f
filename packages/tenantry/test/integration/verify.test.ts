// verify through every way in: the library, HTTP, the command line with its files, and the schedule.
import { readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openVerifier } from '../../src/composition/open-verifier.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { Verifier } from '../../src/features/verify/create-verifier.ts'
import { junitOf } from '../../src/features/verify/junit.ts'
import { checkReport, type VerifyReport } from '../../src/features/verify/report.ts'
import { type Repeat, startVerifySchedule } from '../../src/features/verify/verify-schedule.ts'
import type { LogFields, Logger } from '../../src/kernel/logger.ts'
import { VerifyReportSchema } from '../../src/surfaces/http/contract.ts'
import { type HttpServer, serve } from '../../src/surfaces/http/server.ts'
import { stubTenantry } from '../../src/testing/index.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { temporaryFolder } from '../harness/cluster.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { runCli } from '../support/cli.ts'

const KEY = 'key-of-this-test-run'
const OFF = 'alter table invoice disable row level security'
const ON = 'alter table invoice enable row level security, force row level security'

let database: TestDatabase
let admin: CentralDatabase
let tenantry: Tenantry
let server: HttpServer
let folder: string

beforeAll(async () => {
  database = await createTestDatabase()
  folder = await temporaryFolder()
  admin = openCentralDatabase({ url: database.adminUrl })
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: path.join(folder, 'none') })
  await tenantry.asCentral('a table', (central) =>
    central.query('create table invoice (id uuid primary key default gen_random_uuid(), note text not null)'),
  )
  await tenantry.protect('invoice')
  await tenantry.tenants.create({ name: 'Acme', slug: 'acme' })
  await tenantry.scope('acme').query("insert into invoice (note) values ('first')")
  server = await serve(tenantry, { port: 0, ephemeralKeys: [KEY] })
})

afterAll(async () => {
  await server.drain()
  await tenantry.close()
  await admin.close()
  await rm(folder, { recursive: true, force: true })
  await database.drop()
})

afterEach(async () => {
  await admin.query(ON)
})

const cli = (line: string, env: Record<string, string> = { DATABASE_ADMIN_URL: database.adminUrl }) =>
  runCli(line.split(' '), { env })
const file = (name: string) => path.join(folder, name)

async function audited(action: string): Promise<readonly Record<string, unknown>[]> {
  const { rows } = await admin.query('select actor, detail from tenantry.audit_entry where action = $1 order by seq', [
    action,
  ])
  return rows
}

describe('the library', () => {
  test('reports both halves, signed, and stores the run', async () => {
    const report = await tenantry.verify()
    expect(report.checks.filter(({ ok, severity }) => !ok && severity !== 'warning')).toEqual([])
    expect(report).toMatchObject({ ok: true, only: null, readOnly: false })
    expect(report.fingerprint).toMatch(/^[0-9a-f]{64}$/)
    const { rows } = await admin.query(
      'select ok, fingerprint, failed from tenantry.verify_run order by seq desc limit 1',
    )
    expect(rows).toEqual([{ ok: true, fingerprint: report.fingerprint, failed: [] }])
    expect(await tenantry.lastVerification()).toEqual(report)
  })

  test('names the table that lost its row security, in both halves, with the SQL that brings it back', async () => {
    await admin.query(OFF)
    const { ok, checks } = await tenantry.verify()
    expect(ok).toBe(false)
    const failed = checks.filter((check) => !check.ok && check.subject === 'public.invoice')
    expect(failed.map(({ name }) => name)).toEqual(expect.arrayContaining(['probe: read']))
    expect(failed.some(({ name }) => !name.startsWith('probe: '))).toBe(true)
    expect(failed.map(({ fix }) => fix?.toLowerCase())).toContainEqual(
      expect.stringContaining('enable row level security'),
    )
  })

  test('fixes what is broken and answers with the run after it', async () => {
    await admin.query(OFF)
    const { ok } = await tenantry.verify({ fix: true, actor: 'tester' })
    expect(ok).toBe(true)
    expect((await audited('verify.fix')).at(-1)).toMatchObject({ actor: 'tester' })
  })

  test('writes which parts of the catalogue changed between two runs, once', async () => {
    await tenantry.verify({ only: 'catalogue' })
    const before = (await audited('verify.catalogue_changed')).length
    await tenantry.verify({ only: 'catalogue' })
    expect(await audited('verify.catalogue_changed')).toHaveLength(before)
    await admin.query('create policy extra on invoice for select to current_user using (true)')
    try {
      const { changed } = await tenantry.verify({ only: 'catalogue' })
      expect(changed).toEqual(['policies'])
      const entries = await audited('verify.catalogue_changed')
      expect(entries).toHaveLength(before + 1)
      expect(entries.at(-1)).toMatchObject({ detail: { parts: ['policies'] } })
    } finally {
      await admin.query('drop policy extra on invoice')
      await tenantry.verify({ only: 'catalogue' })
    }
  })

  test('keeps one whole report and a line of every run', async () => {
    const { rows } = await admin.query<{ runs: number; whole: number }>(
      'select count(*)::int as runs, count(report)::int as whole from tenantry.verify_run',
    )
    expect(rows[0]?.runs).toBeGreaterThan(1)
    expect(rows[0]?.whole).toBe(1)
  })

  test('is refused by the stand-in, which has nothing to verify', async () => {
    await expect(stubTenantry().verify()).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' })
  })
})

describe('a report', () => {
  test('is genuine with the instance’s key, and with no other, and not when a word of it was changed', async () => {
    const report = await tenantry.verify({ only: 'probes' })
    const key = await tenantry.verificationKey()
    const text = JSON.stringify(report)
    expect(checkReport(text, key)).toEqual(report)
    const forged = { ...report, ok: !report.ok }
    const refused = expect.objectContaining({ code: 'REPORT_INVALID' }) as Error
    expect(() => checkReport(JSON.stringify(forged), key)).toThrow(refused)
    const { publicKey } = await import('node:crypto').then(({ generateKeyPairSync }) => generateKeyPairSync('ed25519'))
    expect(() => checkReport(text, publicKey.export({ format: 'pem', type: 'spki' }).toString())).toThrow(refused)
    for (const broken of ['', '[]', '{}', 'null']) expect(() => checkReport(broken, key)).toThrow(refused)
    expect(() => checkReport(text, 'no key')).toThrow(refused)
  })

  test('has a seed that only the control plane can read', async () => {
    const verifier = await openVerifier(database.adminUrl)
    const report = await verifier.run({ only: 'probes' })
    await verifier.close()
    expect(report.checks).toContainEqual({ name: 'probe: control plane', ok: true, subject: 'tenantry.verify_key' })
  })
})

describe('over HTTP', () => {
  const call = (method: string, body?: object, key = KEY) =>
    fetch(`${server.url}/api/verify`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })

  test('it runs with POST, and GET has what the newest run found', async () => {
    const posted = await call('POST', { only: 'probes', readOnly: true })
    expect(posted.status).toBe(200)
    const report: unknown = await posted.json()
    expect(VerifyReportSchema.parse(report)).toMatchObject({ ok: true, only: 'probes', readOnly: true })
    expect(await (await call('GET')).json()).toEqual(report)
  })

  test('it answers 200 for a run that failed, 400 for an unknown option and 401 without the key', async () => {
    await admin.query(OFF)
    const failed = await call('POST')
    expect(failed.status).toBe(200)
    expect(await failed.json()).toMatchObject({ ok: false })
    expect((await call('POST', { fix: true })).status).toBe(400)
    expect((await call('GET', undefined, 'another-key-altogether')).status).toBe(401)
  })
})

describe('on the command line', () => {
  test('it prints what fails first, with its repair, and exits with 1', async () => {
    await admin.query(OFF)
    const { code, stdout } = await cli('verify')
    expect(code).toBe(1)
    const lines = stdout.split('\n')
    expect(lines[0]).toMatch(/^✗ /)
    expect(stdout).toContain('    public.invoice\n')
    expect(stdout.toLowerCase()).toContain('enable row level security')
    expect(lines.findIndex((line) => line.startsWith('✓'))).toBeGreaterThan(
      lines.findLastIndex((line) => line.startsWith('✗')),
    )
  })

  test.each(['the database', 'a server'])(
    'with --json it prints the published shape and nothing else, over %s',
    async (way) => {
      const env: Record<string, string> =
        way === 'a server' ? { TENANTRY_URL: server.url, TENANTRY_KEY: KEY } : { DATABASE_ADMIN_URL: database.adminUrl }
      const { code, stdout, stderr } = await cli('verify --json --only probes', env)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const printed = JSON.parse(stdout) as { ok: boolean; checks: object[] }
      expect(Object.keys(printed)).toEqual(['ok', 'checks'])
      const known = new Set(['name', 'ok', 'subject', 'fix', 'severity', 'skipped'])
      expect(printed.checks.flatMap((check) => Object.keys(check)).filter((key) => !known.has(key))).toEqual([])
      expect(printed.ok).toBe(true)
    },
  )

  test('--fix prints SQL that a second run needs no more, and --yes applies it', async () => {
    await admin.query(OFF)
    const printed = await cli('verify --fix')
    expect(printed.code).toBe(1)
    await admin.query(printed.stdout)
    expect(await cli('verify --fix')).toMatchObject({ code: 0 })
    await admin.query(OFF)
    expect(await cli('verify --fix --yes')).toMatchObject({ code: 0 })
    expect(await cli('verify --yes')).toMatchObject({ code: 2 })
    expect(await cli('verify --fix --yes', { TENANTRY_URL: server.url, TENANTRY_KEY: KEY })).toMatchObject({ code: 5 })
  })

  test('it writes JUnit and a report that can be checked offline', async () => {
    const [junit, report, key] = [file('verify.xml'), file('verify.json'), file('verify.pem')]
    expect(await cli(`verify --junit ${junit} --report ${report}`)).toMatchObject({ code: 0 })
    expect(await readFile(junit, 'utf8')).toContain('failures="0"')
    await writeFile(key, (await cli('verify --public-key')).stdout)
    const checked = await cli(`verify --check-report ${report} --key ${key}`, {})
    expect(checked).toMatchObject({ code: 0, stdout: expect.stringContaining('genuine') as string })
    await writeFile(report, (await readFile(report, 'utf8')).replace('"ok": true', '"ok": false'))
    expect(await cli(`verify --check-report ${report} --key ${key}`, {})).toMatchObject({ code: 1, stdout: '' })
    expect(await cli(`verify --check-report ${report}`, {})).toMatchObject({ code: 2 })
  })

  test('its options reach the run', async () => {
    await cli('verify --only probes --read-only --allow-skipped --sample 0')
    expect(await tenantry.lastVerification()).toMatchObject({ only: 'probes', readOnly: true, allowSkipped: true })
    expect(await cli('verify --sample many')).toMatchObject({ code: 2 })
    expect(await cli('verify --only half')).toMatchObject({ code: 2 })
  })

  test('it says what is wrong with a role that no server would start with', async () => {
    const superuser = openCentralDatabase({ url: database.superUrl })
    const { rows } = await admin.query<{ app: string }>("select 'tn_' || id || '_app' as app from tenantry.instance")
    const app = rows[0]?.app ?? ''
    await superuser.query(`alter role ${app} bypassrls`)
    try {
      const { code, stdout } = await cli('verify --only probes')
      expect(code).toBe(1)
      expect(stdout).toContain(`ALTER ROLE "${app}" NOSUPERUSER NOBYPASSRLS;`)
    } finally {
      await superuser.query(`alter role ${app} nobypassrls`)
      await superuser.close()
    }
  })
})

test('JUnit XML survives names that are markup, quotes, control characters and half a surrogate pair', async () => {
  const real = await tenantry.verify({ only: 'catalogue' })
  const nasty = `a<b>&"c'\n\u0007\ud800 ]]> é 😀`
  const checks = [
    { name: 'fails', ok: false, subject: nasty, fix: nasty },
    { name: 'skipped', ok: false, skipped: nasty },
    { name: 'warned', ok: false, severity: 'warning' as const },
    { name: 'holds', ok: true, subject: nasty },
  ]
  const xml = junitOf({ ...real, checks, allowSkipped: true })
  expect(xml).toContain('tests="4" failures="1" errors="0" skipped="2"')
  expect(xml).toContain('name="fails: a&lt;b&gt;&amp;&quot;c&apos;&#10;\ufffd\ufffd ]]&gt; é 😀"')
  // Nothing but markup of ours is left between the escaped texts.
  const markup =
    /<\/?(\?xml|testsuites|testsuite|testcase|failure|skipped)( [a-z]+="[^"<&]*(&[a-z#0-9]+;[^"<&]*)*")*\/?\??>/g
  expect(xml.replace(markup, '').replace(/&[a-z#0-9]+;/g, '')).not.toMatch(/[<&]/)
})

describe('on a schedule', () => {
  interface Line {
    readonly level: string
    readonly message: string
    readonly fields?: LogFields | undefined
  }

  function scheduled(verifier: Pick<Verifier, 'run'>, everyMs = 60_000) {
    const lines: Line[] = []
    const at = (level: string) => (message: string, fields?: LogFields) => void lines.push({ level, message, fields })
    const logger: Logger = { info: at('info'), warn: at('warn'), error: at('error') }
    let next = () => {}
    let ended = false
    const repeat: Repeat = (run) => {
      next = run
      return () => {
        ended = true
      }
    }
    const schedule = startVerifySchedule({ database: admin, verifier, logger, everyMs, repeat })
    return { schedule, lines, tick: () => next(), hasEnded: () => ended }
  }

  const verifier = (): Pick<Verifier, 'run'> => ({ run: (options) => tenantry.verify({ ...options, only: 'probes' }) })
  const due = () => admin.query("update tenantry.verify_schedule set started_at = now() - interval '1 day'")
  const events = async () =>
    (
      await admin.query<{ type: string }>("select type from tenantry.event where type like 'verify.%' order by seq")
    ).rows.map(({ type }) => type)

  test('a failure is told once, as a log line, an event and an audit entry, and so is the recovery', async () => {
    await due()
    const { schedule, lines } = scheduled(verifier())
    // The turn that it takes at its start.
    await schedule.turn()
    expect(await events()).toEqual([])
    await admin.query(OFF)
    for (const expected of [['verify.failed'], ['verify.failed']]) {
      await due()
      expect(await schedule.turn()).toBe(true)
      expect(await events()).toEqual(expected)
    }
    expect(lines.filter(({ level }) => level === 'error')).toMatchObject([
      { fields: { check: 'probe: read', subject: 'public.invoice' } },
      {},
    ])
    await admin.query(ON)
    await due()
    await schedule.turn()
    expect(await events()).toEqual(['verify.failed', 'verify.recovered'])
    expect(await audited('verify.failed')).toMatchObject([{ actor: 'schedule' }])
    expect(await audited('verify.recovered')).toHaveLength(1)
    await schedule.stop()
  })

  test('of several processes one takes the turn, and nobody takes one before it is due', async () => {
    let running = 0
    const counted = { run: (options?: object) => (running++, verifier().run(options)) }
    await due()
    const both = [scheduled(counted), scheduled(counted)]
    await Promise.all(both.map(({ schedule }) => schedule.turn()))
    for (const { schedule } of both) expect(await schedule.turn()).toBe(false)
    expect(running).toBe(1)
    for (const { schedule, hasEnded } of both) {
      await schedule.stop()
      expect(hasEnded()).toBe(true)
    }
  })

  test('a run that cannot be made is logged and gives the turn back', async () => {
    await due()
    const { schedule, lines, tick } = scheduled({ run: () => Promise.reject(new Error('the database is away')) })
    await schedule.stop()
    expect(lines).toEqual([
      { level: 'error', message: 'verify could not run', fields: { reason: 'the database is away' } },
    ])
    await due()
    tick()
    await schedule.stop()
    expect(lines).toHaveLength(2)
    const { rows } = await admin.query('select holder from tenantry.verify_schedule')
    expect(rows).toEqual([{ holder: null }])
  })

  test('a setting asks for it, and its interval is checked', async () => {
    await due()
    const migrations = path.join(folder, 'none')
    const before = await tenantry.verify({ only: 'catalogue' })
    const asking = createTenantry({ adminUrl: database.adminUrl, migrations, verifyEveryMs: 60_000 })
    await asking.start()
    await asking.close()
    const after: VerifyReport = await tenantry.lastVerification()
    expect(after.finishedAt > before.finishedAt).toBe(true)
    const wrong = createTenantry({ adminUrl: database.adminUrl, migrations, verifyEveryMs: 5 })
    await expect(wrong.start()).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID', field: 'verifyEveryMs' })
    await wrong.close()
    expect(await cli('serve --verify-every soon')).toMatchObject({ code: 2 })
  })
})
