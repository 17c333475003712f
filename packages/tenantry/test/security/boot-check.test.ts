// The boot check of the scoped login: each power it must not have, given to it once.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkLogin } from '../../src/control/boot-check.ts'
import type { Instance } from '../../src/control/instance.ts'
import { quoteIdentifier } from '../../src/kernel/identifiers.ts'
import {
  createInitialisedDatabase,
  createInstanceDatabase,
  type InstanceDatabase,
  type TestRole,
} from '../support/instance-database.ts'

let database: InstanceDatabase & { readonly instance: Instance }
let isAtLeast16 = false

beforeAll(async () => {
  database = await createInitialisedDatabase()
  const { rows } = await database.admin.query<{ v: number }>("select current_setting('server_version_num')::int as v")
  isAtLeast16 = (rows[0]?.v ?? 0) >= 160_000
})

afterAll(() => database.drop())

const checkUrl = (url: string) => checkLogin(database.open(url), database.instance.roles)

/** A login made by hand with exactly the powers of the instance's own. */
async function handmade(attributes = 'noinherit'): Promise<TestRole> {
  const role = await database.createRole(attributes)
  const options = isAtLeast16 ? 'with inherit false, set true' : ''
  await database.superuser.query(`grant "${database.instance.roles.app}" to ${quoteIdentifier(role.name)} ${options}`)
  return role
}

describe('the boot check accepts', () => {
  test('the login that init made', async () => {
    const { instance, urlFor } = database
    await checkUrl(urlFor(instance.roles.login, instance.loginPassword))
  })

  test('a login with exactly the same powers', async () => {
    await checkUrl((await handmade()).url)
  })
})

describe('the boot check refuses as too powerful', () => {
  const refused = (reason: string | RegExp) => ({
    code: 'LOGIN_TOO_POWERFUL',
    message: expect.stringMatching(reason) as string,
  })

  test('a superuser, without a list of what follows from that', async () => {
    const reasons = /injected SQL may have: \S+ is a superuser\.$/
    await expect(checkLogin(database.superuser, database.instance.roles)).rejects.toMatchObject({
      code: 'LOGIN_TOO_POWERFUL',
      message: expect.stringMatching(reasons) as string,
    })
  })

  test('the admin login', async () => {
    const reasons = /may create roles.*owns \d+ objects/
    await expect(checkUrl(database.adminUrl)).rejects.toMatchObject(refused(reasons))
  })

  test.each([
    ['bypassrls', 'bypasses row-level security'],
    ['createrole', 'may create roles'],
    ['createdb', 'may create databases'],
    ['replication', 'may replicate'],
  ])('%s', async (attribute, reason) => {
    const { url } = await handmade(`noinherit ${attribute}`)
    await expect(checkUrl(url)).rejects.toMatchObject(refused(reason))
  })

  test('a member of any other role, directly or through one', async () => {
    const direct = await handmade()
    await database.superuser.query(`grant pg_read_all_data to ${quoteIdentifier(direct.name)}`)
    await expect(checkUrl(direct.url)).rejects.toMatchObject(refused('is a member of pg_read_all_data'))
    const between = await database.createRole('noinherit')
    const indirect = await handmade()
    await database.superuser.query(
      `grant pg_write_all_data to ${quoteIdentifier(between.name)};
       grant ${quoteIdentifier(between.name)} to ${quoteIdentifier(indirect.name)}`,
    )
    await expect(checkUrl(indirect.url)).rejects.toMatchObject(refused('is a member of pg_write_all_data'))
  })

  test('a member of central, which sees the rows of all tenants', async () => {
    const role = await handmade()
    await database.superuser.query(
      `grant ${quoteIdentifier(database.instance.roles.central)} to ${quoteIdentifier(role.name)}`,
    )
    await expect(checkUrl(role.url)).rejects.toMatchObject(refused(database.instance.roles.central))
  })

  test('a member of app with inheritance, or with the right to grant it', async () => {
    const inherits = await database.createRole('inherit')
    const grants = await handmade()
    const app = quoteIdentifier(database.instance.roles.app)
    await database.superuser.query(`grant ${app} to ${quoteIdentifier(inherits.name)}`)
    await database.superuser.query(`grant ${app} to ${quoteIdentifier(grants.name)} with admin option`)
    for (const { url } of [inherits, grants]) {
      await expect(checkUrl(url)).rejects.toMatchObject(refused('inherits or may grant'))
    }
  })

  test('the owner of a table', async () => {
    const role = await handmade()
    const owner = quoteIdentifier(role.name)
    await database.superuser.query(`create table public.owned (); alter table public.owned owner to ${owner}`)
    await expect(checkUrl(role.url)).rejects.toMatchObject(refused('owns 1 objects'))
  })

  test('a login with a grant of its own, of a table, a schema or the right to create', async () => {
    for (const [grant, reason] of [
      ['select on tenantry.tenant', 'may read or write tenantry.tenant'],
      ['usage on schema tenantry', 'has 1 grants of its own'],
      ['create on schema public', 'may create in schema public'],
      [`create on database "${database.name}"`, 'may create schemas'],
      [`temporary on database "${database.name}"`, 'may create temporary tables'],
    ] as const) {
      const role = await handmade()
      await database.superuser.query(`grant ${grant} to ${quoteIdentifier(role.name)}`)
      await expect(checkUrl(role.url), grant).rejects.toMatchObject(refused(reason))
    }
  })

  test('a harmless login while app itself has too much', async () => {
    const { url } = await handmade()
    const app = quoteIdentifier(database.instance.roles.app)
    await database.superuser.query(`alter role ${app} bypassrls`)
    await expect(checkUrl(url)).rejects.toMatchObject(refused(`${database.instance.roles.app} bypasses`))
    await database.superuser.query(`alter role ${app} nobypassrls; grant select on tenantry.signing_key to ${app}`)
    await expect(checkUrl(url)).rejects.toMatchObject(refused('may read or write tenantry.signing_key'))
    await database.superuser.query(`revoke select on tenantry.signing_key from ${app}`)
    await checkUrl(url)
  })
})

describe('the boot check refuses as misconfigured', () => {
  test('a login that may not become app, with the grant to run', async () => {
    const role = await database.createRole('noinherit')
    const refusal = await checkUrl(role.url).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(refusal).toMatchObject({ code: 'CONFIGURATION_INVALID' })
    await database.superuser.query(refusal instanceof Error && 'fix' in refusal ? String(refusal.fix) : '')
    await checkUrl(role.url)
  })

  test('a URL that leads to another database', async () => {
    const other = await createInstanceDatabase()
    const role = await handmade()
    const login = other.open(other.urlFor(role.name, role.password))
    await expect(checkLogin(login, database.instance.roles)).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' })
    await other.drop()
  })
})
