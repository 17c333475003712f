// dev: a server with a PostgreSQL of its own, for a machine with nothing but Node.
import { randomBytes } from 'node:crypto'
import { relative, resolve } from 'node:path'
import type { EmbeddedServer } from '../../../embedded/embedded-server.ts'
import { isTenantryError, TenantryError } from '../../../kernel/errors.ts'
import type { Logger } from '../../../kernel/logger.ts'
import { bannerLines } from '../banner.ts'
import type { CommandRun, CommandSpec } from '../command.ts'
import { stopSignal } from '../io.ts'
import type { Output } from '../output.ts'
import { readRunFile, removeRunFile, writeRunFile } from '../run-file.ts'
import { portOf, type ServingPlan, serveUntilStopped, type StopWatch } from '../serving.ts'
import { dataFolder } from '../target.ts'
import { plain } from '../text.ts'

export const devCommand: CommandSpec = {
  name: 'dev',
  group: 'Start:',
  summary: 'Start a server with an embedded PostgreSQL, for development.',
  notes: [
    'Commands in other terminals find it by themselves, through run.json in the data folder. Ctrl-C stops it.',
    'The admin key of the HTTP API is made and printed at the first start.',
  ],
  options: [
    { flags: '--port <port>', description: 'port of the HTTP API, default 3000; 0 takes a free one' },
    { flags: '--data-dir <folder>', description: 'where the data lies, default .tenantry' },
    { flags: '--show-admin-url', description: 'print DATABASE_ADMIN_URL, for init, doctor, sql and protect' },
  ],
  examples: [
    { line: 'dev', explains: 'http://127.0.0.1:3000, data in .tenantry' },
    { line: 'dev --port 4000 --data-dir /tmp/tenantry', explains: 'somewhere else' },
    { line: 'dev --show-admin-url', explains: 'to use `tenantry sql` beside it' },
  ],
  exits: { 5: 'the port is taken, or the embedded PostgreSQL cannot start' },
  environment: [
    ['PORT', 'port, where --port is not given'],
    ['TENANTRY_DATA_DIR', 'data folder, where --data-dir is not given'],
    ['TENANTRY_ADMIN_KEY', 'admin key to use; replaces the one that is stored'],
  ],
  async run(run) {
    const port = portOf(run)
    const given = run.input.text('dataDir')
    const folder = given === undefined ? dataFolder(run.target) : resolve(run.io.cwd, given)
    // From here on a Ctrl-C ends in an orderly stop, also one in the middle of the start.
    const stop = stopSignal(run.io)
    const embedded = await startDatabase(run, folder)
    try {
      await serveDev(run, { port, folder, embedded, stop })
      return undefined
    } finally {
      stop.forget()
      await embedded.stop()
      run.output.note('Stopped; the data stays where it is.')
    }
  },
}

async function startDatabase(run: CommandRun, folder: string): Promise<EmbeddedServer> {
  try {
    return await run.composition.startEmbedded({ dataDir: folder, onProgress: (line) => run.output.note(plain(line)) })
  } catch (error) {
    const state = await readRunFile(folder)
    if (!isTenantryError(error, 'EMBEDDED_RUNNING') || state.kind !== 'running') throw error
    const fix = `Use the one at ${state.run.url} (process ${state.run.pid}), stop it, or choose another --data-dir.`
    throw new TenantryError('EMBEDDED_RUNNING', error.message, { fix, cause: error })
  }
}

/** Browsers take every name under localhost to this machine: http://acme.localhost:3000/api/current. */
const LOCAL = { subdomainPattern: 'localhost', public: ['/api/current'] }

interface Dev {
  readonly port: number
  readonly folder: string
  readonly embedded: EmbeddedServer
  readonly stop: StopWatch
}

async function serveDev(run: CommandRun, { port, folder, embedded, stop }: Dev): Promise<void> {
  const { adminUrl } = embedded
  const tenantry = await run.composition.createTenantry({
    ...{ adminUrl, logger: textLogger(run.output), resolutionDefaults: LOCAL },
  })
  const key = `tn_run_${randomBytes(32).toString('hex')}`
  const plan: ServingPlan = {
    tenantry,
    hostname: '127.0.0.1',
    port,
    ephemeralKeys: [key],
    drainMs: 5000,
    lost: embedded.exited,
    onReady: async ({ url }, newAdminKey) => {
      await writeRunFile(folder, { url, pid: process.pid, key })
      printReady(run, { url, newAdminKey, folder, embedded })
    },
    onStop: () => removeRunFile(folder, process.pid),
  }
  try {
    if ((await serveUntilStopped(run, plan, stop)) === 'lost') {
      throw new TenantryError('EMBEDDED_FAILED', `The embedded PostgreSQL has ended; its log is ${embedded.logFile}.`)
    }
  } finally {
    await tenantry.close()
  }
}

interface Ready {
  readonly url: string
  readonly newAdminKey: string | undefined
  readonly folder: string
  readonly embedded: EmbeddedServer
}

function printReady({ io, output, json, input }: CommandRun, { url, newAdminKey, folder, embedded }: Ready): void {
  const adminUrl = input.flag('showAdminUrl') ? embedded.adminUrl : undefined
  if (json) {
    output.json({ url, dataDir: folder, adminKey: newAdminKey ?? null, ...(adminUrl !== undefined && { adminUrl }) })
    return
  }
  // Started through npm, the command is not on the PATH.
  const command = io.env['npm_execpath'] === undefined ? 'tenantry' : 'npx tenantry'
  const dataDir = `${relative(io.cwd, folder) || '.'} (PostgreSQL ${embedded.version})`
  const [title = '', ...lines] = bannerLines({ url, newAdminKey, dataDir, adminUrl, command })
  output.line(output.style('green', title))
  for (const line of lines) output.line(line)
}

function textLogger(output: Output): Logger {
  return {
    info: () => {},
    warn: (message) => output.note(`! ${plain(message)}`),
    error: (message, fields) =>
      output.note(`✗ ${plain(message)}${fields?.['code'] === undefined ? '' : ` (${fields['code']})`}`),
  }
}
