// serve: the control plane on a PostgreSQL that is there already.
import { TenantryError } from '../../../kernel/errors.ts'
import { jsonLogger } from '../../../kernel/logger.ts'
import { type CommandRun, type CommandSpec, durationOf } from '../command.ts'
import type { TenantryOptions } from '../composition.ts'
import { stopSignal } from '../io.ts'
import { portOf, serveUntilStopped } from '../serving.ts'
import { credentialSettings } from '../target.ts'

export const serveCommand: CommandSpec = {
  name: 'serve',
  group: 'Start:',
  summary: 'Start a server on the PostgreSQL of DATABASE_ADMIN_URL.',
  notes: [
    'Logs one JSON object a line on standard output. SIGTERM lets requests under way finish, for up to 30 seconds.',
    'Without TENANTRY_ADMIN_KEY the first start makes an admin key and prints it on standard error, once.',
  ],
  options: [
    { flags: '--port <port>', description: 'port of the HTTP API, default 3000; 0 takes a free one' },
    { flags: '--verify-every <time>', description: 'verify isolation every 1h, 30m, 1d …; default never' },
    { flags: '--host <address>', description: 'address to listen on, default 127.0.0.1; 0.0.0.0 in a container' },
  ],
  examples: [
    { line: 'serve', explains: 'http://127.0.0.1:3000' },
    { line: 'serve --host 0.0.0.0 --port 8080', explains: 'reachable from other machines' },
  ],
  exits: { 5: 'no database, a login that may too much or too little, or the port is taken' },
  environment: [
    ['DATABASE_ADMIN_URL', 'login of the control plane; direct, not through a pooler'],
    ['DATABASE_URL', 'scoped login, where it is not to be the one Tenantry makes'],
    ['DATABASE_PUBLIC_URL', 'where tenants reach the database, for the connection strings of their logins'],
    ['PORT', 'port, where --port is not given'],
    ['TENANTRY_ADMIN_KEY', 'admin key to use; replaces the one that is stored'],
  ],
  async run(run) {
    const port = portOf(run)
    const urls = databaseUrls(run)
    const logger = jsonLogger((line) => run.io.stdout.write(line))
    const verifyEveryMs = durationOf('verify-every', run.input.text('verifyEvery'))
    const stop = stopSignal(run.io)
    const verify = verifyEveryMs === undefined ? {} : { verifyEveryMs }
    const credentials = credentialSettings(run.io.env)
    const tenantry = await run.composition.createTenantry({ ...urls, ...credentials, ...verify, logger })
    try {
      const hostname = run.input.text('host') ?? '127.0.0.1'
      const onReady = async (server: { readonly url: string }, key: string | undefined): Promise<void> => {
        logger.info('listening', { url: server.url })
        if (key !== undefined) run.output.note(`Admin key, shown this once: ${key}`)
      }
      const onStop = async (): Promise<void> => logger.info('stopping')
      await serveUntilStopped(run, { tenantry, hostname, port, drainMs: 30_000, onReady, onStop }, stop)
      return undefined
    } finally {
      stop.forget()
      await tenantry.close()
    }
  },
}

function databaseUrls({ io }: CommandRun): TenantryOptions {
  const [databaseUrl, adminUrl] = [io.env['DATABASE_URL'], io.env['DATABASE_ADMIN_URL']]
  if (!adminUrl) {
    throw new TenantryError('CONFIGURATION_INVALID', 'tenantry serve needs DATABASE_ADMIN_URL.', {
      fix: 'Set DATABASE_ADMIN_URL, or start `tenantry dev`, which brings a database along.',
    })
  }
  // An empty variable is a variable that was not set.
  return databaseUrl ? { databaseUrl, adminUrl } : { adminUrl }
}
