// token: a signed context for a program that does not run this library.
import { TenantryError } from '../../../kernel/errors.ts'
import { type CommandRun, type CommandSpec, tenantArgument, tenantOf } from '../command.ts'
import { requireAdminUrl } from '../target.ts'

export const tokenCommand: CommandSpec = {
  name: 'token',
  group: 'Data:',
  summary: 'Sign a context, with which a program in any language can enter a tenant for a short time.',
  notes: [
    'Prints the token and nothing else: the value of the setting tenantry.context. It is good, together with the scoped',
    'login, until it expires; nothing takes it back. The audit log says who asked for it. docs/context-token.md',
  ],
  arguments: [tenantArgument],
  options: [
    { flags: '--user <id>', description: 'who acts in the tenant' },
    { flags: '--role <role>', description: 'their role in it' },
    { flags: '--ttl <time>', description: 'how long it is good for, as 60s, 5m or 1h; default 60s, at most 1h' },
  ],
  examples: [
    { line: 'token acme', explains: 'for a minute' },
    { line: 'token acme --user user-42 --role owner --ttl 5m', explains: 'in the name of a user' },
    { line: 'token acme --json', explains: '{token, expiresAt, databaseRole, searchPath}' },
  ],
  exits: { 3: 'no such tenant', 4: 'the tenant may not be entered', 5: 'the database cannot be reached' },
  environment: [['DATABASE_ADMIN_URL', 'login that may read the signing key']],
  async run(run) {
    const ref = tenantOf(run)
    const options = optionsOf(run)
    const tenantry = await run.composition.createTenantry({ adminUrl: requireAdminUrl(run.target, 'token') })
    try {
      const signed = await tenantry.token(ref, options)
      if (run.json) run.output.json(signed)
      else run.output.line(signed.token)
      return undefined
    } finally {
      await tenantry.close()
    }
  },
}

function optionsOf({ input }: CommandRun) {
  const [userId, role, ttl] = [input.text('user'), input.text('role'), input.text('ttl')]
  return {
    actor: 'cli',
    ...(userId !== undefined && { userId }),
    ...(role !== undefined && { role }),
    ...(ttl !== undefined && { ttlSeconds: secondsOf(ttl) }),
  }
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 }

function secondsOf(time: string): number {
  const [, count, unit = 's'] = /^(\d{1,6})([smh])?$/.exec(time) ?? []
  if (count !== undefined) return Number(count) * (SECONDS[unit] ?? 1)
  throw new TenantryError('INVALID_INPUT', '--ttl is not a time.', { field: 'ttl', fix: 'Give it as 60s, 5m or 1h.' })
}
