// Organizations and teams on the command line, against the database and against a server; and their HTTP routes over
// the same instance.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packageComposition } from '../../src/surfaces/cli/composition.ts'
import { ProblemSchema } from '../../src/surfaces/http/contract.ts'
import {
  OrganizationMemberPageSchema,
  OrganizationMemberSchema,
  OrganizationPageSchema,
  OrganizationSchema,
  OrganizationTenantPageSchema,
  OrganizationTenantSchema,
  OrganizationUserPageSchema,
  TeamMemberPageSchema,
  TeamMemberSchema,
  TeamPageSchema,
  TeamRolePageSchema,
  TeamSchema,
} from '../../src/surfaces/http/contract/organizations.ts'
import type { HttpServer } from '../../src/surfaces/http/server.ts'
import { runCli } from '../support/cli.ts'
import { type NoteTenants, openNoteTenants } from '../support/note-tenants.ts'

const ADMIN = 'key-of-this-test-run'

let stage: NoteTenants
let server: HttpServer

beforeAll(async () => {
  stage = await openNoteTenants()
  server = await packageComposition.serve(stage.tenantry, { port: 0, ephemeralKeys: [ADMIN] })
})

afterAll(async () => {
  await server.drain()
  await stage.close()
})

const shellWords = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => double ?? single ?? bare ?? '')

describe.each([
  ['the database', 'direct'],
  ['a server', 'served'],
] as const)('on the command line, over %s', (_way, name) => {
  const group = `${name}-group`
  const env = (): Record<string, string> =>
    name === 'served'
      ? { TENANTRY_URL: server.url, TENANTRY_KEY: ADMIN }
      : { DATABASE_ADMIN_URL: stage.database.adminUrl }
  const cli = (line: string) => runCli(shellWords(line), { env: env() })
  const told = async (line: string) => {
    const { code, stdout, stderr } = await cli(line)
    expect([code, stderr], line).toEqual([0, ''])
    return stdout
  }
  const json = async (line: string): Promise<unknown> => JSON.parse(await told(`${line} --json`))

  test('an organization is made, shown, changed and listed, page by page', async () => {
    expect(await told(`org create "The ${name} group" --slug ${group} --owner olga`)).toBe(
      `✓ Organization created: ${group}\n`,
    )
    const other = OrganizationSchema.parse(await json(`org create "Other ${name}" --metadata '{"a":1}'`))
    expect(other).toMatchObject({ slug: `other-${name}`, metadata: { a: 1 } })
    expect(await told(`org show ${group}`)).toMatch(new RegExp(`Name: +The ${name} group\\n +Slug: +${group}\\n`))
    const changed = await json(`org update ${group} --name "Group of ${name}"`)
    expect(OrganizationSchema.parse(changed)).toMatchObject({ slug: group, name: `Group of ${name}` })
    const first = OrganizationPageSchema.parse(await json(`org list --search ${name.toUpperCase()} --limit 1`))
    expect(first).toMatchObject({ total: 2, items: [{ slug: `other-${name}` }] })
    const told2 = await told(`org list --search ${name} --limit 1 --cursor ${first.nextCursor ?? ''}`)
    expect(told2).toMatch(new RegExp(`^SLUG +NAME +ID +CREATED\\n─+\\n${group} +Group of ${name} +\\S{36} [^\\n]*\\n$`))
    expect(await told('org list --user olga')).toContain(group)
    expect(await told(`org list --search ${name} --limit 1`)).toContain(`1 of 2. Next page: add --cursor `)
    expect(await told(`org delete other-${name} --yes`)).toBe(`✓ Organization deleted: other-${name}\n`)
  })

  test('it gets members and tenants, and lists all users across them', async () => {
    const member = await json(`org set-member ${group} ada --role admin --email ada@example.com`)
    expect(OrganizationMemberSchema.parse(member)).toMatchObject({ userId: 'ada', role: 'admin' })
    expect(await told(`org set-member ${group} max`)).toBe(`✓ Member of ${group}: max (member)\n`)
    expect(await told(`org add-tenant ${group} acme --member-role guest`)).toBe(
      `✓ Tenant of ${group}: acme (guest for its members)\n`,
    )
    const without = await json(`org add-tenant ${group} acme --no-member-role`)
    expect(OrganizationTenantSchema.parse(without)).toMatchObject({ slug: 'acme', memberRole: null })
    await told(`org add-tenant ${group} globex --member-role guest`)
    const tenants = OrganizationTenantPageSchema.parse(await json(`org tenants ${group} --search GLOB`))
    expect(tenants).toMatchObject({ total: 1, items: [{ slug: 'globex', memberRole: 'guest' }] })
    expect(await told(`org tenants ${group}`)).toMatch(/^SLUG +NAME +STATUS +MEMBER ROLE\n/)
    for (const [slug, role] of [
      ['acme', 'member'],
      ['globex', 'guest'],
    ] as const) {
      await stage.tenantry.members.add(slug, { userId: `uma-${name}`, role })
    }
    const users = OrganizationUserPageSchema.parse(await json(`org users ${group} --search uma-${name}`))
    expect(users.items.map(({ tenants: places }) => places.map(({ slug, role }) => `${slug} ${role}`))).toEqual([
      ['acme member', 'globex guest'],
    ])
    expect(await told(`org users ${group}`)).toMatch(new RegExp(`\\numa-${name} +- +- +acme: member, globex: guest\\n`))
    const members = OrganizationMemberPageSchema.parse(await json(`org members ${group} --limit 2`))
    expect(members.items.map(({ userId }) => userId)).toEqual(['ada', 'max'])
    expect(await told(`org members ${group} --limit 2 --cursor ${members.nextCursor ?? ''}`)).toMatch(
      /\nolga +- +owner /,
    )
  })

  test('a team gets members and roles, and gives them back', async () => {
    expect(await told(`team create ${group} Auditors`)).toBe('✓ Team created: auditors\n')
    const made = TeamSchema.parse(await json(`team create ${group} "Night shift" --slug nights`))
    expect(await json(`team show ${group} nights`)).toEqual(made)
    expect(TeamPageSchema.parse(await json(`team list ${group} --search NIGHT`)).items).toEqual([made])
    expect(TeamMemberSchema.parse(await json(`team add-member ${group} auditors max`))).toMatchObject({ userId: 'max' })
    expect(await told(`team add-member ${group} auditors ada`)).toBe('✓ Member of auditors: ada\n')
    const first = TeamMemberPageSchema.parse(await json(`team members ${group} auditors --limit 1`))
    expect([first.total, first.items.length]).toEqual([2, 1])
    const rest = await told(`team members ${group} auditors --limit 1 --cursor ${first.nextCursor ?? ''}`)
    expect(rest).toMatch(/^USER +SINCE\n─+\n(ada|max) /)
    expect(await told(`team set-role ${group} auditors acme --role guest`)).toBe('✓ Role of auditors in acme: guest\n')
    const roles = TeamRolePageSchema.parse(await json(`team roles ${group} auditors --search acme`))
    expect(roles).toMatchObject({ total: 1, items: [{ slug: 'acme', role: 'guest' }] })
    expect(await json(`team set-role ${group} auditors acme --no-role --yes`)).toEqual({
      ...{ items: [], nextCursor: null, total: 0 },
    })
    expect(await told(`team remove-member ${group} auditors max --yes`)).toBe('✓ Taken out of auditors: max\n')
    expect(await told(`team delete ${group} nights --yes`)).toBe('✓ Team deleted: nights\n')
  })

  test('says what is wrong, with an exit code, and has done nothing', async () => {
    for (const [line, code, error] of [
      ['org steal x', 2, 'USAGE'],
      ['org create', 2, 'USAGE'],
      ['org list surplus', 2, 'USAGE'],
      [`org set-member ${group}`, 2, 'USAGE'],
      [`org set-member ${group} max --owner x`, 2, 'USAGE'],
      [`org set-member ${group} max --role god`, 2, 'USAGE'],
      [`org update ${group}`, 2, 'USAGE'],
      [`org members ${group} --limit 101`, 2, 'INVALID_INPUT'],
      [`org members ${group} --cursor nonsense!`, 2, 'INVALID_INPUT'],
      ['org create X --slug Bad_Slug', 2, 'SLUG_INVALID'],
      ['org create X --metadata [1]', 2, 'INVALID_JSON'],
      [`org create X --slug ${group}`, 4, 'SLUG_TAKEN'],
      ['org show nobody', 3, 'ORGANIZATION_NOT_FOUND'],
      [`org add-tenant ${group} nobody`, 3, 'TENANT_NOT_FOUND'],
      [`org add-tenant ${group} acme --member-role nobody`, 3, 'ROLE_NOT_FOUND'],
      [`org remove-tenant ${group} initech --yes`, 3, 'TENANT_NOT_FOUND'],
      [`org remove-member ${group} nobody --yes`, 3, 'MEMBER_NOT_FOUND'],
      [`org remove-member ${group} olga --yes`, 4, 'LAST_OWNER'],
      [`org remove-member ${group} ada`, 2, 'CONFIRMATION_REQUIRED'],
      [`org remove-tenant ${group} acme`, 2, 'CONFIRMATION_REQUIRED'],
      [`org delete ${group}`, 2, 'CONFIRMATION_REQUIRED'],
      [`org delete ${group} --yes`, 4, 'ORGANIZATION_CONFLICT'],
      [`team show ${group} nobody`, 3, 'TEAM_NOT_FOUND'],
      [`team add-member ${group} auditors nobody`, 3, 'MEMBER_NOT_FOUND'],
      [`team set-role ${group} auditors acme`, 2, 'USAGE'],
      [`team set-role ${group} auditors acme --no-role`, 2, 'CONFIRMATION_REQUIRED'],
      [`team set-role ${group} auditors initech --role guest`, 3, 'TENANT_NOT_FOUND'],
      [`team delete ${group} auditors`, 2, 'CONFIRMATION_REQUIRED'],
      [`team create ${group} Auditors`, 4, 'SLUG_TAKEN'],
    ] as const) {
      const { code: exit, stderr } = await cli(line)
      expect([exit, /Code: (\w+)/.exec(stderr)?.[1]], line + stderr).toEqual([code, error])
    }
    const failed = await cli('org show nobody --json')
    expect(JSON.parse(failed.stdout)).toMatchObject({ code: 'ORGANIZATION_NOT_FOUND' })
  })

  test('asks on a terminal, and takes out what it was told to', async () => {
    const typing = [[/Are you sure/, 'yes\r']] as const
    const asked = await runCli(['org', 'remove-tenant', group, 'acme'], { env: env(), typing })
    expect(asked.stdout).toContain(`Taken out of ${group}: acme`)
    expect(await told(`org remove-tenant ${group} globex --yes`)).toBe(`✓ Taken out of ${group}: globex\n`)
    expect(await told(`org remove-member ${group} max --yes`)).toBe(`✓ Taken out of ${group}: max\n`)
    expect(await told(`org delete ${group} --yes`)).toBe(`✓ Organization deleted: ${group}\n`)
  })
})

test('a name that is a step in a path is refused before anything is sent', async () => {
  const env = { TENANTRY_URL: server.url, TENANTRY_KEY: ADMIN }
  for (const words of [
    ['org', 'show', '..'],
    ['org', 'remove-member', 'any', '..', '--yes'],
    ['team', 'delete', 'any', '.', '--yes'],
  ]) {
    expect((await runCli(words, { env })).stderr).toContain('Code: INVALID_INPUT')
  }
})

async function call(key: string, line: string, body?: object) {
  const [method = '', path = ''] = line.split(' ')
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const sent = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
  const response = await fetch(`${server.url}${path}`, sent)
  return { status: response.status, body: await response.json() }
}

describe('over HTTP', () => {
  const base = '/api/organizations/holding'

  beforeAll(async () => {
    await call(ADMIN, 'POST /api/organizations', { name: 'Holding', slug: 'holding', ownerUserId: 'olga' })
    await call(ADMIN, `POST ${base}/tenants`, { tenant: 'initech', memberRole: 'guest' })
    await call(ADMIN, `POST ${base}/teams`, { name: 'Auditors' })
    await call(ADMIN, 'POST /api/organizations', { name: 'Rival', slug: 'rival' })
  })

  test('a service key with organizations:read lists, and writes nothing', async () => {
    const { key } = await stage.tenantry.keys.create(null, { name: 'reader', permissions: ['organizations:read'] })
    for (const path of ['/api/organizations', base, `${base}/members`, `${base}/tenants`, `${base}/users`]) {
      expect((await call(key, `GET ${path}`)).status, path).toBe(200)
    }
    for (const [line, body] of [
      ['POST /api/organizations', { name: 'Mine' }],
      [`PATCH ${base}`, { name: 'Mine' }],
      [`DELETE ${base}`, undefined],
      [`POST ${base}/members`, { userId: 'eve', role: 'owner' }],
      [`DELETE ${base}/members/olga`, undefined],
      [`POST ${base}/tenants`, { tenant: 'acme' }],
      [`DELETE ${base}/tenants/initech`, undefined],
      [`GET ${base}/teams`, undefined],
      [`POST ${base}/teams`, { name: 'Mine' }],
    ] as const) {
      expect(await call(key, line, body), line).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    }
    expect((await call(ADMIN, `GET ${base}`)).body).toMatchObject({ name: 'Holding' })
  })

  test('a key of a tenant sees no organization, not even its own', async () => {
    const { key } = await stage.tenantry.keys.create('initech', { name: 'wide', permissions: ['*'] })
    for (const path of ['/api/organizations', base, `${base}/users`, `${base}/teams`]) {
      expect((await call(key, `GET ${path}`)).status, path).toBe(403)
    }
  })

  test('what is not there is 404, what is in the way is 409, what is malformed is 400', async () => {
    for (const [line, body, status, code] of [
      ['GET /api/organizations/nobody', undefined, 404, 'ORGANIZATION_NOT_FOUND'],
      ['GET /api/organizations/No_Slug', undefined, 404, 'ORGANIZATION_NOT_FOUND'],
      [`GET ${base}/teams/nobody`, undefined, 404, 'TEAM_NOT_FOUND'],
      [`DELETE ${base}/tenants/acme`, undefined, 404, 'TENANT_NOT_FOUND'],
      [`POST ${base}/teams/auditors/roles`, { tenant: 'acme', role: 'guest' }, 404, 'TENANT_NOT_FOUND'],
      [`POST ${base}/teams/auditors/members`, { userId: 'nobody' }, 404, 'MEMBER_NOT_FOUND'],
      ['POST /api/organizations/rival/tenants', { tenant: 'initech' }, 409, 'ORGANIZATION_CONFLICT'],
      [`DELETE ${base}`, undefined, 409, 'ORGANIZATION_CONFLICT'],
      [`DELETE ${base}/members/olga`, undefined, 409, 'LAST_OWNER'],
      ['POST /api/organizations', { name: 'Holding' }, 409, 'SLUG_TAKEN'],
      ['POST /api/organizations', {}, 400, 'INVALID_INPUT'],
      ['POST /api/organizations', { name: 'X', id: 'x' }, 400, 'UNKNOWN_FIELD'],
      [`POST ${base}/members`, { userId: 'x', role: 'god' }, 400, 'INVALID_INPUT'],
      [`GET ${base}/members?limit=0`, undefined, 400, 'INVALID_INPUT'],
      [`GET ${base}/users?cursor=nonsense!`, undefined, 400, 'INVALID_INPUT'],
      [`GET ${base}/teams/auditors/members?cursor=nonsense`, undefined, 400, 'INVALID_INPUT'],
    ] as const) {
      const answer = await call(ADMIN, line, body)
      expect([answer.status, ProblemSchema.parse(answer.body).code], line).toEqual([status, code])
    }
  })

  test('all users across the tenants come page by page, each once, and are found by a search', async () => {
    for (const userId of ['u1', 'u2', 'u3']) {
      await stage.tenantry.members.add('initech', { userId, role: 'member', email: `${userId}@example.com` })
    }
    const seen: string[] = []
    let next: string | null = ''
    while (next !== null) {
      const { body } = await call(ADMIN, `GET ${base}/users?limit=2${next === '' ? '' : `&cursor=${next}`}`)
      const page = OrganizationUserPageSchema.parse(body)
      expect(page.total).toBe(4)
      seen.push(...page.items.map(({ userId }) => userId))
      next = page.nextCursor
    }
    expect(seen).toEqual(['olga', 'u1', 'u2', 'u3'])
    const found = await call(ADMIN, `GET ${base}/users?search=U2@EXAMPLE`)
    expect(OrganizationUserPageSchema.parse(found.body).items).toMatchObject([
      { userId: 'u2', organizationRole: null, tenants: [{ slug: 'initech', role: 'member', state: 'active' }] },
    ])
  })
})
