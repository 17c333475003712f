// Members, roles and invitations on the command line, on the database itself and over HTTP; and the routes below them as users see them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Invitation, NewInvitation } from '../../src/features/invitations/invitation.ts'
import { packageComposition } from '../../src/surfaces/cli/composition.ts'
import { InvitationPageSchema, NewInvitationSchema } from '../../src/surfaces/http/contract/invitations.ts'
import {
  MemberPageSchema,
  MemberSchema,
  RolePageSchema,
  RoleSchema,
  UserTenantPageSchema,
} from '../../src/surfaces/http/contract/members.ts'
import type { HttpServer } from '../../src/surfaces/http/server.ts'
import { type CliResult, runCli } from '../support/cli.ts'
import { type NoteTenants, openNoteTenants } from '../support/note-tenants.ts'

const ADMIN = 'key-of-this-test-run'

let stage: NoteTenants
let server: HttpServer

beforeAll(async () => {
  stage = await openNoteTenants()
  // A token is the id of its user, who has the address of that name.
  const verify = async (token: string) => {
    const userId = token.split('.')[1] ?? ''
    return { userId, email: `${userId}@example.com`, emailVerified: !userId.startsWith('unverified') }
  }
  server = await packageComposition.serve(stage.tenantry, { port: 0, ephemeralKeys: [ADMIN], users: { verify } })
})

afterAll(async () => {
  await server.drain()
  await stage.close()
})

function failureOf({ code, stdout }: CliResult): readonly [exit: number, code: string] {
  return [code, (JSON.parse(stdout) as { code: string }).code]
}

describe.each(['directly', 'over HTTP'] as const)('on the command line, %s', (way) => {
  const tag = way === 'directly' ? 'd' : 'h'
  const tenant = `people-${tag}`

  const cli = (line: string, stdin = '') => {
    const env = { TENANTRY_URL: server.url, TENANTRY_KEY: ADMIN }
    const direct = { DATABASE_ADMIN_URL: stage.database.adminUrl }
    return runCli(line.split(' '), { env: way === 'directly' ? direct : env, stdin })
  }
  const json = async (line: string, stdin = ''): Promise<unknown> => {
    const { stdout, stderr } = await cli(`${line} --json`, stdin)
    expect(stderr).toBe('')
    return JSON.parse(stdout)
  }
  const done = async (line: string): Promise<string> => {
    const { code, stdout, stderr } = await cli(line)
    expect([line, code, stderr]).toEqual([line, 0, ''])
    return stdout
  }
  const refused = async (line: string) => failureOf(await cli(`${line} --json`))

  beforeAll(async () => {
    await stage.tenantry.tenants.create({ name: tenant, slug: tenant })
  })

  it('members are added, listed, shown, given roles, suspended, activated and removed', async () => {
    expect(await done(`member bootstrap ${tenant} olga --email olga@example.com`)).toContain('First owner: olga (owner')
    expect(await done(`member add ${tenant} user-1 admin --email a@b.c --metadata {"a":1}`)).toContain('Member added')
    expect(await done(`member add ${tenant} user-2`)).toContain('user-2 (member, active)')
    const shown = MemberSchema.strict().parse(await json(`member show ${tenant} user-1`))
    expect(shown).toMatchObject({ role: 'admin', state: 'active', email: 'a@b.c', metadata: { a: 1 } })
    expect(await done(`member show ${tenant} user-1`)).toMatch(/E-mail: +a@b\.c/)
    const listed = await done(`member list ${tenant}`)
    expect(listed).toMatch(/^USER_ID +ROLE +JOINED_AT +STATE\n/)
    expect(listed).toMatch(/user-1 +admin +\d{4}-\d\d-\d\d [\d:]+ UTC +active/)
    expect(await done(`member role ${tenant} user-1 guest`)).toContain('Role changed: user-1 (guest, active)')
    expect(await done(`member suspend ${tenant} user-1`)).toContain('suspended)')
    expect(await done(`member activate ${tenant} user-1`)).toContain('active)')
    expect(await done(`member remove ${tenant} user-1 --yes`)).toContain('Member removed: user-1 (guest, revoked)')
    expect(await refused(`member suspend ${tenant} user-1`)).toEqual([4, 'MEMBER_STATE_CONFLICT'])
  })

  it('a member is invited and joins; the ownership moves; what a user may enter is listed', async () => {
    expect(await done(`member invite ${tenant} user-3 admin`)).toContain('Member invited: user-3 (admin, invited)')
    expect(UserTenantPageSchema.parse(await json('member tenants user-3')).items).toEqual([])
    expect(await done(`member accept ${tenant} user-3`)).toContain('Member joined: user-3 (admin, active)')
    expect(await done(`member transfer ${tenant} user-3 --from olga`)).toContain('user-3 (owner, active)')
    expect(await json(`member show ${tenant} olga`)).toMatchObject({ role: 'admin' })
    expect(await refused(`member bootstrap ${tenant} eve`)).toEqual([4, 'OWNER_EXISTS'])
    expect(await refused(`member remove ${tenant} user-3 --yes`)).toEqual([4, 'LAST_OWNER'])
    const mine = UserTenantPageSchema.strict().parse(await json('member tenants user-3'))
    expect(mine.items).toMatchObject([{ slug: tenant, role: 'owner', source: 'member' }])
    expect(await done('member tenants user-3')).toMatch(new RegExp(`^TENANT.*\\n.*\\n${tenant} `))
    await done(`member remove ${tenant} olga --yes`)
    // The other target has a user-3 of its own.
    await done(`member add ${tenant} next owner`)
    await done(`member remove ${tenant} user-3 --yes`)
  })

  it('members are filtered, searched and listed page by page', async () => {
    for (const n of [1, 2, 3]) await done(`member add ${tenant} page-${n} guest`)
    const first = MemberPageSchema.strict().parse(await json(`member list ${tenant} --search PAGE- --limit 2`))
    expect([first.total, first.items.map(({ userId }) => userId)]).toEqual([3, ['page-1', 'page-2']])
    const rest = `member list ${tenant} --search PAGE- --cursor ${first.nextCursor ?? ''}`
    expect(await json(rest)).toMatchObject({ items: [{ userId: 'page-3' }], nextCursor: null })
    const ask = await done(`member list ${tenant} --role guest --state active --limit 1`)
    expect(ask).toContain('Next page: add --cursor')
    expect(await json(`member list ${tenant} --state suspended`)).toMatchObject({ items: [], total: 0 })
  })

  it('a removal is asked for first', async () => {
    expect(await refused(`member remove ${tenant} page-1`)).toEqual([2, 'CONFIRMATION_REQUIRED'])
    expect(await json(`member show ${tenant} page-1`)).toMatchObject({ state: 'active' })
  })

  it('roles are made, listed, changed and deleted', async () => {
    const made = await json(`role create ${tenant} auditor --rank 30 --permission members:read audit:read`)
    expect(RoleSchema.strict().parse(made)).toMatchObject({ rank: 30, permissions: ['members:read', 'audit:read'] })
    expect(await refused(`role create ${tenant} auditor`)).toEqual([4, 'ROLE_EXISTS'])
    expect(await done(`role update ${tenant} auditor --rank 35 --description books`)).toContain('auditor (rank 35)')
    const without = await json(`role update ${tenant} auditor --no-description --permission members:read`)
    expect(without).toMatchObject({ description: null, permissions: ['members:read'], rank: 35 })
    const { items, total } = RolePageSchema.strict().parse(await json(`role list ${tenant}`))
    expect(items.map(({ name }) => name)).toEqual(expect.arrayContaining(['owner', 'admin', 'auditor']))
    expect(total).toBe(items.length)
    expect(await done(`role list ${tenant}`)).toMatch(/auditor +35 +no +members:read/)
    await done(`member role ${tenant} page-1 auditor`)
    expect(await refused(`role delete ${tenant} auditor`)).toEqual([4, 'ROLE_IN_USE'])
    await done(`member role ${tenant} page-1 guest`)
    expect(await done(`role delete ${tenant} auditor`)).toContain('Role deleted: auditor')
    expect(await refused(`role delete ${tenant} auditor`)).toEqual([3, 'ROLE_NOT_FOUND'])
  })

  it('invitations are made, shown once with their token, resent, accepted once, and revoked', async () => {
    const first = await cli(`invitation create ${tenant} ada@example.com admin --ttl 3d`)
    const { items } = InvitationPageSchema.strict().parse(await json(`invitation list ${tenant} --state pending`))
    const id = items[0]?.id ?? ''
    const token = /Token: +(\S{43})\n/.exec(first.stdout)?.[1] ?? ''
    expect([first.stderr.includes('not shown again'), token.length]).toEqual([true, 43])
    const again = NewInvitationSchema.strict().parse(await json(`invitation resend ${tenant} ${id}`))
    const as = `--user ada-${tag} --email ada@example.com --verified`
    expect(await refused(`invitation accept ${token} ${as}`)).toEqual([3, 'INVITATION_NOT_FOUND'])
    const other = `--user eve --email eve@example.com --verified`
    expect(await refused(`invitation accept ${again.token} ${other}`)).toEqual([4, 'INVITATION_EMAIL_MISMATCH'])
    const accepted = await json(`invitation accept ${as}`, `${again.token}\n`)
    expect(accepted).toMatchObject({ userId: `ada-${tag}`, role: 'admin', invitation: { id, state: 'accepted' } })
    expect(await refused(`invitation revoke ${tenant} ${id}`)).toEqual([4, 'INVITATION_USED'])
    expect(await done(`invitation show ${tenant} ${id}`)).toMatch(/Accepted: .* by ada-/)
    const second = (await json(`invitation create ${tenant} bob@example.com`)) as NewInvitation
    expect(await done(`invitation revoke ${tenant} ${second.id}`)).toContain('Invitation revoked: bob@example.com')
    const shown = (await json(`invitation show ${tenant} ${second.id}`)) as Invitation
    expect([shown.state, 'token' in shown]).toEqual(['revoked', false])
    expect(await done(`invitation list ${tenant} --search BOB`)).toMatch(/bob@example\.com +member .* revoked/)
    const late = `${second.token} --user bob --email bob@example.com --verified`
    expect(await refused(`invitation accept ${late}`)).toEqual([4, 'INVITATION_REVOKED'])
  })
})

it.each([
  ['member', 2, 'USAGE'],
  ['member hire acme user-1', 2, 'USAGE'],
  ['member toString acme', 2, 'USAGE'],
  ['member list', 2, 'USAGE'],
  ['member list acme user-1', 2, 'USAGE'],
  ['member add acme', 2, 'USAGE'],
  ['member role acme user-1', 2, 'USAGE'],
  ['member show acme user-1 --yes', 2, 'USAGE'],
  ['member add acme user-1 admin guest', 2, 'USAGE'],
  ['member add acme user-1 --metadata 7', 2, 'INVALID_JSON'],
  ['member list acme --limit 0', 2, 'INVALID_INPUT'],
  ['member list acme --state gone', 2, 'USAGE'],
  ['member list acme --cursor nonsense', 2, 'INVALID_INPUT'],
  ['member list nowhere', 3, 'TENANT_NOT_FOUND'],
  ['member show acme nobody', 3, 'MEMBER_NOT_FOUND'],
  ['member add acme user-9 emperor', 3, 'ROLE_NOT_FOUND'],
  ['role update acme auditor', 2, 'USAGE'],
  ['role create acme auditor --no-description', 2, 'USAGE'],
  ['role create acme auditor --rank 100', 2, 'INVALID_INPUT'],
  ['role list acme --rank 3', 2, 'USAGE'],
  ['invitation create acme', 2, 'USAGE'],
  ['invitation create acme a@b.c --ttl soon', 2, 'INVALID_INPUT'],
  ['invitation create acme a@b.c --verified', 2, 'USAGE'],
  ['invitation show acme nonsense', 3, 'INVITATION_NOT_FOUND'],
  ['invitation accept token --user u', 2, 'USAGE'],
  ['invitation accept token --user u --email a@b.c', 2, 'USAGE'],
  ['invitation accept --user u --email a@b.c --verified', 2, 'USAGE'],
])('%s: exit %i, %s', async (line, exit, code) => {
  const env = { TENANTRY_URL: server.url, TENANTRY_KEY: ADMIN }
  expect(failureOf(await runCli([...line.split(' '), '--json'], { env }))).toEqual([exit, code])
})

it('every change of the command line is under its name in the audit log', async () => {
  const { rows } = await stage.tenantry.asCentral('who was it', (central) =>
    central.query(
      `select distinct t.slug, a.actor from tenantry.audit_entry a join tenantry.tenant t on t.id = a.tenant_id
        where t.slug like 'people-%' and a.action ~ '^(member|role|invitation)' order by t.slug`,
    ),
  )
  expect(rows).toEqual(['people-d', 'people-h'].map((slug) => ({ slug, actor: 'cli' })))
})

describe('over HTTP', () => {
  const tokenOf = (userId: string) => `x.${userId}.x`
  const path = '/api/tenants/acme'
  let olga: string

  async function call(key: string, line: string, body?: object) {
    const [method = '', route = ''] = line.split(' ')
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const response = await fetch(`${server.url}${route}`, { method, headers, ...sent })
    const answer = (await response.json()) as Record<string, unknown>
    return { status: response.status, code: answer['code'], cache: response.headers.get('cache-control'), answer }
  }

  const invite = async (email: string, role = 'member') => {
    const made = await call(ADMIN, `POST ${path}/invitations`, { email, role })
    expect([made.status, made.cache]).toEqual([201, 'no-store'])
    return NewInvitationSchema.strict().parse(made.answer)
  }

  beforeAll(async () => {
    olga = tokenOf('olga')
    const first = await call(ADMIN, `POST ${path}/bootstrap-owner`, { userId: 'olga' })
    expect(first).toMatchObject({ status: 201, answer: { userId: 'olga', role: 'owner', tenantId: stage.ids.acme } })
  })

  it('a member is added, read, kept out and let in, and refused where their state is another', async () => {
    const added = await call(olga, `POST ${path}/members`, { userId: 'mia', email: 'Mia@Example.com' })
    expect(added).toMatchObject({ status: 201, answer: { role: 'member', state: 'active', email: 'mia@example.com' } })
    const read = await call(olga, `GET ${path}/members/mia`)
    expect(MemberSchema.strict().parse(read.answer)).toEqual(added.answer)
    const other = await call(olga, `POST ${path}/members`, { userId: 'mia', role: 'admin' })
    expect(other).toMatchObject({ status: 409, code: 'MEMBER_EXISTS' })
    expect(await call(olga, `POST ${path}/members/mia/suspend`)).toMatchObject({ answer: { state: 'suspended' } })
    expect(await call(olga, `POST ${path}/members/mia/accept`)).toMatchObject({ status: 403, code: 'FORBIDDEN' })
    expect(await call(olga, `POST ${path}/members/mia/activate`)).toMatchObject({ answer: { state: 'active' } })
    expect(await call(olga, `GET ${path}/members/nobody`)).toMatchObject({ status: 404, code: 'MEMBER_NOT_FOUND' })
    expect(await call(olga, `DELETE ${path}/members/olga`)).toMatchObject({ status: 409, code: 'LAST_OWNER' })
    expect(await call(olga, 'GET /api/tenants/globex/members')).toMatchObject({ status: 404, code: 'TENANT_NOT_FOUND' })
  })

  it('a user asked to join does so for themselves; nobody else learns that the tenant exists', async () => {
    await call(olga, `POST ${path}/members`, { userId: 'ivy', state: 'invited' })
    const stranger = await call(tokenOf('eve'), `POST ${path}/members/eve/accept`)
    expect(stranger).toMatchObject({ status: 404, code: 'TENANT_NOT_FOUND' })
    const joined = await call(tokenOf('ivy'), `POST ${path}/members/ivy/accept`)
    expect(joined).toMatchObject({ status: 200, answer: { state: 'active' } })
    const mine = await call(tokenOf('ivy'), 'GET /api/users/ivy/tenants')
    expect(UserTenantPageSchema.strict().parse(mine.answer).items).toMatchObject([{ slug: 'acme', source: 'member' }])
    expect(await call(tokenOf('ivy'), 'GET /api/users/olga/tenants')).toMatchObject({ status: 403 })
  })

  it('members are searched and paged; a cursor of nothing is refused', async () => {
    for (const n of [1, 2, 3]) await call(ADMIN, `POST ${path}/members`, { userId: `list-${n}` })
    const first = await call(olga, `GET ${path}/members?search=LIST-&limit=2`)
    const page = MemberPageSchema.strict().parse(first.answer)
    expect([page.total, page.items.map(({ userId }) => userId)]).toEqual([3, ['list-1', 'list-2']])
    const next = `GET ${path}/members?search=LIST-&limit=2&cursor=${page.nextCursor ?? ''}`
    expect((await call(olga, next)).answer).toMatchObject({ items: [{ userId: 'list-3' }], nextCursor: null })
    expect(await call(olga, `GET ${path}/members?cursor=nonsense`)).toMatchObject({ status: 400 })
    expect(await call(olga, `GET ${path}/members?order=name`)).toMatchObject({ status: 400, code: 'UNKNOWN_FIELD' })
  })

  it('nobody passes on a role or permissions beyond their own', async () => {
    await call(ADMIN, `POST ${path}/members`, { userId: 'adam', role: 'admin' })
    const owner = await call(tokenOf('adam'), `POST ${path}/members`, { userId: 'x', role: 'owner' })
    expect(owner).toMatchObject({ status: 403, code: 'RANK_TOO_LOW' })
    const wide = await call(tokenOf('adam'), `POST ${path}/roles`, { name: 'wide', rank: 99, permissions: ['*'] })
    expect(wide).toMatchObject({ status: 403, code: 'RANK_TOO_LOW' })
    expect(await call(ADMIN, `POST ${path}/bootstrap-owner`, { userId: 'x' })).toMatchObject({ code: 'OWNER_EXISTS' })
    expect(await call(olga, `POST ${path}/bootstrap-owner`, { userId: 'olga' })).toMatchObject({ status: 403 })
  })

  it('a user accepts an invitation as their token says, once, and never for another', async () => {
    const { token, id } = await invite('guest@example.com', 'guest')
    const accept = (as: string, body: object = {}) => call(as, 'POST /api/invitations/accept', { token, ...body })
    expect(await accept(tokenOf('eve'))).toMatchObject({ status: 403, code: 'INVITATION_EMAIL_MISMATCH' })
    const lie = await accept(tokenOf('eve'), { email: 'guest@example.com', emailVerified: true })
    expect(lie).toMatchObject({ status: 400, code: 'INVALID_INPUT' })
    const accepted = await accept(tokenOf('guest'))
    expect(accepted).toMatchObject({ status: 200, answer: { userId: 'guest', role: 'guest', invitation: { id } } })
    expect(await accept(tokenOf('guest2'))).toMatchObject({ status: 403 })
    expect((await call(olga, `GET ${path}/members/guest`)).answer).toMatchObject({ role: 'guest', state: 'active' })
  })

  it('an address that is not verified accepts nothing', async () => {
    const { token } = await invite('unverified@example.com')
    const answer = await call(tokenOf('unverified'), 'POST /api/invitations/accept', { token })
    expect(answer).toMatchObject({ status: 403, code: 'INVITATION_EMAIL_MISMATCH' })
  })

  it('a trusted backend accepts for the user it vouches for, and has to name them', async () => {
    const { token } = await invite('ben@example.com')
    const accept = (body: object) => call(ADMIN, 'POST /api/invitations/accept', { token, ...body })
    expect(await accept({})).toMatchObject({ status: 400, answer: { field: 'userId' } })
    const named = { userId: 'ben', email: 'ben@example.com' }
    expect(await accept(named)).toMatchObject({ status: 403, code: 'INVITATION_EMAIL_MISMATCH' })
    expect(await accept({ ...named, emailVerified: true })).toMatchObject({ status: 200, answer: { userId: 'ben' } })
    const again = await accept({ userId: 'bob', email: 'ben@example.com', emailVerified: true })
    expect(again).toMatchObject({ status: 409, code: 'INVITATION_USED' })
  })
})
