// The engine alone on a fresh database: real control plane, real roles, and tenants that a test makes by hand.
import { type CentralDatabase } from '../../src/engine/sql/database.ts'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import { type ScopedTenant, ScopeStore, type TenantRefLike, type TenantSource } from '../../src/engine/context/scope.ts'
import { Entrance } from '../../src/engine/sql/entrance.ts'
import { protectTable } from '../../src/engine/isolation/protect.ts'
import { ScopedPool } from '../../src/engine/sql/scoped-pool.ts'
import { Scopes } from '../../src/engine/sql/scopes.ts'
import { TenantGate } from '../../src/engine/sql/tenant-gate.ts'
import { initialise } from '../../src/control/initialise.ts'
import type { Instance } from '../../src/control/instance.ts'
import { TenantryError } from '../../src/kernel/errors.ts'
import { newId } from '../../src/kernel/ids.ts'
import { schemaNameFor } from '../../src/kernel/identifiers.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'

export interface TestEngine {
  readonly database: TestDatabase
  readonly central: CentralDatabase
  readonly instance: Instance
  readonly store: ScopeStore
  readonly pool: ScopedPool
  readonly scopes: Scopes
  /** The scoped login's connection string. */
  readonly loginUrl: string
  readonly tenants: Map<string, ScopedTenant>
  /** Registers a tenant; a schema tenant gets its schema from this DDL, guarded. */
  addTenant(slug: string, ddl?: string): Promise<ScopedTenant>
  protect(table: string, tenantId?: string): Promise<unknown>
  close(): Promise<void>
}

export interface EngineSetup {
  readonly max?: number
  readonly sharedConnections?: number
}

export async function startEngine(setup: EngineSetup = {}): Promise<TestEngine> {
  const database = await createTestDatabase()
  const central = openCentralDatabase({ url: database.adminUrl })
  const instance = await initialise(central)
  const loginUrl = urlOf(database.adminUrl, instance)
  const tenants = new Map<string, ScopedTenant>()
  const store = new ScopeStore()
  const source = sourceOf(tenants)
  const entrance = new Entrance({
    signingKey: instance.signingKey,
    appRole: instance.roles.app,
    sharedSchemas: ['public'],
    clockOffsetMs: instance.clockOffsetMs,
  })
  const gate = new TenantGate(source, entrance, undefined)
  const start = () => Promise.resolve({ connection: { connectionString: loginUrl }, gate })
  const pool = new ScopedPool({ store, start, ...setup })
  const scopes = new Scopes({ store, source, pool })
  return {
    ...{ database, central, instance, store, pool, scopes, loginUrl, tenants },
    addTenant: (slug, ddl) => addTenant({ central, instance, tenants }, slug, ddl),
    protect: (table, tenantId) => protectTable(central, { table, roles: instance.roles, tenantId }),
    close: async () => {
      await pool.end()
      await central.close()
      await database.drop()
    },
  }
}

function urlOf(adminUrl: string, instance: Instance): string {
  const url = new URL(adminUrl)
  url.username = instance.roles.login
  url.password = instance.loginPassword
  return url.href
}

function sourceOf(tenants: ReadonlyMap<string, ScopedTenant>): TenantSource {
  const find = (ref: string) => tenants.get(ref) ?? [...tenants.values()].find(({ slug }) => slug === ref)
  return {
    peek: (ref) => find(textOf(ref)),
    admitted: async (ref) => {
      const found = find(textOf(ref))
      if (found) return found
      throw new TenantryError('TENANT_NOT_FOUND', 'No such tenant.')
    },
  }
}

const textOf = (ref: TenantRefLike) => (typeof ref === 'string' ? ref : 'id' in ref ? ref.id : ref.slug)

async function addTenant(
  { central, instance, tenants }: Pick<TestEngine, 'central' | 'instance' | 'tenants'>,
  slug: string,
  ddl?: string,
): Promise<ScopedTenant> {
  const id = newId()
  const schemaName = schemaNameFor(slug)
  const isolation = ddl === undefined ? 'row' : 'schema'
  await central.query(
    `insert into tenantry.tenant (id, slug, name, status, isolation, schema_name, provisioned_at)
     values ($1, $2, $2, 'active', $3, $4, now())`,
    [id, slug, isolation, schemaName],
  )
  if (ddl !== undefined) {
    await central.transaction(async (tx) => {
      await tx.query(`create schema ${schemaName}; set local search_path = ${schemaName}; ${ddl}`)
      await tx.query('select tenantry.guard_schema($1, $2, $3, $4)', [
        id,
        schemaName,
        instance.roles.app,
        instance.roles.central,
      ])
    })
  }
  const tenant: ScopedTenant = {
    id,
    slug,
    isolation,
    schemaName,
    migrationVersion: 1,
    mode: 'normal',
    modeOperators: [],
  }
  tenants.set(id, tenant)
  return tenant
}
