// The doctor: what it finds before init, after it, and after somebody took something away; its SQL mends each finding.
import { afterEach, expect, test } from 'vitest'
import { examine } from '../../src/control/doctor.ts'
import { initialise } from '../../src/control/initialise.ts'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import { quoteIdentifier } from '../../src/kernel/identifiers.ts'
import { createInitialisedDatabase, createInstanceDatabase } from '../support/instance-database.ts'

const opened: { drop(): Promise<void> }[] = []

async function keep<T extends { drop(): Promise<void> }>(made: Promise<T>): Promise<T> {
  const database = await made
  opened.unshift(database)
  return database
}

afterEach(async () => {
  for (const database of opened.splice(0)) await database.drop()
})

const findings = async (...examined: Parameters<typeof examine>) => {
  const { ok, checks } = await examine(...examined)
  const found = checks.filter((each) => !each.ok)
  expect(ok).toBe(found.length === 0)
  return found
}

test('the doctor finds nothing after init', async () => {
  const { admin, superuser } = await keep(createInitialisedDatabase())
  expect(await findings(admin)).toEqual([])
  expect(await findings(superuser)).toEqual([])
})

test('before init the doctor asks for init and for nothing else of an admin who may run it', async () => {
  const { admin } = await keep(createInstanceDatabase())
  const found = await findings(admin)
  expect(found.map(({ name }) => name)).toEqual(['control plane'])
  expect(found[0]?.fix).toContain('tenantry init')
})

test('before init the SQL for a weak admin, run as printed, leaves only init to do', async () => {
  const { superuser, createRole, open } = await keep(createInstanceDatabase())
  const weak = open((await createRole('noinherit')).url)
  const found = await findings(weak)
  expect(found.map(({ name }) => name)).toContain('admin may create roles')
  for (const { name, fix } of found) if (name !== 'control plane') await superuser.query(fix ?? '')
  expect((await findings(weak)).map(({ name }) => name)).toEqual(['control plane'])
  await initialise(weak)
  expect(await findings(weak)).toEqual([])
})

test('each thing that was undone after init is found, and its SQL puts it back', async () => {
  const { admin, superuser, instance, name } = await keep(createInitialisedDatabase())
  const [login, app, central] = Object.values(instance.roles).map((role: string) => quoteIdentifier(role))
  const [admins] = (await admin.query<{ q: string }>('select quote_ident(current_user) as q')).rows
  for (const [harm, finding] of [
    [`grant temporary on database "${name}" to public`, 'temporary tables are revoked'],
    ['grant create on schema public to public', 'schema public is closed to PUBLIC'],
    [`revoke ${central ?? ''} from ${admins?.q ?? ''} cascade`, 'admin sees the rows of all tenants'],
    [`alter role ${login ?? ''} bypassrls`, 'login may do nothing but become app'],
    [`alter role ${app ?? ''} login`, 'login may do nothing but become app'],
    [`grant pg_read_all_data to ${login ?? ''}`, 'login may do nothing but become app'],
    [`grant select on tenantry.signing_key to ${app ?? ''}`, 'login may do nothing but become app'],
    ['create schema open_house; grant create on schema open_house to public', 'login may do nothing but become app'],
  ] as const) {
    await superuser.query(harm)
    const found = await findings(admin)
    expect(
      found.map((each) => each.name),
      harm,
    ).toContain(finding)
    for (const { fix } of found) await superuser.query(fix ?? '')
    expect(await findings(admin), harm).toEqual([])
  }
})

test('a missing role and an outdated control plane are findings', async () => {
  const { admin, superuser, instance } = await keep(createInitialisedDatabase())
  const central = quoteIdentifier(instance.roles.central)
  await superuser.query(`drop owned by ${central}; drop role ${central}`)
  expect((await findings(admin)).map(({ name, subject }) => `${name} ${subject ?? ''}`)).toContain(
    `role exists ${instance.roles.central}`,
  )
  await admin.query("delete from tenantry.control_migration where name like '0002%'")
  const [finding] = (await findings(admin)).filter(({ name }) => name === 'control plane')
  expect(finding?.subject).toContain('0002_context.sql')
})

test('a login of DATABASE_URL that is too powerful is a finding with a cure for each reason', async () => {
  const { admin, superuser, open, createRole } = await keep(createInitialisedDatabase())
  const strong = await createRole('inherit createdb bypassrls')
  const found = await findings(admin, { login: open(strong.url) })
  expect(found.map(({ subject }) => subject)).toEqual([
    `${strong.name} bypasses row-level security`,
    `${strong.name} may create databases`,
  ])
  for (const { fix } of found) await superuser.query(fix ?? '')
  expect(await findings(admin, { login: open(strong.url) })).toEqual([])
})

test('a server that is down and a wrong password are findings, not errors', async () => {
  const { urlFor, open, instance } = await keep(createInitialisedDatabase())
  const [wrong] = await findings(open(urlFor(instance.roles.login, 'wrong')))
  expect(wrong).toMatchObject({ name: 'examination', fix: 'Check user and password of the database URL.' })
  const nowhere = openCentralDatabase({ url: 'postgres://nobody:x@127.0.0.1:1/none' })
  expect(await findings(nowhere)).toHaveLength(1)
  await nowhere.close()
})
