// Tenancy in NestJS, over Express or Fastify: a module that gives each request its tenant, guards, and a filter that answers
// with problems. Nothing in it is request-scoped or durable: the tenant travels with the running code, so that providers stay
// the singletons that they are and none can be kept for another tenant.
import {
  type ArgumentsHost,
  type CanActivate,
  Catch,
  createParamDecorator,
  type DynamicModule,
  type ExceptionFilter,
  type ExecutionContext,
  type FactoryProvider,
  Inject,
  Module,
  type ModuleMetadata,
  type NestModule,
  type OnApplicationShutdown,
  UseGuards,
} from '@nestjs/common'
import { type AbstractHttpAdapter, APP_FILTER, HttpAdapterHost } from '@nestjs/core'
import * as guards from '../features/resolution/guard.ts'
import { type NodeMessage, NodeRequest } from '../features/resolution/node-request.ts'
import {
  type RequestTenancy,
  requestTenancies,
  type TenancyHost,
  type TenancyOptions,
} from '../features/resolution/request-tenancy.ts'
import type { Resolution } from '../features/resolution/resolution.ts'
import { TenantryError } from '../kernel/errors.ts'
import type { Permission } from '../tenants/access.ts'

/** The token under which the instance is injected: `@Inject(TENANTRY) tenantry: Tenantry`. */
export const TENANTRY = Symbol('tenantry')
const OPTIONS = Symbol('options of TenancyModule')

/** What the module needs of an instance: a whole Tenantry has all of it. */
export interface NestTenancyHost extends TenancyHost {
  close(): Promise<void>
}

export interface TenancyModuleOptions extends TenancyOptions {
  readonly tenantry: NestTenancyHost
  /** Whether `app.close()` closes the instance, too; default true. */
  readonly closeOnShutdown?: boolean
}

export interface TenancyModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly inject?: FactoryProvider['inject']
  /** Makes the options from what is injected. */
  readonly useFactory: (...injected: never[]) => TenancyModuleOptions | Promise<TenancyModuleOptions>
}

const held = Symbol('the tenancy of a request')

/** A request of the platform: Fastify keeps Node's own in `raw`, Express has made it its own. */
interface PlatformRequest extends NodeMessage {
  readonly raw?: PlatformRequest
  readonly originalUrl?: string
  readonly url?: string
  tenancy?: Resolution
  [held]?: RequestTenancy
}

interface PlatformResponse {
  readonly raw?: PlatformResponse
  once(event: 'close', listener: () => void): unknown
}

type OnRequest = (request: PlatformRequest, response: PlatformResponse, next: () => void) => void

/**
 * Resolves the tenant of each request and runs the rest of it, guards, interceptors and handlers, inside that tenant. It refuses
 * nobody: a request without a tenant goes on outside of every scope, where queries throw. Errors of Tenantry are answered as
 * problem details. Import it once, in the root module.
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common'
 * import { TenancyModule } from 'tenantry/nestjs'
 *
 * class AppModule {}
 * Module({ imports: [TenancyModule.forRoot({ tenantry })] })(AppModule)
 * ```
 */
export class TenancyModule implements NestModule, OnApplicationShutdown {
  readonly #options: TenancyModuleOptions
  readonly #adapters: HttpAdapterHost

  constructor(options: TenancyModuleOptions, adapters: HttpAdapterHost) {
    this.#options = options
    this.#adapters = adapters
  }

  static forRoot(options: TenancyModuleOptions): DynamicModule {
    return moduleOf({ useFactory: () => options })
  }

  /** With options that other providers are needed for. */
  static forRootAsync(options: TenancyModuleAsyncOptions): DynamicModule {
    return moduleOf(options)
  }

  /** Called by Nest before it registers routes. Middleware of Nest's own is matched by path, which absolute targets pass by. */
  configure(): void {
    mountIn(this.#adapters.httpAdapter, onRequestOf(this.#options.tenantry, this.#options))
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.#options.closeOnShutdown !== false) await this.#options.tenantry.close()
  }
}

/** Answers errors of Tenantry, and what guards refuse, as problem details. `TenancyModule` has it in place. */
export class TenancyFilter implements ExceptionFilter {
  readonly #adapters: HttpAdapterHost
  readonly #tenantry: NestTenancyHost

  constructor(adapters: HttpAdapterHost, tenantry: NestTenancyHost) {
    this.#adapters = adapters
    this.#tenantry = tenantry
  }

  catch(thrown: Refused | TenantryError, host: ArgumentsHost): void {
    // Over other transports the host's own filters say how an error looks.
    if (host.getType() !== 'http') throw thrown
    const answer = thrown instanceof Refused ? thrown.answer : this.#answerOf(thrown, tenancyOf(host))
    const { httpAdapter } = this.#adapters
    const response: unknown = host.switchToHttp().getResponse()
    for (const [name, value] of Object.entries(answer.headers)) httpAdapter.setHeader(response, name, value)
    httpAdapter.reply(response, answer.body, answer.status)
  }

  #answerOf(error: TenantryError, tenancy: RequestTenancy | undefined): guards.GuardAnswer {
    const answer = guards.errorAnswer(error, tenancy)
    const fields = { requestId: answer.headers['x-request-id'], code: error.code, cause: causeOf(error) }
    if (error.status >= 500) this.#tenantry.logger.error(error.message, fields)
    return answer
  }
}

/** What a guard throws for the filter to answer. */
class Refused extends Error {
  readonly answer: guards.GuardAnswer

  constructor(answer: guards.GuardAnswer) {
    super('A guard refused the request.')
    this.answer = answer
  }
}

/**
 * Lets requests on that are bound to a tenant: 404, 403, 409, 401 or 503 as problem details for others. With `loginUrl`
 * browsers that are not signed in are sent there.
 *
 * @example
 * ```ts
 * import { UseGuards } from '@nestjs/common'
 * import { requireTenant } from 'tenantry/nestjs'
 *
 * class InvoicesController {}
 * UseGuards(requireTenant({ loginUrl: '/login' }))(InvoicesController)
 * ```
 */
export const requireTenant = (options?: guards.GuardOptions): CanActivate => guardOf(guards.tenantGuard(options))

/** Lets members of the tenant on; others get 403. */
export const requireMember = (options?: guards.GuardOptions): CanActivate => guardOf(guards.memberGuard(options))

/** Lets members on whose role is one of these; others get 403. */
export const requireRole = (...roles: readonly string[]): CanActivate => guardOf(guards.roleGuard(roles))

/** Lets members and keys on that have all of these permissions; others get 403. */
export const requirePermission = (...permissions: readonly Permission[]): CanActivate =>
  guardOf(guards.permissionGuard(permissions))

/** `requireTenant()` as a class, for `@UseGuards(TenantGuard)` and APP_GUARD. */
export class TenantGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return allows(tenantGuard, context)
  }
}

/** `requireMember()` as a class, for `@UseGuards(MemberGuard)` and APP_GUARD. */
export class MemberGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return allows(memberGuard, context)
  }
}

/** `@RequireRole('owner', 'admin')` on a controller or a handler: `requireRole` as a decorator. */
export const RequireRole = (...roles: readonly string[]): MethodDecorator & ClassDecorator =>
  UseGuards(requireRole(...roles))

/** `@RequirePermission('invoices:write')` on a controller or a handler: `requirePermission` as a decorator. */
export const RequirePermission = (...permissions: readonly Permission[]): MethodDecorator & ClassDecorator =>
  UseGuards(requirePermission(...permissions))

/** `@CurrentTenant()`: the tenant of the request, for a handler's parameter; undefined where none was bound. */
export const CurrentTenant: () => ParameterDecorator = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Resolution['tenant'] => tenancyOf(context)?.resolution.tenant,
)

const tenantGuard = guards.tenantGuard()
const memberGuard = guards.memberGuard()

const guardOf = (guard: guards.Guard): CanActivate => ({ canActivate: (context) => allows(guard, context) })

const causeOf = ({ cause }: TenantryError) => (cause instanceof Error ? cause.message : undefined)

function allows(guard: guards.Guard, context: ArgumentsHost): boolean {
  const answer = guard(tenancyOf(context))
  if (answer === undefined) return true
  throw new Refused(answer)
}

function tenancyOf(context: ArgumentsHost): RequestTenancy | undefined {
  const request = context.switchToHttp().getRequest<PlatformRequest>()
  return (request.raw ?? request)[held]
}

function onRequestOf(tenantry: TenancyHost, options: TenancyOptions): OnRequest {
  const open = requestTenancies(tenantry, options)
  return (request, response, next) => {
    const message = request.raw ?? request
    const enter = (opened: RequestTenancy) => {
      request.tenancy = opened.resolution
      message[held] = opened
      if (opened.isBound) (response.raw ?? response).once('close', () => opened.end())
      opened.run(next)
    }
    const opened = open(new NodeRequest(message, request.originalUrl ?? request.url ?? '/', request))
    if ('then' in opened) void opened.then(enter)
    else enter(opened)
  }
}

/** What is used of a Fastify instance: a hook at its root is there for every route, also for those that came before. */
interface FastifyLike {
  addHook(name: 'onRequest', hook: OnRequest): unknown
}

function mountIn(adapter: AbstractHttpAdapter, onRequest: OnRequest): void {
  if (adapter.getType() === 'fastify') adapter.getInstance<FastifyLike>().addHook('onRequest', onRequest)
  else adapter.use(onRequest as Parameters<AbstractHttpAdapter['use']>[0])
}

function moduleOf({ imports, inject, useFactory }: TenancyModuleAsyncOptions): DynamicModule {
  const options: FactoryProvider = { provide: OPTIONS, useFactory, ...(inject && { inject }) }
  const instance: FactoryProvider<NestTenancyHost> = {
    provide: TENANTRY,
    useFactory: ({ tenantry }: TenancyModuleOptions) => tenantry,
    inject: [OPTIONS],
  }
  return {
    module: TenancyModule,
    global: true,
    ...(imports && { imports }),
    providers: [options, instance, { provide: APP_FILTER, useClass: TenancyFilter }],
    exports: [TENANTRY],
  }
}

// Decorators as the functions that they are: parameter decorators are no part of the language.
Module({})(TenancyModule)
Inject(OPTIONS)(TenancyModule, undefined, 0)
Inject(HttpAdapterHost)(TenancyModule, undefined, 1)
Catch(Refused, TenantryError)(TenancyFilter)
Inject(HttpAdapterHost)(TenancyFilter, undefined, 0)
Inject(TENANTRY)(TenancyFilter, undefined, 1)
