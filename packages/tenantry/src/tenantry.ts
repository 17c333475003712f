// The composition root: what a user holds. Everything starts on first use, so that an instance can be made at module
// load and its pool handed to any library before anything is connected.
import { centralScope, type CentralScope } from './composition/central-scope.ts'
import type { EmbeddedServer } from './embedded/embedded-server.ts'
import { ScopeStore, type TenantSource } from './engine/context/scope.ts'
import { type GlobalTable, markGlobal, unmarkGlobal } from './engine/isolation/global-tables.ts'
import { type ProtectResult, protectTable } from './engine/isolation/protect.ts'
import type { TenantPool } from './engine/sql/pool-stats.ts'
import type { RequestScope } from './engine/sql/request-scope.ts'
import { ScopedPool } from './engine/sql/scoped-pool.ts'
import type { CurrentScope, ScopedWork, ScopeHandle, ScopeOptions } from './engine/sql/scope-handle.ts'
import { Scopes } from './engine/sql/scopes.ts'
import type { Transaction } from './engine/sql/transaction.ts'
import { type ExplainOptions, type ExplainResult, explainStatement } from './features/explain/explain.ts'
import type { ContextToken, TokenOptions } from './features/tokens/context-tokens.ts'
import { TenantryError } from './kernel/errors.ts'
import type { VerifyOptions } from './features/verify/create-verifier.ts'
import type { VerifyReport } from './features/verify/report.ts'
import type { HealthReport } from './kernel/health.ts'
import { type Logger, silentLogger } from './kernel/logger.ts'
import { lazily } from './composition/lazily.ts'
import { lazyNouns, type Nouns } from './composition/nouns.ts'
import { checkHealth } from './composition/health-check.ts'
import { type Requests, resolutionOf } from './composition/resolution.ts'
import { packageVersion } from './kernel/version.ts'
import { type Runtime, startRuntime } from './composition/runtime.ts'
import { sharedSchemasOf, type TenantrySettings } from './composition/settings.ts'
import type { CachedTenant } from './tenants/admission.ts'
import { type ForEachResult, forEachTenant, type TenantFilter } from './tenants/for-each.ts'
import type { Tenant, TenantRef } from './tenants/tenant.ts'
import type { Tenants } from './tenants/tenants.ts'

export interface ProtectOptions {
  /** The tenant that rows without one belong to. */
  readonly tenant?: TenantRef
  /** Plans and tries everything, then rolls back. */
  readonly dryRun?: boolean
}

export interface ForEachOptions {
  /** How many tenants at a time; default 4. */
  readonly concurrency?: number
}

/** `tenantry.tenants`: lifecycle and registry, and a walk over all tenants. */
export interface FleetTenants extends Tenants {
  /**
   * Runs a callback inside each active, provisioned tenant that matches. One tenant's failure never stops the others.
   */
  forEach(
    filter: TenantFilter,
    run: (tenant: Tenant) => Promise<unknown>,
    options?: ForEachOptions,
  ): Promise<ForEachResult>
}

/** An instance of Tenantry. */
export interface Tenantry extends Nouns, Requests, AsyncDisposable {
  readonly version: string
  readonly logger: Logger
  readonly tenants: FleetTenants
  /** A pg.Pool whose every query runs inside the tenant of the code that sent it; hand it to any library. */
  readonly pool: TenantPool
  /** Connects and checks now instead of on first use. */
  start(): Promise<void>
  /** Everything inside the callback runs in this tenant, whose handle it gets. */
  run<T>(ref: TenantRef, callback: ScopedWork<T>): Promise<T>
  run<T>(ref: TenantRef, options: ScopeOptions, callback: ScopedWork<T>): Promise<T>
  /** An explicit handle on a tenant. */
  scope(ref: TenantRef, options?: ScopeOptions): ScopeHandle
  /**
   * For bridges of web frameworks: the scope of a request that `resolve` bound to a tenant, or to none. Prefer run()
   * wherever a promise says when the work is done.
   *
   * @example
   * ```ts
   * const scope = tenantry.requestScope(undefined)
   * scope.run(() => console.log(tenantry.current()))
   * scope.end()
   * ```
   */
  requestScope(tenant: CachedTenant | undefined, options?: ScopeOptions): RequestScope
  /** The scope the running code is in, or undefined. */
  current(): CurrentScope | undefined
  /**
   * A function that gives each scope a value of its own, made on first use: for loaders and caches, which would show one
   * tenant's rows to another if they outlived the scope. It throws TENANT_CONTEXT_MISSING outside of every scope.
   *
   * @example
   * ```ts
   * const titles = tenantry.perScope(() => new Map<number, string>())
   * await tenantry.run('acme-corp', async () => titles().set(7, 'only for this run'))
   * ```
   */
  perScope<T>(make: () => T): () => T
  /**
   * A function that runs in the scope of now whenever it is called: for listeners of event emitters and sockets. Throws
   * TENANT_CONTEXT_MISSING outside of every scope. Whether the tenant may still be entered is asked with each statement.
   *
   * @example
   * ```ts
   * import { EventEmitter } from 'node:events'
   *
   * const socket = new EventEmitter()
   * await tenantry.run('acme-corp', async () => {
   *   socket.on('message', tenantry.bind(async (text) => {
   *     await tenantry.pool.query('insert into messages (text) values ($1)', [String(text)])
   *   }))
   * })
   * ```
   */
  bind<A extends unknown[], R>(callback: (...args: A) => R): (...args: A) => R
  /** Central access for a stated reason, which is written to the audit log first. */
  asCentral<T>(reason: string, run: (central: CentralScope) => Promise<T>): Promise<T>
  /** Brings a shared table into the policy form. */
  protect(table: string, options?: ProtectOptions): Promise<ProtectResult>
  /**
   * Signs a context with which a program that does not run this library can enter a tenant, for at most an hour. Throws
   * as entering it would (TENANT_NOT_FOUND, TENANT_SUSPENDED, …); each token is in the audit log, without its text.
   *
   * @example
   * ```ts
   * const { token, databaseRole } = await tenantry.token('acme-corp', { userId: 'user-42', ttlSeconds: 30 })
   * ```
   */
  token(ref: TenantRef, options?: TokenOptions): Promise<ContextToken>
  /**
   * Lists a table, or a view, as one that all tenants share on purpose, so that `verify` does not report it. Grants
   * nothing. Throws REASON_REQUIRED, TABLE_NOT_FOUND, and TABLE_UNSUPPORTED for a protected table.
   */
  markGlobal(table: string, reason: string): Promise<GlobalTable>
  /** Takes it off the list again. */
  unmarkGlobal(table: string): Promise<GlobalTable>
  /** Applies pending tenant migrations to one tenant; returns their names. */
  migrateTenant(ref: TenantRef): Promise<readonly string[]>
  /**
   * The plan of one statement under the tenant's real policy, what of its cost is the policy's, and why. Read-only and
   * rolled back. Throws STATEMENT_REFUSED, MULTIPLE_STATEMENTS and INVALID_INPUT.
   *
   * @example
   * ```ts
   * const { underPolicy, withoutPolicy, findings } = await tenantry.explain('acme', 'select * from invoices')
   * console.log(underPolicy.totalCost, withoutPolicy?.totalCost, findings.map(({ fix }) => fix))
   * ```
   */
  explain(ref: TenantRef, statement: string, options?: ExplainOptions): Promise<ExplainResult>
  /**
   * Examines the catalogue and attacks every table as the application's own login; all that it writes is rolled back.
   * What is wrong is in the checks, with its repair. The report is signed and stored.
   *
   * @example
   * ```ts
   * const { ok, checks } = await tenantry.verify()
   * if (!ok) for (const { name, subject, fix } of checks.filter((check) => !check.ok)) console.error(name, subject, fix)
   * ```
   */
  verify(options?: VerifyOptions): Promise<VerifyReport>
  /** The report of the newest run. Throws VERIFY_NOT_RUN where there is none. */
  lastVerification(): Promise<VerifyReport>
  /** The public key, as PEM, that checks this instance's reports. */
  verificationKey(): Promise<string>
  health(): Promise<HealthReport>
  /** Lets what runs finish, then closes every connection. */
  close(): Promise<void>
}

/**
 * Makes an instance. Nothing is connected before the first use, or start().
 *
 * @example
 * ```ts
 * const tenantry = createTenantry({ adminUrl: process.env.DATABASE_ADMIN_URL })
 * await tenantry.tenants.create({ name: 'ACME Corp', slug: 'acme-corp' })
 * await tenantry.run('acme-corp', () => tenantry.pool.query('select * from invoices'))
 * ```
 */
export function createTenantry(settings: TenantrySettings): Tenantry {
  const instance = new Instance(settings)
  return Object.assign(
    instance,
    lazyNouns(() => instance.nouns()),
  )
}

class Instance implements Omit<Tenantry, keyof Nouns> {
  readonly version = packageVersion
  readonly logger: Logger
  readonly tenants: FleetTenants
  readonly pool: TenantPool
  readonly resolve: Requests['resolve']
  readonly resolvers: Requests['resolvers']
  readonly users: Requests['users']
  readonly #settings: TenantrySettings
  readonly #store = new ScopeStore()
  readonly #scopes: Scopes
  #starting: Promise<Runtime> | undefined
  #runtime: Runtime | undefined
  #server: EmbeddedServer | undefined
  #closing: Promise<void> | undefined

  constructor(settings: TenantrySettings) {
    refuseUnusable(settings)
    this.#settings = settings
    this.logger = settings.logger ?? silentLogger
    const started = () => this.#started()
    const source: TenantSource = {
      peek: (ref, claims) => this.#runtime?.source.peek(ref, claims),
      admitted: async (ref, claims) => (await started()).source.admitted(ref, claims),
    }
    const pool = new ScopedPool({
      ...{ store: this.#store, start: started },
      ...{ max: settings.maxClients, sharedConnections: settings.sharedConnections },
    })
    this.pool = pool
    this.#scopes = new Scopes({ store: this.#store, source, pool })
    const requests = resolutionOf(settings, { peek: () => this.#runtime, started })
    this.resolve = requests.resolve
    this.resolvers = requests.resolvers
    this.users = requests.users
    this.tenants = {
      ...lazily<Tenants>(async () => (await started()).tenants, TENANT_METHODS),
      forEach: (filter, run, options) => this.#forEach(filter, run, options),
    }
  }

  async start(): Promise<void> {
    await this.#started()
  }

  /** What the started instance offers beside tenants and scopes. */
  async nouns(): Promise<Nouns> {
    return (await this.#started()).nouns
  }

  run<T>(ref: TenantRef, second: ScopeOptions | ScopedWork<T>, third?: ScopedWork<T>): Promise<T> {
    const callback = typeof second === 'function' ? second : third
    if (!callback) return Promise.reject(new TenantryError('INVALID_INPUT', 'run() needs a callback.'))
    return this.#scopes.run(ref, typeof second === 'function' ? {} : second, callback)
  }

  scope(ref: TenantRef, options: ScopeOptions = {}): ScopeHandle {
    return this.#scopes.handle(ref, options)
  }

  requestScope(tenant: CachedTenant | undefined, options?: ScopeOptions): RequestScope {
    return this.#scopes.ofRequest(tenant, options)
  }

  current(): CurrentScope | undefined {
    return this.#scopes.current()
  }

  perScope<T>(make: () => T): () => T {
    return this.#store.perScope(make)
  }

  bind<A extends unknown[], R>(callback: (...args: A) => R): (...args: A) => R {
    return this.#store.bind(callback)
  }

  async asCentral<T>(reason: string, run: (central: CentralScope) => Promise<T>): Promise<T> {
    return centralScope((await this.#started()).central, reason, run)
  }

  async protect(table: string, { tenant, dryRun }: ProtectOptions = {}): Promise<ProtectResult> {
    const { central, instance, tenants } = await this.#started()
    const tenantId = tenant === undefined ? undefined : (await tenants.get(tenant)).id
    return protectTable(central, { table, roles: instance.roles, tenantId, dryRun })
  }

  async token(ref: TenantRef, options?: TokenOptions): Promise<ContextToken> {
    return (await this.#started()).tokens.sign(ref, options)
  }

  async markGlobal(table: string, reason: string): Promise<GlobalTable> {
    return markGlobal((await this.#started()).central, table, reason)
  }

  async unmarkGlobal(table: string): Promise<GlobalTable> {
    return unmarkGlobal((await this.#started()).central, table)
  }

  async migrateTenant(ref: TenantRef): Promise<readonly string[]> {
    const { migrations, central } = await this.#started()
    return migrations.migrateTenant(central, ref)
  }

  async explain(ref: TenantRef, statement: string, options: ExplainOptions = {}): Promise<ExplainResult> {
    const { central, instance, tenants } = await this.#started()
    const tenant = await tenants.get(ref)
    const scope = this.scope({ id: tenant.id })
    const context = {
      ...{ tenant, central, centralRole: instance.roles.central, sharedSchemas: sharedSchemasOf(this.#settings) },
      inScope: <T>(run: (tx: Transaction) => Promise<T>) => scope.transaction(run, { readOnly: true }),
    }
    return explainStatement(context, statement, options)
  }

  async verify(options?: VerifyOptions): Promise<VerifyReport> {
    return (await this.#started()).verifier.run(options)
  }

  async lastVerification(): Promise<VerifyReport> {
    return (await this.#started()).verifier.last()
  }

  async verificationKey(): Promise<string> {
    return (await this.#started()).verifier.publicKey()
  }

  health(): Promise<HealthReport> {
    return checkHealth(() => this.#started())
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The runtime, started where it is not. A failed start is forgotten, so that the next use tries again. */
  #started(): Promise<Runtime> {
    if (this.#closing) return Promise.reject(new TenantryError('CLOSED', 'This instance was closed.'))
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined
      throw error
    })
    return this.#starting
  }

  async #start(): Promise<Runtime> {
    const adminUrl = this.#settings.adminUrl ?? (await this.#startServer())
    this.#runtime = await startRuntime(adminUrl, this.#settings, this.logger)
    return this.#runtime
  }

  async #startServer(): Promise<string> {
    const { embedded } = this.#settings
    const { startEmbedded } = await import('./embedded/embedded-server.ts')
    this.#server ??= await startEmbedded(typeof embedded === 'object' ? embedded : {})
    return this.#server.adminUrl
  }

  async #close(): Promise<void> {
    const runtime = await this.#starting?.catch(() => undefined)
    await this.pool.end()
    await runtime?.close()
    await this.#server?.stop()
  }

  async #forEach(
    filter: TenantFilter,
    run: (tenant: Tenant) => Promise<unknown>,
    options: ForEachOptions = {},
  ): Promise<ForEachResult> {
    const { central, registry } = await this.#started()
    return forEachTenant({
      ...{ database: central, filter, ...options },
      lookup: (id) => registry.lookup({ id }),
      run: async (tenant) => {
        await this.#scopes.run({ id: tenant.id }, {}, () => run(tenant))
      },
    })
  }
}

const TENANT_METHODS = [
  ...(['create', 'get', 'find', 'list', 'update', 'provision', 'suspend', 'activate', 'deactivate'] as const),
  ...(['delete', 'restore', 'purge', 'setMode', 'stats', 'events', 'resume', 'purgeDue'] as const),
] satisfies (keyof Tenants)[]

function refuseUnusable({ adminUrl, embedded }: TenantrySettings): void {
  if ((adminUrl === undefined || adminUrl === '') !== Boolean(embedded)) {
    throw new TenantryError('CONFIGURATION_INVALID', 'createTenantry needs either adminUrl or embedded.', {
      fix: 'Pass { adminUrl } with the DATABASE_ADMIN_URL, or { embedded: true } for development.',
    })
  }
}
