// invitation: asks people by e-mail to join a tenant. A token is printed once, for the link that is sent.
import { type Invitation, invitationStates, type NewInvitation } from '../../../features/invitations/invitation.ts'
import { type Actions, actionOf, noteNextPage, pageQueryOf, tenantAfterAction, usage, wordOf } from '../actions.ts'
import { type CommandRun, type CommandSpec, durationOf } from '../command.ts'
import { withTarget } from '../open-target.ts'
import { fieldLines, tableLines } from '../output.ts'
import type { TargetInvitations } from '../people-target.ts'
import { timeText } from '../tenant-view.ts'
import { plain } from '../text.ts'
import { printDone } from './lifecycle.ts'

const LONGEST_TTL_MS = 90 * 24 * 60 * 60 * 1_000
const LONGEST_TOKEN_BYTES = 1_024

const actions: Actions<TargetInvitations> = {
  list: { act: list, words: 1, options: ['state', 'search', 'limit', 'cursor'] },
  show: { act: show, words: 2 },
  create: { act: create, words: 3, options: ['ttl', 'metadata'] },
  resend: { act: resend, words: 2 },
  revoke: { act: revoke, words: 2 },
  accept: { act: accept, words: 1, options: ['user', 'email', 'verified'] },
}

export const invitationCommand: CommandSpec = {
  name: 'invitation',
  group: 'Tenants:',
  summary: 'Invite people by e-mail; list, resend, revoke and accept invitations.',
  notes: [
    'Actions: list, show, create, resend, revoke, accept. create and resend print the token of the link to send, which',
    'nobody can show again; Tenantry sends no mail. accept is for whoever has verified that the user has the address,',
    'and says so with --verified; its token is read from standard input where it is left out.',
  ],
  arguments: [
    ['<action>', 'list, show, create, resend, revoke or accept'],
    ['[tenant]', 'slug or id; for list TENANTRY_TENANT where it is left out; for accept the token'],
    ['[which]', 'create: the e-mail address; show, resend, revoke: the id of the invitation'],
    ['[role]', 'create: member where it is left out'],
  ],
  options: [
    {
      flags: '--ttl <time>',
      description: 'create: how long it can be accepted, as 12h or 7d; at most 90d, default 7d',
    },
    { flags: '--metadata <json>', description: 'create: what else to keep, a JSON object' },
    { flags: '--user <user>', description: 'accept: the application’s id of the user' },
    { flags: '--email <address>', description: 'accept: the address of the user' },
    { flags: '--verified', description: 'accept: the user has shown that the address is theirs' },
    { flags: '--state <state>', description: 'list: only those in this state', choices: invitationStates },
    { flags: '--search <text>', description: 'list: part of the e-mail address' },
    { flags: '--limit <n>', description: 'list: how many a page, 1 to 100, default 20' },
    { flags: '--cursor <cursor>', description: 'list: where the page before has ended' },
  ],
  examples: [
    { line: 'invitation create acme ada@example.com admin --ttl 3d', explains: 'a token for the link' },
    { line: 'invitation list acme --state pending', explains: 'who has not answered' },
    { line: 'invitation resend acme 0191f2ab-0000-7000-8000-00000000000a', explains: 'a new token, the old one void' },
    { line: 'invitation accept --user user-1 --email ada@example.com --verified < token', explains: 'and in' },
  ],
  exits: {
    3: 'no such tenant, role or invitation',
    4: 'the invitation is used, void, expired or for another address',
    5: 'no target',
  },
  async run(run) {
    const action = actionOf(run, 'invitation', actions)
    await withTarget(run, ({ invitations }) => action.act(run, invitations))
    return undefined
  },
}

const tenantOf = (run: CommandRun) => wordOf(run, 1, 'tenant')
const idOf = (run: CommandRun) => wordOf(run, 2, 'id')

async function list(run: CommandRun, invitations: TargetInvitations): Promise<void> {
  const state = invitationStates.find((each) => each === run.input.text('state'))
  const query = { ...pageQueryOf(run), ...(state !== undefined && { state }) }
  const page = await invitations.list(tenantAfterAction(run), query)
  if (run.json) return run.output.json(page)
  const columns = [
    { title: 'ID', width: 36 },
    { title: 'EMAIL', width: 28, cut: 40 },
    { title: 'ROLE', width: 12 },
    { title: 'EXPIRES', width: 23 },
    { title: 'STATE' },
  ]
  const rowOf = ({ id, email, role, expiresAt, state: now }: Invitation) => [id, email, role, timeText(expiresAt), now]
  for (const line of tableLines(columns, page.items.map(rowOf))) run.output.line(line)
  noteNextPage(run, page)
}

async function show(run: CommandRun, invitations: TargetInvitations): Promise<void> {
  const invitation = await invitations.get(tenantOf(run), idOf(run))
  if (run.json) run.output.json(invitation)
  else for (const line of fieldLines([['E-mail', invitation.email], ...factsOf(invitation)])) run.output.line(line)
}

async function create(run: CommandRun, invitations: TargetInvitations): Promise<void> {
  const email = wordOf(run, 2, 'e-mail address')
  const [role, metadata] = [run.input.argument(3), run.input.jsonObject('metadata')]
  const ttlMs = durationOf('ttl', run.input.text('ttl'), LONGEST_TTL_MS)
  const input = {
    email,
    ...(role !== undefined && { role }),
    ...(ttlMs !== undefined && { ttlSeconds: ttlMs / 1_000 }),
    ...(metadata !== undefined && { metadata }),
  }
  printOnce(run, await invitations.create(tenantOf(run), input), 'Invitation made')
}

async function resend(run: CommandRun, invitations: TargetInvitations): Promise<void> {
  printOnce(run, await invitations.resend(tenantOf(run), idOf(run)), 'Invitation made again; the old token is void')
}

function printOnce(run: CommandRun, made: NewInvitation, done: string): void {
  printDone(run, made, `${done}: ${plain(made.email)}`)
  if (run.json) return
  for (const line of fieldLines([['Token', made.token], ...factsOf(made)])) run.output.line(line)
  run.output.note('The token is stored nowhere and is not shown again.')
}

async function revoke(run: CommandRun, invitations: TargetInvitations): Promise<void> {
  const invitation = await invitations.revoke(tenantOf(run), idOf(run))
  printDone(run, invitation, `Invitation revoked: ${plain(invitation.email)}`)
}

async function accept(run: CommandRun, invitations: TargetInvitations): Promise<void> {
  const [userId, email] = [run.input.text('user'), run.input.text('email')]
  if (userId === undefined || email === undefined) {
    throw usage('Nobody is named who accepts.', 'Name them with --user and --email.')
  }
  if (!run.input.flag('verified')) {
    throw usage('An invitation is for whoever has shown that the address is theirs.', 'Say so with --verified.')
  }
  const token = run.input.argument(1) ?? (await pipedToken(run))
  const accepted = await invitations.accept(token, { userId, email, emailVerified: true })
  printDone(run, accepted, `Invitation accepted: ${plain(accepted.userId)} (${plain(accepted.role)})`)
}

async function pipedToken({ io }: CommandRun): Promise<string> {
  let text = ''
  if (!io.isTTY.stdin)
    for await (const chunk of io.stdin) text = `${text}${String(chunk)}`.slice(0, LONGEST_TOKEN_BYTES)
  const token = text.trim()
  if (token !== '') return token
  throw usage('No token is given.', 'Give it after the action, or pipe it in.')
}

function factsOf(invitation: Invitation): readonly (readonly [label: string, value: string])[] {
  const { id, role, state, expiresAt, invitedBy, createdAt, acceptedAt, acceptedBy } = invitation
  const facts = [
    ['Id', id],
    ['Role', role],
    ['State', state],
    ['Made', `${timeText(createdAt)}${invitedBy === null ? '' : ` by ${invitedBy}`}`],
    ['Expires', timeText(expiresAt)],
  ] as const
  return acceptedAt === null ? facts : [...facts, ['Accepted', `${timeText(acceptedAt)} by ${acceptedBy ?? '-'}`]]
}
