// What every route's declaration shares: its parameters, its answers, and how it joins app and OpenAPI document.
// Validation is ours (input.ts), because the library's validators let a body of another content type pass unchecked.
import { type RouteConfig, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { App, Env } from './app.ts'
import { ProblemSchema, TenantSchema } from './contract.ts'
import { routeTable, securityOf } from './route-table.ts'

const problem = { 'application/problem+json': { schema: ProblemSchema } }

const problems: Readonly<Record<number, string>> = {
  304: 'The version that If-None-Match names is still the current one.',
  400: 'The input is wrong; `field` names what.',
  401: 'No key and no token, or one that is not known.',
  403: 'Not open to this caller, or the tenant is closed; `code` says which.',
  404: 'There is no such tenant.',
  409: "The tenant's state, or another tenant or request, stands against it.",
  410: 'The tenant was purged.',
  412: 'The tenant has changed since the version that If-Match names.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  422: 'The Idempotency-Key was used for another request.',
  500: 'Something failed; the log has the cause under the request id.',
  503: 'A part that this needs is away.',
}

export type Route = RouteConfig & { readonly operationId: string }

export const json = (schema: z.ZodType) => ({ 'application/json': { schema } })

const describeFailures = (statuses: readonly number[]): RouteConfig['responses'] =>
  Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: problems[status] ?? 'Failed.', ...(status === 304 ? {} : { content: problem }) },
    ]),
  )

/** Declares the failing answers of a route that needs the database, which can always fail with 500 and 503, too. */
export const failures = (...statuses: readonly number[]) => describeFailures([...statuses, 500, 503])
export const internalFailure = describeFailures([500])
export const bodyFailures = [400, 401, 413, 415] as const
/** Not public; who may call it exactly, the route table says, and mount() writes down. */
export const secured = [{ adminKey: [] }]

export const tenantParams = z.object({
  tenant: z.string().meta({ description: 'Slug or id.', example: 'acme-corp' }),
})

const etagHeaders = z.object({ ETag: z.string().meta({ description: 'The version of the tenant.', example: '"3"' }) })

/** The answer that holds one tenant. */
export const tenantAnswer = (description: string) => ({
  description,
  headers: etagHeaders,
  content: json(TenantSchema),
})

/** Who may call a route, as the route table has it, in the words of OpenAPI; and that it may be refused. */
function guarded(route: Route, path: string): Route {
  const scope = routeTable[`${route.method.toUpperCase()} ${path}`] ?? 'admin'
  if (scope === 'public') return route
  const security = securityOf(scope).map((scheme) => ({ [scheme]: [] }))
  return { ...route, security, responses: { ...failures(401, 403), ...route.responses } }
}

const repeatable = z.object({
  'Idempotency-Key': z.string().optional().meta({
    description: 'Sent again with the same key, the request is answered as the first time, for 24 hours.',
    example: '"018f4e6a-0000-7000-8000-0000000000aa"',
  }),
})

/** Every write can be sent again under a key; its declaration says so. */
function declared(route: Route): Route {
  if (route.method === 'get') return route
  const own = route.request?.headers
  const headers = own instanceof z.ZodObject ? own.extend(repeatable.shape) : repeatable
  const responses = { ...failures(400, 409, 422), ...route.responses }
  return { ...route, request: { ...route.request, headers }, responses }
}

/** Registers a route with its handler and its documentation in one place. */
export function mount(app: App, route: Route, handle: (c: Context<Env>) => Promise<Response> | Response): void {
  const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1')
  app.openAPIRegistry.registerPath(declared(guarded(route, path)))
  app.on(route.method.toUpperCase(), path, handle)
}
