// MikroORM over the scoped pool. MikroORM queries through a Knex of its own, whose pool would keep one tenant's connection
// for another; here its client takes one for each use. And it remembers what it has read: so each scope gets an
// entity manager of its own, one that was used in a tenant refuses another, and the result cache is kept by tenant.
import type { MikroORM as AnyMikroORM } from '@mikro-orm/core'
import type {
  MikroORM,
  Options,
  PostgreSqlDriver,
  PostgreSqlKnexDialect,
  SqlEntityManager,
} from '@mikro-orm/postgresql'
import type { Pool, PoolClient, QueryConfig } from '../engine/sql/pg.ts'
import { TenantryError } from '../kernel/errors.ts'
import type { Tenantry } from '../tenantry.ts'

/** What the bridge needs of `@mikro-orm/postgresql`. */
export interface MikroOrmPackage {
  readonly MikroORM: typeof MikroORM
  readonly PostgreSqlKnexDialect: typeof PostgreSqlKnexDialect
  readonly SqlEntityManager: typeof SqlEntityManager
}

/** What `MikroORM.init` of that package makes. */
export type ScopedMikroOrm = AnyMikroORM<PostgreSqlDriver>

/** What the bridge does not settle itself. */
export type ScopedMikroOrmOptions = Omit<
  Options,
  | ('driver' | 'driverOptions' | 'connect' | 'ensureDatabase' | 'context' | 'allowGlobalContext' | 'entityManager')
  | ('pool' | 'replicas' | 'clientUrl' | 'host' | 'port' | 'user' | 'password' | 'dbName' | 'schema')
>

/** What of an instance the bridge uses. */
type Host = Pick<Tenantry, 'pool' | 'perScope' | 'current'>

/**
 * A MikroORM that every tenant may share: inside a scope `orm.em` is that scope's own entity manager. Supports MikroORM 6.6
 * and newer of MikroORM 6; throws CONFIGURATION_INVALID for another one. An entity manager that was used in one tenant throws
 * CLIENT_SCOPE_MISMATCH in another.
 *
 * @example
 * ```ts
 * import * as postgresql from '@mikro-orm/postgresql'
 * import { scopedMikroOrm } from 'tenantry/mikro-orm'
 *
 * const orm = await scopedMikroOrm(postgresql, tenantry, { entities: [] })
 * await tenantry.run('acme-corp', () => orm.em.execute('select * from invoices'))
 * ```
 */
export async function scopedMikroOrm(
  postgresql: MikroOrmPackage,
  tenantry: Host,
  options: ScopedMikroOrmOptions,
): Promise<ScopedMikroOrm> {
  refuseUnsupported(postgresql)
  const ofScope = tenantry.perScope((): ScopedMikroOrm['em'] => orm.em.fork({ disableContextResolution: true }))
  const orm: ScopedMikroOrm = await postgresql.MikroORM.init({
    ...options,
    // MikroORM asks for a name; the pool is what knows the database.
    dbName: 'tenantry',
    driverOptions: { client: knexClient(postgresql, tenantry.pool) },
    entityManager: entityManager(postgresql, tenantry),
    context: () => (tenantry.current() === undefined ? undefined : ofScope()),
    // Outside of every tenant it is the pool that refuses.
    allowGlobalContext: true,
    connect: false,
    ensureDatabase: false,
  })
  return orm
}

function refuseUnsupported({ MikroORM, PostgreSqlKnexDialect, SqlEntityManager }: MikroOrmPackage): void {
  const methods: readonly (readonly [unknown, string])[] = [
    [MikroORM, 'init'],
    [valueOf(PostgreSqlKnexDialect, 'prototype'), 'acquireConnection'],
    [valueOf(SqlEntityManager, 'prototype'), 'getContext'],
  ]
  if (methods.every(([holder, name]) => typeof valueOf(holder, name) === 'function')) return
  throw new TenantryError('CONFIGURATION_INVALID', 'This version of MikroORM is not supported.', {
    fix: 'Install @mikro-orm/core and @mikro-orm/postgresql 6.6 or newer of MikroORM 6.',
  })
}

const valueOf = (holder: unknown, name: string): unknown =>
  (typeof holder === 'object' && holder !== null) || typeof holder === 'function'
    ? Reflect.get(holder, name)
    : undefined

/** What the bridge overrides of a Knex client, which has no types where MikroORM shows it. */
interface KnexClient {
  readonly config: { readonly connection?: { readonly types?: QueryConfig['types'] } }
  _query(connection: PoolClient, statement: KnexStatement): Promise<unknown>
}
interface KnexStatement {
  options?: object
}

/** MikroORM's Knex client, without a pool of its own. */
function knexClient({ PostgreSqlKnexDialect }: MikroOrmPackage, pool: Pool): typeof PostgreSqlKnexDialect {
  const Base = PostgreSqlKnexDialect as unknown as new (config: unknown) => KnexClient
  let uses = 0
  const Client = class extends Base {
    /** There is no pool of Knex's own. */
    initializePool(): void {}

    async acquireConnection(): Promise<PoolClient> {
      // Here and not at the first statement: this Knex hides why a BEGIN has failed.
      const client = await pool.connect()
      // What Knex tells connections apart by.
      return Object.assign(client, { __knexUid: `tenantry${++uses}` })
    }

    async releaseConnection(client: PoolClient): Promise<void> {
      client.release()
    }

    /** With MikroORM's own parsers of dates, which it would set on a connection that it makes. */
    override _query(connection: PoolClient, statement: KnexStatement): Promise<unknown> {
      statement.options = { types: this.config.connection?.types, ...statement.options }
      return super._query(connection, statement)
    }
  }
  return Client as unknown as typeof PostgreSqlKnexDialect
}

/** What the bridge overrides of an entity manager. */
interface Manager {
  getContext(validate?: boolean): object
}

interface ResultCache {
  get(name: string): unknown
  set(name: string, ...rest: readonly unknown[]): unknown
  remove(name: string): unknown
}

/** MikroORM's entity manager, which belongs to the tenant that it was first used in. */
function entityManager({ SqlEntityManager }: MikroOrmPackage, tenantry: Host): Options['entityManager'] {
  const Base = SqlEntityManager as unknown as new (...args: unknown[]) => Manager
  const tenants = new WeakMap<object, string>()
  const TenantManager = class extends Base {
    constructor(...args: unknown[]) {
      super(...args)
      const cache: unknown = Reflect.get(this, 'resultCache')
      Reflect.set(this, 'resultCache', cacheByTenant(cache as ResultCache, tenantry))
    }

    override getContext(validate?: boolean): object {
      const manager = super.getContext(validate)
      const tenantId = tenantry.current()?.tenantId
      const owner = tenants.get(manager)
      if (owner !== undefined && owner !== tenantId) {
        throw new TenantryError('CLIENT_SCOPE_MISMATCH', 'An entity manager was used in another tenant than before.', {
          fix: 'Use orm.em, or fork it, inside the scope that uses it: an entity manager remembers what it has read.',
        })
      }
      if (tenantId !== undefined) tenants.set(manager, tenantId)
      return manager
    }
  }
  return TenantManager as unknown as Options['entityManager']
}

/** A cache that keeps each tenant's entries under names of their own. */
function cacheByTenant(cache: ResultCache, tenantry: Host): ResultCache {
  const named = (name: string) => `${tenantry.current()?.tenantId ?? ''}:${name}`
  return new Proxy(cache, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      if (property !== 'get' && property !== 'set' && property !== 'remove') return value.bind(target) as unknown
      return (name: string, ...rest: unknown[]): unknown => Reflect.apply(value, target, [named(name), ...rest])
    },
  })
}
