// Prisma over the scoped pool. Prisma gathers what is asked for in one tick (findUnique, $transaction) and sends all of it
// from the asynchronous context of whoever asked first: with a client that tenants share, one tenant's writes would land
// with another. Here each scope gathers for itself. Prisma also writes a schema in front of every table; that goes, so
// that the tenant's search path finds the tenant's own tables.
import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import type { PrismaPg } from '@prisma/adapter-pg'
import type { Pool, PoolClient } from '../engine/sql/pg.ts'
import { TenantryError } from '../kernel/errors.ts'
import type { Tenantry } from '../tenantry.ts'

type PrismaPgClass = typeof PrismaPg
type PrismaPgOptions = Omit<NonNullable<ConstructorParameters<PrismaPgClass>[1]>, 'schema' | 'disposeExternalPool'>

/** What of an instance the bridge uses. */
type Host = Pick<Tenantry, 'pool' | 'perScope'>

export interface ScopedPrismaOptions<Client> extends PrismaPgOptions {
  /** Makes the generated client over the adapter that it is given. */
  readonly client: (adapter: PrismaPg) => Client
}

/**
 * A Prisma client that every tenant may share: each operation runs in the scope that it is awaited in. Supports Prisma 7.10
 * and newer of Prisma 7. Throws CONFIGURATION_INVALID for another one, and where Prisma uses another copy of `pg`.
 *
 * @example
 * ```ts
 * import { PrismaPg } from '@prisma/adapter-pg'
 * import { scopedPrisma } from 'tenantry/prisma'
 *
 * const prisma = scopedPrisma(PrismaPg, tenantry, { client: (adapter) => new PrismaClient({ adapter }) })
 * await tenantry.run('acme-corp', () => prisma.invoice.findMany())
 * ```
 */
export function scopedPrisma<Client extends object>(
  Adapter: PrismaPgClass,
  tenantry: Host,
  { client: makeClient, ...options }: ScopedPrismaOptions<Client>,
): Client {
  // Nobody can write this name by chance or on purpose, so nothing but Prisma's own prefix is taken out of a text.
  const schema = `tenantry_${randomUUID()}`
  const pool = poolForPrisma(tenantry.pool, (text) => text.replaceAll(`"${schema}".`, ''))
  const adapter = new Adapter(pool, { ...options, schema })
  if (Reflect.get(adapter, 'externalPool') !== pool) throw twoCopiesOfPg()
  const client = makeClient(adapter)
  gatherPerScope(client, tenantry)
  return client
}

/** Prisma's loader of a client: `request` gathers, `options` know how the gathered are sent. */
interface Loader {
  request(request: unknown): Promise<unknown>
}
type LoaderClass = new (options: unknown) => Loader

/** Gives every scope a loader of its own, which sends what it gathered from inside that scope. */
function gatherPerScope(client: object, tenantry: Host): void {
  const loader: unknown = valueIn(client, '_requestHandler', 'dataloader')
  const options: unknown = valueIn(loader, 'options')
  const isKnown =
    isSupported(valueIn(client, '_clientVersion')) &&
    isLoader(loader) &&
    ['batchBy', 'singleLoader', 'batchLoader'].every((name) => typeof valueIn(options, name) === 'function')
  if (!isKnown) throw unsupportedPrisma()
  const LoaderOfScope = loader.constructor as LoaderClass
  const ofScope = tenantry.perScope(() => new LoaderOfScope(options))
  loader.request = async (request) => ofScope().request(request)
}

const isLoader = (value: unknown): value is Loader => typeof valueIn(value, 'request') === 'function'

/** Follows names into something whose types say nothing of it. */
function valueIn(value: unknown, ...names: readonly string[]): unknown {
  return names.reduce<unknown>(
    (at, name) => (typeof at === 'object' && at !== null ? Reflect.get(at, name) : undefined),
    value,
  )
}

function isSupported(version: unknown): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(String(version)) ?? []
  return Number(major) === 7 && Number(minor) >= 10
}

/** The pool, with every text passed through `rewrite`; what Prisma listens for comes from an emitter of its own. */
function poolForPrisma(pool: Pool, rewrite: (text: string) => string): Pool {
  const events = new EventEmitter()
  pool.on('error', (error) => {
    if (events.listenerCount('error') > 0) events.emit('error', error)
  })
  return overlay(pool, {
    ...{ on: events.on.bind(events), removeListener: events.removeListener.bind(events) },
    query: (config: Statement) => pool.query(rewritten(config, rewrite)),
    connect: async () => {
      const client = await pool.connect()
      return overlay<PoolClient>(client, { query: (config: Statement) => client.query(rewritten(config, rewrite)) })
    },
  })
}

type Statement = string | { readonly text: string }

const rewritten = (statement: Statement, rewrite: (text: string) => string) =>
  typeof statement === 'string' ? rewrite(statement) : { ...statement, text: rewrite(statement.text) }

/** An object with some members replaced; `instanceof` holds. */
function overlay<T extends object>(target: T, members: Readonly<Record<string, unknown>>): T {
  return new Proxy(target, {
    get(_, property) {
      if (typeof property === 'string' && Object.hasOwn(members, property)) return members[property]
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

const twoCopiesOfPg = () =>
  new TenantryError(
    'CONFIGURATION_INVALID',
    'Prisma uses another copy of pg than Tenantry, and took the pool for settings.',
    {
      fix: 'Make npm install one copy: `npm dedupe pg`, or the same version of pg in "overrides" of package.json.',
    },
  )

const unsupportedPrisma = () =>
  new TenantryError('CONFIGURATION_INVALID', 'This version of Prisma is not supported.', {
    fix: 'Install prisma, @prisma/client and @prisma/adapter-pg 7.10 or newer of Prisma 7.',
  })
