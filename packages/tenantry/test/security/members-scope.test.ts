// What a tenant's own SQL can do with members, roles, invitations and the tenant's row: read its own, and change what an
// owner may change. Everything else is tried as a member would, through the pool, as the application's own role.
import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import type { Tenant } from '../../src/tenants/tenant.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

let database: TestDatabase
let tenantry: Tenantry
let admin: CentralDatabase
const tenants = new Map<string, Tenant>()

beforeAll(async () => {
  database = await createTestDatabase()
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: '/nonexistent' })
  for (const [slug, isolation] of [
    ['acme', 'row'],
    ['globex', 'row'],
    ['initech', 'schema'],
    ['hooli', 'schema'],
  ] as const) {
    tenants.set(slug, await tenantry.tenants.create({ name: slug, slug, isolation, ownerUserId: `owner of ${slug}` }))
    await tenantry.members.add(slug, { userId: 'mel', email: `mel@${slug}.example` })
    await tenantry.members.add(slug, { userId: 'ada', role: 'admin' })
    await tenantry.roles.create(slug, { name: `clerk-of-${slug}`, permissions: ['invoices:read'] })
  }
  admin = openCentralDatabase({ url: database.adminUrl })
  for (const { id, slug } of tenants.values()) {
    await admin.query(
      `insert into tenantry.invitation (id, tenant_id, email, role, token_hash, bounds, issued_at, expires_at)
       values ($1, $2, $3, 'member', $4, '{members:write}', now(), now() + interval '7 days')`,
      [randomUUID(), id, `new@${slug}.example`, randomBytes(32)],
    )
  }
})

afterAll(async () => {
  await admin.close()
  await tenantry.close()
  await database.drop()
})

const tenant = (slug: string): Tenant => {
  const found = tenants.get(slug)
  if (found === undefined) throw new Error(`no tenant ${slug}`)
  return found
}

const as =
  (slug: string, userId: string | undefined) =>
  async (text: string, values: readonly unknown[] = []) => {
    const run = () => tenantry.pool.query<Record<string, unknown>>(text, [...values])
    return tenantry.run(slug, userId === undefined ? {} : { userId }, run)
  }

const DENIED = { code: '42501' }

describe.each([
  ['acme', 'globex'],
  ['initech', 'hooli'],
])('inside %s', (own, other) => {
  const mel = as(own, 'mel')

  test('its own members, roles, invitations and row are read, and nobody else’s', async () => {
    const { rows: members } = await mel('select tenant_id, user_id, email, role, state from tenantry.member')
    expect(new Set(members.map((row) => row.tenant_id))).toEqual(new Set([tenant(own).id]))
    expect(members.map((row) => row.user_id).sort()).toEqual(['ada', 'mel', `owner of ${own}`])
    const { rows: roles } = await mel('select name from tenantry.role order by name')
    const expected = ['admin', `clerk-of-${own}`, 'guest', 'member', 'owner', 'support']
    expect(roles.map((row) => row.name)).toEqual(expected)
    const { rows: invitations } = await mel('select email, role, state from tenantry.invitation')
    expect(invitations).toEqual([{ email: `new@${own}.example`, role: 'member', state: 'pending' }])
    const { rows } = await mel('select id, slug, name, status, isolation, plan, owner_user_id from tenantry.tenant')
    expect(rows).toMatchObject([{ id: tenant(own).id, slug: own, owner_user_id: `owner of ${own}` }])
  })

  test('another tenant’s rows are not found by their id either', async () => {
    const id = tenant(other).id
    for (const table of ['member', 'role', 'invitation']) {
      expect((await mel(`select 1 from tenantry.${table} where tenant_id = $1`, [id])).rows).toEqual([])
    }
    expect((await mel('select 1 from tenantry.tenant where id = $1', [id])).rows).toEqual([])
    const { rows } = await mel('select count(*)::integer as seen from tenantry.tenant t join tenantry.member m on true')
    expect(rows).toEqual([{ seen: 3 }])
  })

  test.each([
    ['the hash of a token', 'select token_hash from tenantry.invitation'],
    ['what bounds an invitation', 'select bounds from tenantry.invitation'],
    ['every column of an invitation', 'select * from tenantry.invitation'],
    ['why and since when it was suspended', 'select suspend_reason, suspended_at from tenantry.tenant'],
    ['every column of the registry', 'select * from tenantry.tenant'],
    ['keys', 'select * from tenantry.api_key'],
    ['organizations', 'select * from tenantry.organization_member'],
  ])('%s is not read', async (_what, text) => {
    await expect(mel(text)).rejects.toMatchObject(DENIED)
  })

  test.each([
    ['raises its own role', "update tenantry.member set role = 'owner' where user_id = 'mel'"],
    ['moves itself to another tenant', 'update tenantry.member set tenant_id = $1'],
    ['reactivates itself', "update tenantry.member set state = 'active'"],
    [
      'inserts a member',
      "insert into tenantry.member (tenant_id, user_id, role, state) values ($1, 'x', 'owner', 'active')",
    ],
    ['removes an owner', "delete from tenantry.member where role = 'owner'"],
    ['removes all members', 'truncate tenantry.member'],
    ['makes a role', "insert into tenantry.role (tenant_id, name, rank, permissions) values ($1, 'boss', 99, '{*}')"],
    ['widens a role', "update tenantry.role set permissions = '{*}'"],
    ['gives a built-in role more', 'update tenantry.role set rank = 100 where tenant_id is null'],
    ['accepts an invitation by itself', "update tenantry.invitation set state = 'accepted'"],
    ['invites', 'insert into tenantry.invitation (tenant_id) values ($1)'],
    ['edits the plan', "update tenantry.tenant set plan = 'enterprise'"],
    ['lifts a suspension', "update tenantry.tenant set status = 'active'"],
    ['changes its isolation', "update tenantry.tenant set isolation = 'row'"],
    ['takes over the ownership', "update tenantry.tenant set owner_user_id = 'mel'"],
    ['becomes another tenant', 'update tenantry.tenant set id = $1'],
    ['takes another slug', "update tenantry.tenant set slug = 'taken'"],
    ['turns back its version', 'update tenantry.tenant set version = 1'],
    ['makes a tenant', "insert into tenantry.tenant (id, slug) values ($1, 'mine')"],
    ['removes the tenant', 'delete from tenantry.tenant'],
    ['joins an organization', "insert into tenantry.organization_member values ($1, 'mel', null, 'owner')"],
    ['asks for memberships of other tenants', "select * from tenantry.memberships_of($1, 'mel')"],
    ['asks for the tenants of somebody', "select * from tenantry.tenants_of('mel') where tenant_id = $1"],
    ['switches the policies off', 'alter table tenantry.member disable row level security'],
  ])('a member that %s is refused, its owner and its admin too', async (_what, text) => {
    const values = text.includes('$1') ? [tenant(other).id] : []
    for (const userId of ['mel', 'ada', `owner of ${own}`, undefined]) {
      await expect(as(own, userId)(text, values), userId).rejects.toMatchObject(DENIED)
    }
  })

  test('a new role in the context makes nobody an owner', async () => {
    const forged = tenantry.run(own, { userId: 'mel', role: 'owner' }, async () =>
      tenantry.pool.query("update tenantry.tenant set name = 'mine'"),
    )
    expect((await forged).rowCount).toBe(0)
    expect((await as(own, undefined)("update tenantry.tenant set name = 'mine'")).rowCount).toBe(0)
    expect((await tenantry.tenants.get(own)).name).toBe(own)
  })

  test('an admin changes name, settings and metadata of its own tenant alone, and it is on record', async () => {
    const before = await tenantry.tenants.get(own)
    const edit = `update tenantry.tenant set name = 'Renamed', settings = settings || '{"theme": "dark"}', metadata = '{"a": 1}'`
    expect((await as(own, 'ada')(edit)).rowCount).toBe(1)
    const after = await tenantry.tenants.get(own)
    expect(after).toMatchObject({ name: 'Renamed', settings: { theme: 'dark' }, metadata: { a: 1 } })
    expect(after.version).toBe(before.version + 1)
    expect(Date.parse(after.updatedAt)).toBeGreaterThan(Date.parse(before.updatedAt))
    expect((await tenantry.tenants.get(other)).name).not.toBe('Renamed')
    const changed = ['name', 'settings.theme', 'metadata.a']
    const { items } = await tenantry.tenants.events({ tenant: own, type: 'tenant.updated' })
    expect(items.at(-1)?.payload).toMatchObject({ slug: own, changed })
    const { rows } = await admin.query(
      "select actor, detail from tenantry.audit_entry where tenant_id = $1 and action = 'tenant.update' order by seq desc limit 1",
      [after.id],
    )
    expect(rows).toEqual([{ actor: 'user:ada', detail: { changed } }])
    // The same again changes nothing, and says nothing.
    await as(own, 'ada')(edit)
    expect((await tenantry.tenants.get(own)).version).toBe(after.version)
    await tenantry.tenants.update(own, { name: own, settings: {}, metadata: {} })
  })

  test('its row is named by nobody else’s id', async () => {
    const { rowCount } = await as(own, 'ada')("update tenantry.tenant set name = 'x' where id = $1", [tenant(other).id])
    expect(rowCount).toBe(0)
    expect((await tenantry.tenants.get(other)).name).toBe(other)
  })

  test('an admin who was suspended or demoted a moment ago edits nothing', async () => {
    await tenantry.members.suspend(own, 'ada')
    expect((await as(own, 'ada')("update tenantry.tenant set name = 'x'")).rowCount).toBe(0)
    await tenantry.members.activate(own, 'ada')
    await tenantry.members.update(own, 'ada', { role: 'member' })
    expect((await as(own, 'ada')("update tenantry.tenant set name = 'x'")).rowCount).toBe(0)
    await tenantry.members.update(own, 'ada', { role: 'admin' })
  })

  test('without a tenant in scope nothing of it is read, not even the built-in roles', async () => {
    for (const table of ['tenant', 'member', 'role', 'invitation']) {
      const column = table === 'tenant' ? 'id' : 'tenant_id'
      await expect(tenantry.pool.query(`select ${column} from tenantry.${table}`)).rejects.toMatchObject({
        code: 'TENANT_CONTEXT_MISSING',
      })
    }
  })

  test('is_tenant_member and get_user_tenant_role answer about the tenant in scope, for its user or a named one', async () => {
    const ask = `select tenantry.is_tenant_member() as mine, tenantry.get_user_tenant_role() as role,
      tenantry.is_tenant_member($1) as here, tenantry.get_user_tenant_role($1, 'ada') as ada,
      tenantry.is_tenant_member($2) as there, tenantry.get_user_tenant_role($2, 'ada') as "adaThere",
      tenantry.is_tenant_member(null, 'nobody') as nobody`
    const ids = [tenant(own).id, tenant(other).id]
    const about = { here: true, ada: 'admin', there: false, adaThere: null, nobody: false }
    expect((await mel(ask, ids)).rows).toEqual([{ ...about, mine: true, role: 'member' }])
    const stranger = { ...about, mine: false, role: null, here: false }
    expect((await as(own, 'stranger')(ask, ids)).rows).toEqual([stranger])
    expect((await as(own, undefined)(ask, ids)).rows).toEqual([stranger])
  })
})

test.each([
  'tenantry.get_user_tenant_role()',
  "tenantry.get_user_tenant_role(null, 'ada')",
  'tenantry.is_tenant_member()',
  "tenantry.is_tenant_member(null, 'ada')",
])('%s answers to no context that was altered', async (call) => {
  const forged = as('acme', 'mel')(
    `select set_config('tenantry.context', replace(current_setting('tenantry.context'), $1, $2), true), ${call}`,
    [tenant('acme').id, tenant('globex').id],
  )
  await expect(forged).rejects.toMatchObject({ code: 'CONTEXT_INVALID' })
})

test('a policy of the application’s own asks them, and so do reads of the members beneath it', async () => {
  await admin.query('create table contract (id int primary key, body text)')
  await tenantry.protect('contract')
  const { rows } = await admin.query<{ app: string }>(
    "select quote_ident('tn_' || id || '_app') as app from tenantry.instance",
  )
  await admin.query(
    `create policy editors on contract as restrictive for insert to ${rows[0]?.app ?? ''}
       with check ((select tenantry.get_user_tenant_role()) in ('owner', 'admin')
         and exists (select from tenantry.member m where m.user_id = (select tenantry.current_user_id())))`,
  )
  await as('acme', 'ada')("insert into contract values (1, 'by an admin')")
  await expect(as('acme', 'mel')("insert into contract values (2, 'by a member')")).rejects.toMatchObject(DENIED)
  expect((await as('acme', 'mel')('select id from contract')).rows).toEqual([{ id: 1 }])
})
