// What the host suite asks of a web framework: a server with a handful of routes behind its tenancy middleware.
import type { GuardOptions } from '../features/resolution/guard.ts'
import type { TenancyOptions } from '../features/resolution/request-tenancy.ts'
import type { Resolution } from '../features/resolution/resolution.ts'
import type { Permission } from '../tenants/access.ts'
import type { Tenantry } from '../tenantry.ts'

/** One request, as a handler of the suite gets it from the host. */
export interface HostCall {
  /** Where the host keeps it: `req.tenancy` and its like. */
  readonly tenancy: Resolution | undefined
  /** The JSON body as the host's own parser read it; undefined for a GET. */
  readonly body: unknown
}

/** What a handler answers. */
export type HostReply =
  | { readonly status?: number; readonly json: unknown }
  /** A body that is written bit by bit. The host calls the function once, inside the handler, and ends the body after it. */
  | { readonly stream: (write: (text: string) => Promise<void>) => Promise<void> }

export interface HostRoute {
  readonly method: 'GET' | 'POST'
  /** Without parameters. */
  readonly path: string
  readonly guard?: HostGuard
  handle(call: HostCall): Promise<HostReply>
}

/** A guard of the host, by its name and what it is called with. */
export type HostGuard =
  | { readonly name: 'requireTenant' | 'requireMember'; readonly options?: GuardOptions }
  | { readonly name: 'requireRole'; readonly roles: readonly string[] }
  | { readonly name: 'requirePermission'; readonly permissions: readonly Permission[] }

/** What the subpath of a host exports. */
export interface HostGuards<T> {
  requireTenant(options?: GuardOptions): T
  requireMember(options?: GuardOptions): T
  requireRole(...roles: readonly string[]): T
  requirePermission(...permissions: readonly Permission[]): T
}

export interface HostApp {
  readonly tenantry: Tenantry
  /** For `tenancy(tenantry, options)`, which is mounted before every route. */
  readonly options: TenancyOptions
  readonly routes: readonly HostRoute[]
}

/** A web framework under test. */
export interface Host {
  readonly name: string
  /** Listens on a free port of 127.0.0.1. A handler that throws is answered with 500 or the error's own status. */
  serve(app: HostApp): Promise<HostServer>
}

export interface HostServer {
  readonly port: number
  /** Also ends connections that are kept alive. */
  close(): Promise<void>
}

/**
 * The host's own guard for a route; undefined where it has none.
 *
 * @example
 * ```ts
 * import * as bridge from 'tenantry/express'
 * import { guardOf } from 'tenantry/testing'
 *
 * const handler = guardOf({ guard: { name: 'requireRole', roles: ['admin'] } }, bridge)
 * ```
 */
export function guardOf<T>({ guard }: Pick<HostRoute, 'guard'>, guards: HostGuards<T>): T | undefined {
  switch (guard?.name) {
    case undefined:
      return undefined
    case 'requireTenant':
    case 'requireMember':
      return guards[guard.name](guard.options)
    case 'requireRole':
      return guards.requireRole(...guard.roles)
    case 'requirePermission':
      return guards.requirePermission(...guard.permissions)
  }
}
