// A database of its own for a test file, with an unprivileged owner. Dropping it fails when the file still holds a
// connection to it.
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { expect, inject } from 'vitest'
import { quoteIdentifier, quoteLiteral } from '../../src/kernel/identifiers.ts'
import { TEMPLATE_DATABASE } from './cluster.ts'
import { until } from './wait.ts'

export interface TestDatabase {
  readonly name: string
  /** Superuser, for arranging only. */
  readonly superUrl: string
  /** A mixed-case role: LOGIN CREATEROLE, owner of this database, not superuser, no BYPASSRLS. */
  readonly adminUrl: string
  /**
   * Drops the database, its owner and the roles that were made for it. Throws where a connection is still open,
   * naming it, after it was ended.
   */
  drop(): Promise<void>
}

/** An empty database. Call in beforeAll, and `drop()` in afterAll. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const id = randomBytes(4).toString('hex')
  const name = `tn_test_${id}`
  const owner = `Tn_Test Owner ${id}`
  const password = randomBytes(12).toString('base64url')
  await onCluster('postgres', async (client) => {
    await client.query(
      `create role ${quoteIdentifier(owner)} login createrole nosuperuser nobypassrls password ${quoteLiteral(password)}`,
    )
    await client.query(`create database ${name} owner ${quoteIdentifier(owner)} template ${TEMPLATE_DATABASE}`)
    // Names the file in the error when it forgets to drop.
    const file = expect.getState().testPath ?? 'an unknown file'
    await client.query(`comment on database ${name} is ${quoteLiteral(file)}`)
  })
  const adminUrl = databaseUrl(name, { user: owner, password })
  return { name, superUrl: databaseUrl(name), adminUrl, drop: () => dropDatabase(name, owner) }
}

function databaseUrl(database: string, login?: { user: string; password: string }): string {
  const url = new URL(inject('clusterUrl'))
  url.pathname = database
  if (login !== undefined) {
    url.username = encodeURIComponent(login.user)
    url.password = login.password
  }
  return url.href
}

async function dropDatabase(name: string, owner: string): Promise<void> {
  const roles = await onCluster(name, (client) => rolesOf(client, owner))
  await onCluster('postgres', async (client) => {
    const leaked = await openConnections(client, name)
    await client.query(`drop database if exists ${name} with (force)`)
    for (const role of [...roles, owner]) await client.query(`drop role if exists ${quoteIdentifier(role)}`)
    if (leaked.length > 0) throw new Error(`Connections left open to ${name}: ${leaked.join('; ')}`)
  })
}

// A backend needs a moment to end after its client has gone, so only those that stay count.
async function openConnections(client: pg.Client, name: string): Promise<string[]> {
  const list = async () => {
    const { rows } = await client.query<{ connection: string }>(
      `select format('%s as %s, %s, last statement: %s', coalesce(nullif(application_name, ''), 'unnamed'), usename,
         state, left(query, 120)) as connection
       from pg_stat_activity
       where datname = $1 and backend_type in ('client backend', 'walsender')`,
      [name],
    )
    return rows.map((row) => row.connection)
  }
  const isEmpty = async () => (await list()).length === 0
  await until(isEmpty, { timeoutMs: 3_000 }).catch(() => undefined)
  return list()
}

// Roles belong to the cluster and do not say which database they were made for. They are those that this database
// depends on or has settings for, those its owner made (known from PostgreSQL 16 on), and what shares their prefix.
async function rolesOf(client: pg.Client, owner: string): Promise<string[]> {
  const { rows } = await client.query<{ rolname: string }>(
    `with known as (
       select r.oid, r.rolname from pg_roles r
       where not r.rolsuper and r.rolname <> $1 and r.rolname not like 'pg\\_%' and (
         exists (select from pg_shdepend d where d.refclassid = 'pg_authid'::regclass and d.refobjid = r.oid
           and d.dbid = (select oid from pg_database where datname = current_database()))
         or exists (select from pg_db_role_setting s where s.setrole = r.oid
           and s.setdatabase = (select oid from pg_database where datname = current_database()))
         or exists (select from pg_auth_members m where m.roleid = r.oid and m.admin_option
           and m.member = (select oid from pg_roles where rolname = $1))
       )
     )
     select rolname from known
     union
     select r.rolname from pg_roles r join known k
       on substring(k.rolname from '^tn_[0-9a-f]{8}_') = substring(r.rolname from '^tn_[0-9a-f]{8}_')`,
    [owner],
  )
  return rows.map((row) => row.rolname)
}

async function onCluster<T>(database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl(database), application_name: 'test harness' })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
