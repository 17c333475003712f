// Puts the control plane together: request id, log, guard, the routes of each noun, errors as problems.
import { OpenAPIHono } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { requestId } from 'hono/request-id'
import { routePath } from 'hono/route'
import type { Logger } from '../../kernel/logger.ts'
import type { Principal } from './acting.ts'
import { guard } from './auth.ts'
import type { ControlPlane, HandlerOptions } from './control-plane.ts'
import { changesRoutes } from './changes-routes.ts'
import { credentialsRoutes } from './credentials-routes.ts'
import { docsRoutes } from './docs-routes.ts'
import { currentRoutes } from './current-routes.ts'
import { eventsRoutes } from './events-routes.ts'
import { fleetRoutes } from './fleet-routes.ts'
import { idempotency } from './idempotency.ts'
import { healthRoutes } from './health-routes.ts'
import { invitationsRoutes } from './invitations-routes.ts'
import { keysRoutes } from './keys-routes.ts'
import { lifecycleRoutes } from './lifecycle-routes.ts'
import { membersRoutes } from './members-routes.ts'
import { migrationsRoutes } from './migrations-routes.ts'
import { openapiRoute } from './openapi.ts'
import { operatorsRoutes } from './operators-routes.ts'
import { organizationsRoutes } from './organizations-routes.ts'
import { answerError } from './problem.ts'
import { rolesRoutes } from './roles-routes.ts'
import { statsRoutes } from './stats-routes.ts'
import { supportRoutes } from './support-routes.ts'
import { teamsRoutes } from './teams-routes.ts'
import { tenantsRoutes } from './tenants-routes.ts'
import { verifyRoutes } from './verify-routes.ts'

/** What a request carries through its handlers. */
export interface Env {
  Variables: {
    requestId: string
    /** Who asks; set by the guard on every route that is not public. */
    principal: Principal
    /** The same, for the audit log. */
    actor: string
    /** The tenant that the guard let the caller into; undefined where it needed none. */
    tenantId: string | undefined
    bodyLimitBytes: number
    /** The body, where it was read already. */
    bodyBytes: Uint8Array | undefined
  }
}

export type App = OpenAPIHono<Env>

const DEFAULT_BODY_LIMIT = 1024 * 1024
const REQUEST_ID_LENGTH = 64

/** The control plane as a hono app; routes may be added to it until its first request. */
export function createApp(controlPlane: ControlPlane, options: HandlerOptions = {}): App {
  const app: App = new OpenAPIHono<Env>()
  app.onError((error, c) => answerError(error, c, controlPlane.logger))
  app.use(requestId({ limitLength: REQUEST_ID_LENGTH }))
  app.use(logRequests(controlPlane.logger))
  app.use(keepAnswersPrivate)
  app.use(async (c, next) => {
    c.set('bodyLimitBytes', options.bodyLimitBytes ?? DEFAULT_BODY_LIMIT)
    await next()
  })
  app.use(guard(controlPlane, options))
  app.use(idempotency(controlPlane.idempotency, controlPlane.logger))
  healthRoutes(app, controlPlane, options.isDraining ?? (() => false))
  currentRoutes(app, controlPlane)
  tenantsRoutes(app, controlPlane.tenants)
  lifecycleRoutes(app, controlPlane.tenants)
  membersRoutes(app, controlPlane.members)
  rolesRoutes(app, controlPlane.roles)
  invitationsRoutes(app, controlPlane.invitations)
  organizationsRoutes(app, controlPlane.organizations)
  teamsRoutes(app, controlPlane.teams)
  credentialsRoutes(app, controlPlane.credentials)
  keysRoutes(app, controlPlane.keys)
  operatorsRoutes(app, controlPlane.operators)
  supportRoutes(app, controlPlane.support)
  migrationsRoutes(app, {
    ...{ migrations: controlPlane.migrations, logger: controlPlane.logger },
    isDraining: options.isDraining ?? (() => false),
  })
  changesRoutes(app, controlPlane)
  fleetRoutes(app, controlPlane)
  statsRoutes(app, controlPlane)
  eventsRoutes(app, controlPlane.tenants)
  verifyRoutes(app, controlPlane)
  openapiRoute(app, controlPlane.version)
  docsRoutes(app)
  return app
}

/** Answers are for this caller only: no shared cache keeps them, and no browser guesses another type. */
const keepAnswersPrivate: MiddlewareHandler<Env> = async (c, next) => {
  await next()
  c.header('x-content-type-options', 'nosniff')
  if (!c.res.headers.has('cache-control')) c.header('cache-control', 'private, no-cache')
}

/** One line a request. It names the route's pattern, not the path, which may hold anything. */
function logRequests(logger: Logger): MiddlewareHandler<Env> {
  return async (c, next) => {
    const started = performance.now()
    await next()
    logger.info('request', {
      requestId: c.get('requestId'),
      method: c.req.method,
      route: routePath(c, -1),
      status: c.res.status,
      ms: Math.round(performance.now() - started),
    })
  }
}
