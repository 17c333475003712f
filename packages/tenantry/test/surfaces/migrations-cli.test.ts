// Migrations on the command line, against the database and against a server.
import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { packageComposition } from '../../src/surfaces/cli/composition.ts'
import { main } from '../../src/surfaces/cli/main.ts'
import type { HttpServer } from '../../src/surfaces/http/server.ts'
import { until } from '../harness/wait.ts'
import { runCli } from '../support/cli.ts'
import { type FleetInstance, openFleetInstance } from './fleet-instance.ts'

const ADMIN = 'key-of-this-test-run'

let stage: FleetInstance

beforeAll(async () => {
  stage = await openFleetInstance()
})

afterAll(async () => {
  await stage.close()
})

describe.each(['the database', 'a server'] as const)('over %s', (way) => {
  let server: HttpServer | undefined
  let newest = ''

  /** Files are read when an instance starts: a server gets the new one by starting again. */
  const addMigration = async (sql?: string) => {
    newest = await stage.addMigration(sql)
    if (way === 'the database') return
    await server?.drain()
    server = await packageComposition.serve(await stage.open(), { port: 0, ephemeralKeys: [ADMIN] })
  }
  const env = (): Record<string, string> =>
    server === undefined ? { DATABASE_ADMIN_URL: stage.adminUrl } : { TENANTRY_URL: server.url, TENANTRY_KEY: ADMIN }
  const cli = (line: string) => runCli(line.split(' '), { env: env(), cwd: stage.folder })

  afterAll(async () => {
    await server?.drain()
  })

  test('the fleet is brought up step by step, and told so', async () => {
    await addMigration()
    expect(await cli('migrate up --dry-run')).toMatchObject({
      ...{ code: 0, stderr: '' },
      stdout: `Would bring 3 tenants to ${newest} and apply 0 shared migrations; 0 are up to date.\n`,
    })
    const one = await cli('migrate up --tenant acme')
    expect([one.code, one.stdout]).toEqual([0, expect.stringContaining(`✓ 1 tenant brought to ${newest} in `)])
    const status = await cli('migrate status')
    expect(status.stdout).toMatch(/Up to date: +1\n +Pending: +2\n/)
    expect(status.stderr).toBe('Bring them up to date: tenantry migrate up\n')
    const rest = await cli('migrate up --filter isolation=schema --canary globex --waves 50%,100% --batch-size 1')
    expect(rest.stdout).toContain('✓ 2 tenants brought')
    expect(rest.stderr).toContain('of 2 tenants (')
    expect(await cli('migrate up')).toMatchObject({ code: 0, stdout: 'Nothing to do: 3 tenants up to date, proven.\n' })
    expect(await cli('migrate retry')).toMatchObject({ code: 0 })
    expect(JSON.parse((await cli('migrate status --json')).stdout)).toMatchObject({ upToDate: 3, target: newest })
    const runs = (await cli('migrate runs')).stdout.split('\n')
    expect(runs[2]).toMatch(/^\S{36} complete +\S+ .*2 +0 +2 /)
  })

  test('drift prints the SQL that mends a schema changed by hand, with exit code 1 until it was run', async () => {
    expect(await cli('migrate drift')).toMatchObject({ code: 0 })
    await stage.byHand('alter table tenant_globex.note alter column text set not null')
    const drifted = await cli('migrate drift --tenant globex')
    expect(drifted.code).toBe(1)
    expect(JSON.parse((await cli('migrate drift --json')).stdout)).toMatchObject({ drifted: [{ slug: 'globex' }] })
    await stage.byHand(drifted.stdout)
    expect(await cli('migrate drift')).toMatchObject({ code: 0 })
  })

  test('a tenant that fails is named, the exit code is 1, and retry brings it', async () => {
    const central = await stage.open()
    await central.asCentral('a row', (tx) => tx.query("insert into tenant_globex.note values (1, 'not a number')"))
    await addMigration('alter table note alter column text type int using text::int')
    const failed = await cli('migrate up --max-failures 100%')
    expect(failed.code).toBe(1)
    expect(failed.stdout).toMatch(new RegExp(`✗ globex: .*\\(MIGRATION_FAILED, ${newest}, 22P02\\)`))
    expect(failed.stdout + failed.stderr).not.toContain('not a number')
    expect(failed.stderr).toContain('When the cause is mended: tenantry migrate retry')
    expect(JSON.parse((await cli('migrate up --json')).stdout)).toMatchObject({ failures: [{ slug: 'globex' }] })
    await central.asCentral('no row', (tx) => tx.query('delete from tenant_globex.note'))
    expect(await cli('migrate retry')).toMatchObject({ code: 0 })
    await addMigration('alter table note alter column text type text using text::text')
    expect(await cli('migrate up')).toMatchObject({ code: 0 })
  })

  test('Ctrl-C stops after what is under way, and says how to go on', async () => {
    await addMigration()
    const signals = new EventEmitter()
    const stderr = new PassThrough()
    let said = ''
    stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const stdout = new PassThrough()
    const argv = 'migrate up --connections 1 --batch-size 1 --lock-timeout 20s'.split(' ')
    const io = { stdin: new PassThrough(), stdout, stderr, env: env(), cwd: stage.folder, signals }
    const release = await stage.lock('acme')
    const ended = main(argv, { ...io, isTTY: { stdin: false, stdout: false, stderr: false } })
    await until(() => said.includes('of 3 tenants'), { what: 'progress' })
    signals.emit('SIGINT')
    await until(() => said.includes('Stopping after the transactions under way.'))
    await release()
    expect(await ended).toBe(1)
    expect(String(stdout.read())).toContain('! stopped: ')
    expect(said).toContain('Go on with: tenantry migrate up')
    expect(await cli('migrate up')).toMatchObject({ code: 0 })
  })

  test('stop ends a run that another process began, and one that is over stays as it is', async () => {
    await addMigration()
    const other = await stage.open()
    let pauses = false
    const onProgress = ({ done }: { readonly done: number }) => (pauses = done > 0)
    const ended = other.migrations.up({ waves: [0.3, 1], pauseMs: 600_000, onProgress })
    await until(() => pauses, { what: 'the pause after the first wave' })
    const told = await cli('migrate stop')
    expect([told.code, told.stdout]).toEqual([0, expect.stringMatching(/Told to stop|! stopped: /)])
    const { runId, state, done } = await ended
    expect(state).toBe('stopped')
    expect(done).toBeLessThan(3)
    expect((await cli(`migrate stop ${runId}`)).stdout).toContain('! stopped: ')
    expect(await cli('migrate up')).toMatchObject({ code: 0 })
  })

  test.each([
    ['migrate stop 0191f2ab-0000-7000-8000-000000000000', 'MIGRATION_RUN_NOT_FOUND'],
    ['migrate stop one two', 'USAGE'],
    ['migrate', 'USAGE'],
    ['migrate sideways', 'USAGE'],
    ['migrate status --dry-run', 'USAGE'],
    ['migrate up --waves 120%', 'INVALID_INPUT'],
    ['migrate up --filter colour=red', 'INVALID_INPUT'],
    ['migrate up --pause soon', 'INVALID_INPUT'],
    ['migrate up --tenant nobody', 'TENANT_NOT_FOUND'],
  ])('%s is refused as %s', async (line, code) => {
    expect((await cli(line)).stderr).toContain(`Code: ${code}`)
  })
})

test('new makes the next file of the folder of the configuration', async () => {
  const made = await runCli(['migrate', 'new', 'add_due_date'], { cwd: stage.folder })
  expect(made.stdout).toMatch(/^✓ Migration made: .*\/migrations\/tenant\/\d{4}_add_due_date\.sql\n$/)
  const shared = await runCli(['migrate', 'new', 'rates', '--shared', '--json'], { cwd: stage.folder })
  expect(JSON.parse(shared.stdout)).toEqual({ file: expect.stringContaining('/shared/0001_rates.sql') as unknown })
  expect(await runCli(['migrate', 'new'], { cwd: stage.folder })).toMatchObject({ code: 2 })
})

test('lint reads the folder of the configuration, and needs neither a server nor a database', async () => {
  await stage.addMigration('create index on note (text)')
  const { code, stdout } = await runCli(['migrate', 'lint'], { cwd: stage.folder })
  expect(code).toBe(1)
  expect(stdout).toMatch(/^tenant\/\d{4}_more_\d+.sql:1:1 {2}warning {2}index-lock\n/m)
  expect(await runCli(['migrate', 'lint', 'migrations', '--since', '9999'], { cwd: stage.folder })).toMatchObject({
    code: 0,
  })
})

test('a dry run and a look at the status apply nothing, shared migrations neither', async () => {
  const fresh = await openFleetInstance()
  onTestFinished(() => fresh.close())
  const shared = await fresh.addShared('create table rate (currency text primary key)')
  const on = { env: { DATABASE_ADMIN_URL: fresh.adminUrl }, cwd: fresh.folder }
  const exists = "do $$ begin if to_regclass('public.rate') is null then raise 'no table'; end if; end $$"
  expect(await runCli(['migrate', 'up', '--dry-run'], on)).toMatchObject({ code: 0 })
  const { stdout } = await runCli(['migrate', 'status', '--json'], on)
  expect(JSON.parse(stdout)).toMatchObject({ shared: { pending: expect.arrayContaining([shared]) as unknown } })
  await expect(fresh.byHand(exists)).rejects.toThrow('no table')
  expect(await runCli(['migrate', 'up'], on)).toMatchObject({ code: 0 })
  await fresh.byHand(exists)
})
