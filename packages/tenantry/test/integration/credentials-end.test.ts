// How direct credentials end: dropped so that nothing is left, and following their tenant's life up to its purge.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readInstance } from '../../src/control/instance.ts'
import { credentialsParticipant } from '../../src/features/credentials/credentials-participant.ts'
import type { CredentialMeta } from '../../src/index.ts'
import { createTenants } from '../../src/tenants/create-tenants.ts'
import { tenantsOptions } from '../harness/tenants-options.ts'
import { type CredentialFixture, failure, openCredentialFixture } from '../support/credential-fixture.ts'

let fixture: CredentialFixture

beforeAll(async () => {
  fixture = await openCredentialFixture()
})

afterAll(() => fixture.close())

describe('dropping', () => {
  test('leaves nothing of the role: settings, grants, default privileges, memberships, large objects, sessions', async () => {
    const made = await fixture.tenantry.credentials.create('acme', { username: 'thorough' })
    const open = await fixture.sessions.open(made)
    await open.query('select lo_create(424242)')
    const { rows } = await fixture.database.superuser.query<{ oid: string }>(
      "select 'thorough'::regrole::oid::text as oid",
    )
    const oid = rows[0]?.oid
    await fixture.database.superuser.query(`
      create table public.given (); alter table public.given owner to thorough;
      alter default privileges for role thorough grant select on tables to public;
      alter role thorough set work_mem = '8MB'`)
    await fixture.database.admin.query(`
      create schema loose; grant all on schema loose to thorough;
      alter default privileges in schema public grant select on tables to thorough`)
    await fixture.tenantry.credentials.drop('acme')
    expect(await fixture.sessions.isOver(open)).toBe(true)
    const left = await fixture.database.superuser.query(
      `select 'role' from pg_roles where oid = $1::oid
       union all select 'dependency' from pg_shdepend where refclassid = 'pg_authid'::regclass and refobjid = $1::oid
       union all select 'setting' from pg_db_role_setting where setrole = $1::oid
       union all select 'membership' from pg_auth_members where $1::oid in (roleid, member, grantor)
       union all select 'default' from pg_default_acl where defaclrole = $1::oid or defaclacl::text like '%thorough%'
       union all select 'large object' from pg_largeobject_metadata where oid = 424242`,
      [oid],
    )
    expect(left.rows).toEqual([])
    const owner = await fixture.database.superuser.query(
      "select pg_get_userbyid(relowner) like 'Tn_Test Owner%' as ours from pg_class where relname = 'given'",
    )
    expect(owner.rows).toEqual([{ ours: true }])
    await fixture.database.superuser.query('drop table public.given; drop schema loose')
    expect(await failure(fixture.tenantry.credentials.drop('acme', { username: 'thorough' }))).toMatchObject({
      code: 'CREDENTIAL_NOT_FOUND',
    })
  })

  test('names a grant that the admin cannot take back, as its grantor is somebody else', async () => {
    await fixture.tenantry.credentials.create('acme', { username: 'granted' })
    await fixture.database.superuser.query('create schema foreign_one; grant usage on schema foreign_one to granted')
    expect(await failure(fixture.tenantry.credentials.drop('acme'))).toMatchObject({
      code: 'CREDENTIAL_INCOMPLETE',
      message: 'The role granted is not gone: schema foreign_one.',
    })
    await fixture.database.superuser.query('drop schema foreign_one')
    await fixture.tenantry.credentials.drop('acme')
  })

  test('names what another database still holds, and finishes once that is gone', async () => {
    await fixture.tenantry.credentials.create('acme', { username: 'elsewhere' })
    await fixture.elsewhere('create table held (); grant select on held to elsewhere')
    const error = await failure(fixture.tenantry.credentials.drop('acme'))
    expect(error).toMatchObject({
      code: 'CREDENTIAL_INCOMPLETE',
      message: expect.stringContaining('postgres') as string,
    })
    expect(await fixture.roleExists('elsewhere')).toBe(true)
    expect(await fixture.states('acme')).toEqual([['elsewhere', 'revoked']])
    await fixture.elsewhere('drop table held')
    await fixture.tenantry.credentials.drop('acme')
    expect(await fixture.roleExists('elsewhere')).toBe(false)
  })

  test('leaves a role alone whose mark is not ours any more, and forgets one that somebody dropped', async () => {
    await fixture.tenantry.credentials.create('acme', { username: 'remarked' })
    const { rows } = await fixture.database.superuser.query<{ mark: string }>(
      "select shobj_description('remarked'::regrole, 'pg_authid') as mark",
    )
    await fixture.database.superuser.query("comment on role remarked is 'mine now'")
    for (const verb of ['revoke', 'drop'] as const) {
      expect(await failure(fixture.tenantry.credentials[verb]('acme'))).toMatchObject({ code: 'ROLE_CONFLICT' })
    }
    await fixture.tenantry.tenants.suspend('acme')
    expect(
      (await fixture.database.superuser.query("select rolcanlogin as may from pg_roles where rolname = 'remarked'"))
        .rows,
    ).toEqual([{ may: true }])
    await fixture.tenantry.tenants.activate('acme')
    await fixture.database.superuser.query(`comment on role remarked is '${rows[0]?.mark ?? ''}'`)
    await fixture.database.superuser.query('drop owned by remarked; drop role remarked; create role remarked')
    await fixture.tenantry.credentials.drop('acme')
    expect(await fixture.roleExists('remarked')).toBe(true)
    await fixture.database.superuser.query('drop role remarked')
    expect(await fixture.states('acme')).toEqual([])
  })
})

describe("a tenant's life", () => {
  test.each([
    ['suspend', 'activate'],
    ['deactivate', 'activate'],
    ['delete', 'restore'],
  ] as const)(
    'locks its logins out with %s and ends their sessions, and lets them in again with %s',
    async (out, back) => {
      const made = await fixture.tenantry.credentials.create('globex')
      const [open, lock] = [await fixture.sessions.open(made), await fixture.sessions.open(made)]
      await lock.query('begin; lock table invoices in access share mode')
      await fixture.tenantry.tenants[out]('globex')
      expect(await fixture.sessions.isOver(open)).toBe(true)
      expect(await fixture.sessions.isOver(lock)).toBe(true)
      // The admin took the role's own rights, to end them, for that moment only.
      const rights = await fixture.database.admin.query("select pg_has_role($1::name, 'usage') as has", [made.username])
      expect(rights.rows).toEqual([{ has: false }])
      expect(await failure(fixture.sessions.open(made))).toMatchObject({ code: '28000' })
      expect((await fixture.tenantry.credentials.list('globex'))[0]?.state).toBe('disabled')
      await fixture.tenantry.tenants[back]('globex')
      const again = await fixture.sessions.open(made)
      expect((await again.query('select text from invoices')).rows).toEqual([{ text: 'globex' }])
      await fixture.clear('globex')
    },
  )

  test('does not let a revoked login in again', async () => {
    const made = await fixture.tenantry.credentials.create('globex')
    await fixture.tenantry.credentials.revoke('globex')
    const events = async () =>
      (await fixture.tenantry.tenants.events({ tenant: 'globex', type: 'credential.revoked' })).total
    const before = await events()
    expect(await fixture.tenantry.credentials.revoke('globex')).toMatchObject({ state: 'revoked' })
    expect(await events()).toBe(before)
    await fixture.tenantry.tenants.suspend('globex')
    await fixture.tenantry.tenants.activate('globex')
    expect(await failure(fixture.sessions.open(made))).toMatchObject({ code: '28000' })
    await fixture.clear('globex')
  })

  test('ends with purge, which drops the roles of schema and row tenants and finds nothing left', async () => {
    for (const isolation of ['row', 'schema'] as const) {
      const slug = `gone-${isolation}`
      await fixture.tenantry.tenants.create({ name: slug, slug, isolation })
      const made = await fixture.tenantry.credentials.create(slug)
      const next = await fixture.tenantry.credentials.rotate(slug)
      await (await fixture.sessions.open(next)).query('select lo_create(0)')
      await fixture.tenantry.tenants.delete(slug)
      await fixture.tenantry.tenants.purge(slug, { confirm: slug })
      for (const { username } of [made, next]) expect(await fixture.roleExists(username)).toBe(false)
      const rows = await fixture.database.admin.query('select from tenantry.credential where tenant_id = $1', [
        made.tenantId,
      ])
      expect(rows.rows).toEqual([])
    }
  })

  test('goes on with a purge whose step failed behind the dropping of roles, which were there again until then', async () => {
    const { admin } = fixture.database
    const instance = await readInstance(admin)
    const removed: string[] = []
    const sink = {
      put: () => Promise.resolve(),
      remove: ({ name }: CredentialMeta) => Promise.resolve(void removed.push(name)),
    }
    let fails = true
    // Purge walks the participants backwards.
    const last = { name: 'last', purge: () => (fails ? Promise.reject(new Error('interrupted')) : Promise.resolve()) }
    const participants = [last, credentialsParticipant({ database: admin, instanceId: instance.id, sink })]
    const tenants = createTenants({ ...tenantsOptions(admin, instance), participants })
    const { id } = await tenants.create({ name: 'Stopped', slug: 'stopped' })
    await fixture.tenantry.credentials.create('stopped', { username: 'stopped_login' })
    await tenants.delete('stopped')
    expect(await failure(tenants.purge('stopped', { confirm: 'stopped' }))).toMatchObject({ code: 'PURGE_INCOMPLETE' })
    expect(await fixture.roleExists('stopped_login')).toBe(true)
    fails = false
    expect(await tenants.resume()).toBe(1)
    expect(await fixture.roleExists('stopped_login')).toBe(false)
    expect(removed).toEqual(['stopped_login', 'stopped_login'])
    expect((await admin.query('select status from tenantry.tenant where id = $1', [id])).rows).toEqual([
      { status: 'purged' },
    ])
  })

  test('does not end with a purge while a role of its own is left, and goes on once it may', async () => {
    await fixture.tenantry.tenants.create({ name: 'Held', slug: 'held' })
    await fixture.tenantry.credentials.create('held', { username: 'held_login' })
    await fixture.tenantry.tenants.delete('held')
    await fixture.elsewhere('create table held (); grant select on held to held_login')
    expect(await failure(fixture.tenantry.tenants.purge('held', { confirm: 'held' }))).toMatchObject({
      code: 'CREDENTIAL_INCOMPLETE',
    })
    await fixture.elsewhere('drop table held')
    await fixture.tenantry.tenants.purge('held', { confirm: 'held' })
    expect(await fixture.roleExists('held_login')).toBe(false)
  })
})
