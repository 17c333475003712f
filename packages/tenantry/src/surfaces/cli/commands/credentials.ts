// credentials: the logins with which a tenant connects to PostgreSQL itself.
import type { CredentialInfo, DirectCredential } from '../../../features/credentials/credential.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import type { CommandRun, CommandSpec } from '../command.ts'
import { confirm } from '../confirm.ts'
import { withTarget } from '../open-target.ts'
import { fieldLines, tableLines } from '../output.ts'
import type { TargetCredentials } from '../target.ts'
import { timeText } from '../tenant-view.ts'
import { plain } from '../text.ts'
import { lifecycleExits, printDone } from './lifecycle.ts'

type Action = (run: CommandRun, credentials: TargetCredentials, ref: string) => Promise<void>

const DAY = 24 * 60 * 60

const actions: Readonly<Record<string, { readonly act: Action; readonly options: readonly string[] }>> = {
  create: { act: create, options: ['username', 'connectionLimit'] },
  list: { act: list, options: [] },
  rotate: { act: rotate, options: ['username', 'grace'] },
  revoke: { act: revoke, options: ['username'] },
  drop: { act: drop, options: ['username', 'yes'] },
}

export const credentialsCommand: CommandSpec = {
  name: 'credentials',
  group: 'Data:',
  summary: 'Make, list, rotate, revoke and drop the logins of a tenant for PostgreSQL itself.',
  notes: [
    'Actions: create, list, rotate, revoke, drop. create and rotate print the password, which nobody can show again.',
    'rotate makes a second login; the first one works on for a day, or for --grace seconds.',
    'revoke locks a login out and ends its sessions; drop removes its role as well, and asks first.',
  ],
  arguments: [
    ['<action>', 'create, list, rotate, revoke or drop'],
    ['[tenant]', 'slug or id; TENANTRY_TENANT where it is left out'],
  ],
  options: [
    { flags: '--username <name>', description: 'of the login; needed where the tenant has several' },
    { flags: '--grace <seconds>', description: 'rotate: how long the login that is replaced still works' },
    { flags: '--connection-limit <count>', description: 'create: most connections at a time; 10 where it is left out' },
    { flags: '--yes', description: 'drop: do not ask' },
  ],
  examples: [
    { line: 'credentials create acme --username acme_reports', explains: 'a login for a reporting tool' },
    { line: 'credentials list acme', explains: 'which logins there are, and what state they are in' },
    { line: 'credentials rotate acme --grace 3600', explains: 'a new login; the old one works for another hour' },
    { line: 'credentials revoke acme --username acme_reports', explains: 'locked out, sessions ended' },
    { line: 'credentials drop acme --username acme_reports --yes', explains: 'the role is gone, in a script' },
  ],
  exits: { ...lifecycleExits, 3: 'no such tenant or login', 130: 'interrupted at the question; nothing was done' },
  environment: [
    ['DATABASE_PUBLIC_URL', 'where tenants reach the database, where that is not as DATABASE_ADMIN_URL says'],
  ],
  async run(run) {
    const name = run.input.argument(0) ?? ''
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined
    if (action === undefined) {
      throw new TenantryError('USAGE', 'There is no such action on credentials.', {
        fix: 'Use create, list, rotate, revoke or drop.',
      })
    }
    refuseForeignOptions(run, action.options)
    const ref = tenantOf(run)
    await withTarget(run, ({ credentials }) => action.act(run, credentials, ref))
    return undefined
  },
}

function refuseForeignOptions(run: CommandRun, mine: readonly string[]): void {
  const given = ['username', 'grace', 'connectionLimit'].filter((name) => run.input.text(name) !== undefined)
  if (run.input.flag('yes')) given.push('yes')
  const foreign = given.find((name) => !mine.includes(name))
  if (foreign === undefined) return
  const flag = foreign.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  throw new TenantryError('USAGE', `The option --${flag} does not belong to this action.`, {
    fix: 'Run `tenantry help credentials` to see how it is used.',
  })
}

function tenantOf({ input, io }: CommandRun): string {
  const ref = input.argument(1) ?? io.env['TENANTRY_TENANT']
  if (ref) return ref
  throw new TenantryError('USAGE', 'No tenant is named.', {
    fix: 'Name it by slug or id after the action, or set TENANTRY_TENANT.',
  })
}

function named(run: CommandRun): { readonly username?: string } {
  const username = run.input.text('username')
  return username === undefined ? {} : { username }
}

async function create(run: CommandRun, credentials: TargetCredentials, ref: string): Promise<void> {
  const connectionLimit = run.input.integer('connectionLimit', { least: 1, most: 10_000 })
  const input = { ...named(run), ...(connectionLimit === undefined ? {} : { connectionLimit }) }
  printOnce(run, await credentials.create(ref, input), 'Login created')
}

async function rotate(run: CommandRun, credentials: TargetCredentials, ref: string): Promise<void> {
  const graceSeconds = run.input.integer('grace', { least: 0, most: 365 * DAY })
  const input = { ...named(run), ...(graceSeconds === undefined ? {} : { graceSeconds }) }
  printOnce(run, await credentials.rotate(ref, input), 'Login replaced by')
}

function printOnce(run: CommandRun, credential: DirectCredential, done: string): void {
  printDone(run, credential, `${done}: ${plain(credential.username)}`)
  if (run.json) return
  const fields = [
    ['Password', credential.password],
    ['Schema', credential.schemaName],
    ['Connection', credential.connectionString],
  ] as const
  for (const line of fieldLines(fields)) run.output.line(line)
  run.output.note('The password is stored nowhere and is not shown again.')
}

async function list(run: CommandRun, credentials: TargetCredentials, ref: string): Promise<void> {
  const page = await credentials.list(ref)
  if (run.json) {
    run.output.json(page)
    return
  }
  const columns = [
    { title: 'USERNAME', width: 30 },
    { title: 'STATE', width: 10 },
    { title: 'CREATED', width: 24 },
  ]
  const rows = page.items.map((item) => [item.username, item.state, timeText(item.createdAt), endOf(item)])
  for (const line of tableLines([...columns, { title: 'END' }], rows)) run.output.line(line)
}

function endOf({ revokedAt, expiresAt }: CredentialInfo): string {
  const end = revokedAt ?? expiresAt
  return end === null ? '-' : timeText(end)
}

async function revoke(run: CommandRun, credentials: TargetCredentials, ref: string): Promise<void> {
  const info = await credentials.revoke(ref, named(run))
  printDone(run, info, `Login revoked: ${plain(info.username)}`)
}

async function drop(run: CommandRun, credentials: TargetCredentials, ref: string): Promise<void> {
  if (!run.input.flag('yes')) {
    const what = run.input.text('username') ?? `the login of ${ref}`
    const message = `Are you sure you want to drop ${plain(what)}? (yes/no)`
    await confirm(run.io, { message, expected: 'yes', option: '--yes' })
  }
  const info = await credentials.drop(ref, named(run))
  printDone(run, info, `Login dropped: ${plain(info.username)}; nothing of it is left`)
}
