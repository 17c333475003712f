// key: the keys of the HTTP API, those of a tenant and those of services.
import type { ApiKey, ListApiKeys, NewApiKey } from '../../../features/keys/api-key.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import { type CommandRun, type CommandSpec, durationOf } from '../command.ts'
import { withTarget } from '../open-target.ts'
import { fieldLines, tableLines } from '../output.ts'
import type { TargetKeys } from '../target.ts'
import { timeText } from '../tenant-view.ts'
import { plain } from '../text.ts'
import { lifecycleExits, printDone } from './lifecycle.ts'

/** A tenant by slug or id, or null for service keys. */
type Whose = string | null
type Action = (run: CommandRun, keys: TargetKeys, whose: Whose) => Promise<void>

const DAY_SECONDS = 24 * 60 * 60
const LONGEST_TTL_MS = 10 * 365 * DAY_SECONDS * 1_000

const actions: Readonly<Record<string, { readonly act: Action; readonly options: readonly string[] }>> = {
  create: { act: create, options: ['permissions', 'ttl'] },
  list: { act: list, options: ['search', 'limit', 'cursor'] },
  show: { act: show, options: [] },
  rotate: { act: rotate, options: ['grace'] },
  revoke: { act: revoke, options: [] },
}
const optionsOfActions = [...new Set(Object.values(actions).flatMap(({ options }) => options))]

export const keyCommand: CommandSpec = {
  name: 'key',
  group: 'Data:',
  summary: 'Make, list, show, rotate and revoke the keys of the HTTP API.',
  notes: [
    'Actions: create, list, show, rotate, revoke. create and rotate print the key, which nobody can show again.',
    'A key of a tenant is good for that tenant, a service key (--service) for all of them; both by their permissions.',
    'rotate makes a second key; the first one works on for a day, or for --grace seconds. revoke ends a key at once.',
  ],
  arguments: [
    ['<action>', 'create, list, show, rotate or revoke'],
    ['[name-or-id]', "the new key's name for create; the id of a key for show, rotate and revoke"],
  ],
  options: [
    { flags: '--tenant <ref>', description: 'slug or id; TENANTRY_TENANT where it is left out' },
    { flags: '--service', description: 'service keys instead of those of a tenant' },
    { flags: '--permissions <list>', description: 'create: what it may do, as members:read,keys:*' },
    {
      flags: '--ttl <time>',
      description: 'create: how long it works, as 12h or 90d; without end where it is left out',
    },
    { flags: '--grace <seconds>', description: 'rotate: how long the key that is replaced still works' },
    { flags: '--search <text>', description: 'list: part of name or prefix' },
    { flags: '--limit <n>', description: 'list: keys a page, 1 to 100, default 20' },
    { flags: '--cursor <cursor>', description: 'list: where the page before has ended' },
  ],
  examples: [
    { line: 'key create import --tenant acme --permissions members:write --ttl 90d', explains: 'for one tenant' },
    { line: 'key create gateway --service --permissions "tenants:read,members:read"', explains: 'for all tenants' },
    { line: 'key list --tenant acme', explains: 'which keys there are, and when they were last used' },
    { line: 'key rotate 0191f2ab-0000-7000-8000-00000000000a --tenant acme --grace 3600', explains: 'a new one' },
    { line: 'key revoke 0191f2ab-0000-7000-8000-00000000000a --service', explains: 'refused from now on' },
  ],
  exits: { ...lifecycleExits, 3: 'no such tenant or key' },
  async run(run) {
    const name = run.input.argument(0) ?? ''
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined
    if (action === undefined) {
      throw usage('There is no such action on keys.', 'Use create, list, show, rotate or revoke.')
    }
    refuseForeignOptions(run, action.options)
    const whose = whoseKeys(run)
    await withTarget(run, ({ keys }) => action.act(run, keys, whose))
    return undefined
  },
}

function usage(message: string, fix: string): TenantryError {
  return new TenantryError('USAGE', message, { fix })
}

function refuseForeignOptions(run: CommandRun, mine: readonly string[]): void {
  const foreign = optionsOfActions.find((name) => run.input.text(name) !== undefined && !mine.includes(name))
  if (foreign === undefined) return
  throw usage(
    `The option --${foreign} does not belong to this action.`,
    'Run `tenantry help key` to see how it is used.',
  )
}

/** Whose keys are meant is always said: a key for all tenants is never made for want of a word. */
function whoseKeys({ input, io }: CommandRun): Whose {
  const named = input.text('tenant')
  if (input.flag('service')) {
    if (named === undefined) return null
    throw usage('A service key belongs to no tenant.', 'Leave out --service or --tenant.')
  }
  const ref = named ?? io.env['TENANTRY_TENANT']
  if (ref) return ref
  throw usage('No tenant is named.', 'Name it with --tenant or TENANTRY_TENANT, or say --service.')
}

function required(run: CommandRun, what: string): string {
  const given = run.input.argument(1)
  if (given) return given
  throw usage(`No ${what} is given.`, `Give the ${what} after the action.`)
}

async function create(run: CommandRun, keys: TargetKeys, whose: Whose): Promise<void> {
  const name = required(run, 'name')
  const listed = run.input.text('permissions')
  if (listed === undefined) throw usage('No permissions are given.', 'Give them with --permissions, as members:read.')
  const permissions = listed.split(',').map((each) => each.trim())
  const ttlMs = durationOf('ttl', run.input.text('ttl'), LONGEST_TTL_MS)
  const ttl = ttlMs === undefined ? {} : { ttlSeconds: ttlMs / 1_000 }
  printOnce(run, await keys.create(whose, { name, permissions, ...ttl }), 'Key created')
}

async function rotate(run: CommandRun, keys: TargetKeys, whose: Whose): Promise<void> {
  const id = required(run, 'id')
  const graceSeconds = run.input.integer('grace', { least: 0, most: 365 * DAY_SECONDS })
  printOnce(run, await keys.rotate(whose, id, graceSeconds === undefined ? {} : { graceSeconds }), 'Key replaced by')
}

function printOnce(run: CommandRun, made: NewApiKey, done: string): void {
  printDone(run, made, `${done}: ${plain(made.name)}`)
  if (run.json) return
  for (const line of fieldLines([['Key', made.key], ...factsOf(made)])) run.output.line(line)
  run.output.note('The key is stored nowhere and is not shown again.')
}

async function list(run: CommandRun, keys: TargetKeys, whose: Whose): Promise<void> {
  const page = await keys.list(whose, listQuery(run))
  if (run.json) {
    run.output.json(page)
    return
  }
  const columns = [
    { title: 'ID', width: 36 },
    { title: 'NAME', width: 20, cut: 30 },
    { title: 'PREFIX', width: 13 },
    { title: 'PERMISSIONS', cut: 40 },
    { title: 'LAST USED', width: 23 },
    { title: 'STATE' },
  ]
  const rows = page.items.map((key) => [
    ...[key.id, key.name, key.prefix, key.permissions.join(',')],
    ...[key.lastUsedAt === null ? '-' : timeText(key.lastUsedAt), stateOf(key)],
  ])
  for (const line of tableLines(columns, rows)) run.output.line(line)
  if (page.nextCursor === null) return
  run.output.line(`${page.items.length} of ${page.total}. Next page: add --cursor ${plain(page.nextCursor)}.`)
}

function listQuery({ input }: CommandRun): ListApiKeys {
  const [search, cursor] = [input.text('search'), input.text('cursor')]
  const limit = input.integer('limit', { least: 1, most: 100 })
  return {
    ...(search !== undefined && { search }),
    ...(cursor !== undefined && { cursor }),
    ...(limit !== undefined && { limit }),
  }
}

async function show(run: CommandRun, keys: TargetKeys, whose: Whose): Promise<void> {
  const key = await keys.get(whose, required(run, 'id'))
  if (run.json) run.output.json(key)
  else for (const line of fieldLines([['Name', key.name], ...factsOf(key)])) run.output.line(line)
}

async function revoke(run: CommandRun, keys: TargetKeys, whose: Whose): Promise<void> {
  const key = await keys.revoke(whose, required(run, 'id'))
  printDone(run, key, `Key revoked: ${plain(key.name)}`)
}

function factsOf(key: ApiKey): readonly (readonly [label: string, value: string])[] {
  return [
    ['Id', key.id],
    ['Tenant', key.tenantId ?? 'all of them'],
    ['Permissions', key.permissions.join(', ')],
    ['Created', `${timeText(key.createdAt)} by ${key.createdBy}`],
    ['Last used', key.lastUsedAt === null ? 'never' : timeText(key.lastUsedAt)],
    ['State', stateOf(key)],
  ]
}

function stateOf({ revokedAt, expiresAt, replacedBy }: ApiKey): string {
  if (revokedAt !== null) return `revoked ${timeText(revokedAt)}`
  const replaced = replacedBy === null ? '' : 'replaced, '
  if (expiresAt === null) return 'works'
  const isOver = Date.parse(expiresAt) <= Date.now()
  return `${replaced}${isOver ? 'expired' : 'works until'} ${timeText(expiresAt)}`
}
