// What a started instance is made of, in the order in which it comes up: control plane, checks, registry, tenants.
import { checkLogin } from '../control/boot-check.ts'
import { initialise } from '../control/initialise.ts'
import { type Instance, readInstance } from '../control/instance.ts'
import { ScopeStore, type TenantSource } from '../engine/context/scope.ts'
import { openCentralDatabase } from '../engine/sql/central-database.ts'
import type { CentralDatabase, Sql } from '../engine/sql/database.ts'
import { sendFlight } from '../engine/sql/flight.ts'
import type { ScopedClient, ScopedClientConfig } from '../engine/sql/scoped-client.ts'
import { Entrance } from '../engine/sql/entrance.ts'
import type { PoolConfig, QueryResult } from '../engine/sql/pg.ts'
import { detectPooler, endAll, openTwo } from '../engine/sql/pooler.ts'
import { ScopedPool } from '../engine/sql/scoped-pool.ts'
import { testIsolation } from '../engine/sql/self-test.ts'
import { TenantGate } from '../engine/sql/tenant-gate.ts'
import { MAX_CONCURRENCY } from '../features/fleet/fleet-request.ts'
import { createKeys } from '../features/keys/create-keys.ts'
import { refuseBrokenPolicies } from '../features/verify/catalogue/boot-policies.ts'
import { createMemberships } from '../features/members/memberships.ts'
import { createVerifier, type Verifier } from '../features/verify/create-verifier.ts'
import { startVerifySchedule } from '../features/verify/verify-schedule.ts'
import { createMigrations, type Migrations } from '../features/migrations/create-migrations.ts'
import { type MigrationFile, readMigrationFiles } from '../features/migrations/migration-files.ts'
import { WarmPool } from '../features/migrations/snapshots/warm-pool.ts'
import { type ContextTokens, createContextTokens } from '../features/tokens/context-tokens.ts'
import { systemClock } from '../kernel/clock.ts'
import { isTenantryError, TenantryError } from '../kernel/errors.ts'
import { reservedSlugs } from '../kernel/identifiers.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Nouns } from './nouns.ts'
import { type NounParts, openNouns, participantsOf } from './open-nouns.ts'
import { warnOfTwoCopies } from './pg-copies.ts'
import { sharedSchemasOf, type TenantrySettings } from './settings.ts'
import type { KeySource, MembershipSource } from '../tenants/access.ts'
import { admit } from '../tenants/admission.ts'
import { type CachedRegistry, createCachedRegistry } from '../tenants/cached-registry.ts'
import { createTenants } from '../tenants/create-tenants.ts'
import type { TenantDefaults } from '../tenants/options.ts'
import type { Tenants } from '../tenants/tenants.ts'

/** A started instance. */
export interface Runtime {
  readonly central: CentralDatabase
  readonly instance: Instance
  readonly registry: CachedRegistry
  readonly memberships: MembershipSource
  readonly tenants: Tenants
  readonly migrations: Migrations
  readonly nouns: Nouns
  /** What a presented key of the HTTP API is. */
  readonly keySource: KeySource
  readonly tokens: ContextTokens
  readonly verifier: Verifier
  readonly connection: PoolConfig & ScopedClientConfig
  readonly gate: TenantGate
  readonly source: TenantSource
  close(): Promise<void>
}

/** Brings an instance up over these URLs; closes again what it opened where a step fails. */
export async function startRuntime(adminUrl: string, settings: TenantrySettings, logger: Logger): Promise<Runtime> {
  warnOfTwoCopies(logger)
  const central = openCentralDatabase({ url: adminUrl, logger, applicationName: 'tenantry control plane' })
  const opened: (() => Promise<void>)[] = [() => central.close()]
  try {
    const instance = await openInstance(central)
    const connection = await throughPooler(connectionOf(adminUrl, settings, instance), settings)
    const entrance = entranceOf(instance, settings)
    await checkScopedLogin(connection, entrance, instance)
    const registry = createCachedRegistry({
      ...{ database: central, channel: instance.channel, clock: systemClock },
      ...registryTtlOf(settings),
    })
    opened.push(() => registry.close())
    const onForget = registry.onForget.bind(registry)
    const memberships = createMemberships({ sql: central, clock: systemClock, onForget })
    const keys = createKeys({ database: central, registry, clock: systemClock, logger })
    opened.push(() => keys.close())
    await registry.start()
    const source = sourceOf(registry)
    const gate = new TenantGate(source, entrance, settings.statementTimeoutMs)
    const roles = instance.roles
    const files = await readMigrationFiles(settings.migrations ?? 'migrations')
    const migrations = createMigrations({ files, roles })
    if (settings.migrateOnStart !== false) await migrations.applyShared(central)
    const sharedSchemas = sharedSchemasOf(settings)
    if (settings.checkPolicies !== false) {
      await refuseBrokenPolicies(central, { roles, loginUser: roles.login, sharedSchemas })
    }
    const fleetPool = fleetPoolOver(connection, gate)
    opened.push(() => fleetPool.end())
    const parts = { adminUrl, settings, central, instance, registry, keys, files, migrations, fleetPool }
    const schemas = schemaMakerOf(parts, files.tenant, logger)
    opened.push(() => schemas.close())
    const tenantsOptions = {
      ...{ database: central, clock: systemClock, roles, logger, defaults: defaultsOf(settings) },
      ...{ schemas, participants: participantsOf(parts) },
      onChange: (tenantId: string) => registry.invalidate(tenantId),
    }
    const tenants = createTenants(tenantsOptions)
    await tenants.resume()
    schemas.refill()
    const tokens = createContextTokens({
      ...{ database: central, tenants, signingKey: instance.signingKey, appRole: roles.app, clock: systemClock },
      ...{ sharedSchemas, clockOffsetMs: instance.clockOffsetMs },
    })
    const nouns = openNouns({ ...parts, tenantsOptions })
    const verifier = createVerifier({ central, instance, connection, sharedSchemas, logger })
    opened.push(scheduleOf(verifier, { central, settings, logger }))
    const close = () => closeAll(opened)
    const features = { migrations, nouns, tokens, verifier, memberships, keySource: keys.source }
    return { central, instance, registry, tenants, ...features, connection, gate, source, close }
  } catch (error) {
    await closeAll(opened).catch(() => undefined)
    throw error
  }
}

/** Connects when the first fleet is read. Its scopes are its own, so it can be read from inside of any. */
function fleetPoolOver(connection: PoolConfig & ScopedClientConfig, gate: TenantGate): ScopedPool {
  const start = () => Promise.resolve({ connection, gate })
  return new ScopedPool({ store: new ScopeStore(), start, max: MAX_CONCURRENCY, sharedConnections: 0 })
}

const PURGE_AFTER_DAYS = 30
const MOST_WARM_SCHEMAS = 1_000

function schemaMakerOf(
  { settings, central, instance }: Pick<NounParts, 'settings' | 'central' | 'instance'>,
  files: readonly MigrationFile[],
  logger: Logger,
): WarmPool {
  const size = settings.warmSchemas
  if (size !== undefined && (!Number.isInteger(size) || size < 0 || size > MOST_WARM_SCHEMAS)) {
    throw new TenantryError('CONFIGURATION_INVALID', '"warmSchemas" must be a whole number from 0 to 1,000.', {
      field: 'warmSchemas',
    })
  }
  return new WarmPool({ database: central, roles: instance.roles, logger, files, size })
}

interface Scheduled {
  readonly central: CentralDatabase
  readonly settings: TenantrySettings
  readonly logger: Logger
}

/** Starts what `verifyEveryMs` asks for; returns how to end it. */
function scheduleOf(verifier: Verifier, { central, settings, logger }: Scheduled): () => Promise<void> {
  const everyMs = settings.verifyEveryMs
  if (everyMs === undefined) return () => Promise.resolve()
  if (!Number.isInteger(everyMs) || everyMs < SHORTEST_VERIFY_MS) {
    throw new TenantryError('CONFIGURATION_INVALID', '"verifyEveryMs" must be a whole number from 1,000.', {
      field: 'verifyEveryMs',
    })
  }
  const schedule = startVerifySchedule({ database: central, verifier, logger, everyMs })
  return () => schedule.stop()
}

const SHORTEST_VERIFY_MS = 1_000

async function closeAll(opened: (() => Promise<void>)[]): Promise<void> {
  for (const close of opened.splice(0).reverse()) await close()
}

/** Reads the control plane, and makes or updates it where that is needed. */
async function openInstance(central: CentralDatabase): Promise<Instance> {
  try {
    return await readInstance(central)
  } catch (error) {
    const unfinished = isTenantryError(error, 'NOT_INITIALIZED') || isTenantryError(error, 'CONTROL_PLANE_OUTDATED')
    if (!unfinished) throw error
    return initialise(central)
  }
}

/** Where the scoped login connects to: DATABASE_URL, or the instance's own login at the server of the admin URL. */
export function connectionOf(
  adminUrl: string,
  { databaseUrl }: Pick<TenantrySettings, 'databaseUrl'>,
  instance: Instance,
): PoolConfig {
  const application = { application_name: 'tenantry' }
  if (databaseUrl !== undefined) return { connectionString: databaseUrl, ...application }
  let url: URL
  try {
    url = new URL(adminUrl)
  } catch {
    throw new TenantryError('CONFIGURATION_INVALID', 'The admin URL is not a URL.')
  }
  url.username = instance.roles.login
  url.password = instance.loginPassword
  return { connectionString: url.href, ...application }
}

/** How long tenants are served from memory: `registryTtlMs`, else the seconds of `validatorCacheTtl`. */
function registryTtlOf({ registryTtlMs, resolution }: TenantrySettings): { readonly ttlMs?: number } {
  const ttlSeconds = resolution?.validatorCacheTtl
  const ttlMs = registryTtlMs ?? (ttlSeconds === undefined ? undefined : ttlSeconds * 1000)
  return ttlMs === undefined ? {} : { ttlMs }
}

function entranceOf(instance: Instance, settings: TenantrySettings): Entrance {
  return new Entrance({
    signingKey: instance.signingKey,
    appRole: instance.roles.app,
    sharedSchemas: sharedSchemasOf(settings),
    clockOffsetMs: instance.clockOffsetMs,
  })
}

/** The connection, and whether a pooler lends its sessions out: found out where the settings do not say. */
export async function throughPooler(
  connection: PoolConfig,
  { pooler = 'auto' }: Pick<TenantrySettings, 'pooler'>,
): Promise<PoolConfig & ScopedClientConfig> {
  const pooled = pooler === 'transaction' || (pooler === 'auto' && (await detectPooler(connection)))
  return pooled ? { ...connection, pooled } : connection
}

/** Refuses a login that could do more than enter tenants, and a connection on which scopes cross. */
async function checkScopedLogin(
  connection: PoolConfig & ScopedClientConfig,
  entrance: Entrance,
  instance: Instance,
): Promise<void> {
  const clients = await openTwo({ ...connection, pipeline: true })
  try {
    await checkLogin(bareSql(clients[0]), instance.roles)
    await testIsolation({ clients, entrance, appRole: instance.roles.app })
  } finally {
    await endAll(clients)
  }
}

/** Statements of the login itself, outside of every tenant. */
function bareSql(client: ScopedClient): Sql {
  return {
    query: async <R extends object>(text: string, values?: readonly unknown[]) => {
      const config = { text, values: [...(values ?? [])] }
      return (await sendFlight(client, { config })) as QueryResult<R>
    },
  }
}

function sourceOf(registry: CachedRegistry): TenantSource {
  return {
    peek: (ref, claims) => {
      const tenant = registry.peek(ref)
      return tenant && admit(tenant, claims)
    },
    admitted: async (ref, claims) => admit(await registry.lookup(ref), claims),
  }
}

function defaultsOf(settings: TenantrySettings): TenantDefaults {
  return {
    isolation: settings.isolation ?? 'row',
    autoProvision: settings.autoProvision ?? true,
    reservedSlugs: settings.reservedSlugs ?? reservedSlugs,
    purgeAfterDays: settings.purgeAfterDays ?? PURGE_AFTER_DAYS,
  }
}
