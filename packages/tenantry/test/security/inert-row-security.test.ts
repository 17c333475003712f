// L6: row security that is there and does nothing. What refuses to start, and what is found afterwards. L12: what runs
// with its owner's rights.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { examine } from '../../src/control/doctor.ts'
import { initialise } from '../../src/control/initialise.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { readUncovered } from '../../src/testing/reachable-relations.ts'
import { createInitialisedDatabase } from '../support/instance-database.ts'

type Database = Awaited<ReturnType<typeof createInitialisedDatabase>>

let database: Database
let tenantry: Tenantry
let folder: string

beforeAll(async () => {
  database = await createInitialisedDatabase()
  folder = await mkdtemp(path.join(os.tmpdir(), 'tenantry-inert-'))
  await mkdir(path.join(folder, 'tenant'))
  await writeFile(path.join(folder, 'tenant', '0001_note.sql'), 'create table note (id int, text text)')
  tenantry = createTenantry({ adminUrl: database.adminUrl, migrations: folder })
  await database.admin.query('create table note (id int, text text)')
  await tenantry.protect('note')
  for (const slug of ['acme', 'globex']) {
    await tenantry.tenants.create({ name: slug, slug })
    await tenantry.scope(slug).query('insert into note (id, text) values (1, $1)', [slug])
  }
  for (const slug of ['north', 'south']) {
    await tenantry.tenants.create({ name: slug, slug, isolation: 'schema' })
    await tenantry.scope(slug).query('insert into note (id, text) values (1, $1)', [slug])
  }
})
afterAll(async () => {
  await tenantry.close()
  await rm(folder, { recursive: true, force: true })
  await database.drop()
})

const uncovered = () => readUncovered(database.admin)

describe('L6: a login that no policy binds', () => {
  it.each(['a superuser', 'the owner of the tables', 'BYPASSRLS'])('is refused at start: %s', async (who) => {
    const urls: Readonly<Record<string, () => Promise<string>>> = {
      'a superuser': async () => (await database.createRole('superuser')).url,
      'the owner of the tables': async () => database.adminUrl,
      BYPASSRLS: async () => (await database.createRole('bypassrls')).url,
    }
    const databaseUrl = (await urls[who]?.()) ?? ''
    const powerful = createTenantry({ adminUrl: database.adminUrl, databaseUrl, migrations: '/nonexistent' })
    await expect(powerful.start()).rejects.toMatchObject({ code: 'LOGIN_TOO_POWERFUL' })
    await powerful.close()
  })

  it('is found by the doctor when it got its powers later', async () => {
    const login = `"${database.instance.roles.login}"`
    await database.superuser.query(`alter role ${login} bypassrls`)
    const { checks } = await examine(database.admin)
    expect(checks.filter(({ ok }) => !ok).map(({ subject }) => subject)).toEqual([
      `${database.instance.roles.login} bypasses row-level security`,
    ])
    await database.superuser.query(`alter role ${login} nobypassrls`)
    expect((await examine(database.admin)).ok).toBe(true)
  })
})

describe('L6: a table whose policies a tool has switched off', () => {
  it.each([
    ['disable row level security', 'has row security disabled'],
    ['no force row level security', 'does not force row security on its owner'],
  ])('is found and mended: %s', async (change, reason) => {
    expect(await uncovered()).toEqual([])
    for (const table of ['public.note', 'tenant_south.note']) {
      await database.admin.query(`alter table ${table} ${change}`)
      expect(await uncovered()).toEqual([{ name: table, reason }])
      if (table === 'public.note') {
        expect((await tenantry.protect('note', { dryRun: true })).changed).toBe(true)
        expect((await tenantry.protect('note')).changed).toBe(true)
      } else {
        await guardAgain('south')
      }
      expect(await uncovered()).toEqual([])
    }
  })

  it('is found when its policies are gone, and shows tenants nothing meanwhile', async () => {
    await database.admin.query('drop policy tenantry_tenant on note')
    expect(await uncovered()).toEqual([{ name: 'public.note', reason: 'has no policy for the application' }])
    expect((await tenantry.scope('acme').query('select from note')).rows).toEqual([])
    await tenantry.protect('note')
    expect((await tenantry.scope('acme').query('select from note')).rows).toHaveLength(1)
  })
})

describe('L12: what runs with its owner’s rights', () => {
  const scopeOf = (slug: string) => tenantry.scope(slug)

  it('a view is made to run with its caller’s when its table is protected; one that is not is found', async () => {
    const app = database.instance.roles.app
    await database.admin.query(`create view texts as select text from note; grant select on texts to ${app}`)
    expect(await uncovered()).toEqual([{ name: 'public.texts', reason: "is a view that runs with its owner's rights" }])
    await tenantry.protect('note')
    expect(await uncovered()).toEqual([])
    expect((await scopeOf('acme').query('select text from texts')).rows).toEqual([{ text: 'acme' }])
  })

  it('a materialized view that tenants may read keeps its table from being protected, and is found', async () => {
    const app = database.instance.roles.app
    await database.admin.query(`create materialized view kept as select text from note; grant select on kept to ${app}`)
    expect(await uncovered()).toEqual([
      { name: 'public.kept', reason: 'is a materialized view, which no policy covers' },
    ])
    await expect(tenantry.protect('note')).rejects.toMatchObject({ code: 'TABLE_UNSUPPORTED' })
    await database.admin.query('drop materialized view kept')
  })

  it('a SECURITY DEFINER function shows what its owner sees: in a shared schema, as SECURITY.md says', async () => {
    await database.admin.query(
      'create function all_texts() returns setof text language sql security definer as $$ select text from public.note $$',
    )
    expect((await scopeOf('acme').query('select all_texts() as text')).rows).toHaveLength(2)
    await database.admin.query('drop function all_texts()')
  })

  it('a SECURITY DEFINER function in a tenant’s schema is refused, unless nobody but a trigger calls it', async () => {
    const body = 'language plpgsql security definer as $$ begin return null; end $$'
    for (const [ddl, isRefused] of [
      [`create function tenant_north.open() returns text ${body}`, true],
      [
        `create function tenant_north.closed() returns text ${body}; revoke execute on function tenant_north.closed() from public`,
        false,
      ],
      [`create function tenant_north.fired() returns trigger ${body}`, false],
    ] as const) {
      await database.admin.query(ddl)
      if (isRefused) {
        await expect(guardAgain('north')).rejects.toMatchObject({ code: 'TN011' })
        await database.admin.query('drop function tenant_north.open()')
      }
      await guardAgain('north')
    }
  })
})

async function guardAgain(slug: string): Promise<void> {
  const { id, schemaName } = await tenantry.tenants.get(slug)
  const { app, central } = (await initialise(database.admin)).roles
  await database.admin.query('select tenantry.guard_schema($1, $2, $3, $4)', [id, schemaName, app, central])
}
