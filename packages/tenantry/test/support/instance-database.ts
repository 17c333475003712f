// A test database with whatever a control-plane test opens on it; drop() closes that, and removes the roles made.
import { randomBytes } from 'node:crypto'
import { initialise } from '../../src/control/initialise.ts'
import type { Instance } from '../../src/control/instance.ts'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import type { CentralDatabase } from '../../src/engine/sql/database.ts'
import { Client } from '../../src/engine/sql/pg.ts'
import { quoteIdentifier } from '../../src/kernel/identifiers.ts'
import { createTestDatabase } from '../harness/database.ts'

export type Connection = InstanceType<typeof Client>

export interface InstanceDatabase {
  readonly name: string
  readonly adminUrl: string
  readonly superUrl: string
  readonly admin: CentralDatabase
  readonly superuser: CentralDatabase
  /** The URL of this database for another user. */
  readonly urlFor: (user: string, password: string) => string
  /** One connection as the given user, closed by drop(). */
  readonly connect: (user: string, password: string) => Promise<Connection>
  /** A central database as the given user, closed by drop(). */
  readonly open: (url: string) => CentralDatabase
  /** A new role of the cluster, dropped by drop(); returns its URL for this database. */
  readonly createRole: (attributes: string) => Promise<TestRole>
  readonly drop: () => Promise<void>
}

export interface TestRole {
  readonly name: string
  readonly password: string
  readonly url: string
}

export async function createInstanceDatabase(): Promise<InstanceDatabase> {
  const database = await createTestDatabase()
  const centrals: CentralDatabase[] = []
  const connections: Connection[] = []
  const roles: string[] = []
  const open = (url: string) => {
    const central = openCentralDatabase({ url })
    centrals.push(central)
    return central
  }
  const urlFor = (user: string, password: string) => {
    const url = new URL(database.superUrl)
    url.username = encodeURIComponent(user)
    url.password = encodeURIComponent(password)
    return url.href
  }
  const superuser = open(database.superUrl)
  return {
    name: database.name,
    adminUrl: database.adminUrl,
    superUrl: database.superUrl,
    admin: open(database.adminUrl),
    superuser,
    urlFor,
    open,
    async connect(user, password) {
      const connection = new Client({ connectionString: urlFor(user, password) })
      connection.on('error', () => {})
      await connection.connect()
      connections.push(connection)
      return connection
    },
    async createRole(attributes) {
      const role = { name: `Role ${randomBytes(4).toString('hex')}`, password: randomBytes(8).toString('hex') }
      await superuser.query(`create role ${quoteIdentifier(role.name)} login password '${role.password}' ${attributes}`)
      roles.push(role.name)
      return { ...role, url: urlFor(role.name, role.password) }
    },
    async drop() {
      // Those who made the instance's roles go first, and with them what they granted.
      if (roles.length > 0) {
        const all = [...roles, ...(await instanceRoles(superuser))].map(quoteIdentifier).join(', ')
        await superuser.query(`drop owned by ${all} cascade; drop role ${all}`)
      }
      for (const connection of connections) await connection.end()
      for (const central of centrals) await central.close()
      await database.drop()
    },
  }
}

/** A database that has been through init. */
export async function createInitialisedDatabase(): Promise<InstanceDatabase & { readonly instance: Instance }> {
  const database = await createInstanceDatabase()
  return { ...database, instance: await initialise(database.admin) }
}

async function instanceRoles(superuser: CentralDatabase): Promise<string[]> {
  const made = await superuser.query("select from pg_class where oid = to_regclass('tenantry.instance')")
  if (made.rows.length === 0) return []
  const { rows } = await superuser.query<{ name: string }>(
    "select rolname::text as name from pg_roles, tenantry.instance i where starts_with(rolname, 'tn_' || i.id || '_')",
  )
  return rows.map(({ name }) => name)
}
