// `tenantry/http`: the control plane as a fetch-style handler, mountable wherever a Request can be had.
import { createApp } from './app.ts'
import type { ControlPlane, HandlerOptions } from './control-plane.ts'

export type { ControlPlane, HandlerOptions, UserVerifier } from './control-plane.ts'
export type { Problem } from './contract.ts'
export { type DrainOptions, drainOnSignals, type HttpServer, type ServeOptions, serve } from './server.ts'

/**
 * The HTTP control plane of an instance. Never rejects: every failure is a problem+json answer.
 *
 * @example
 * ```ts
 * import { handler } from 'tenantry/http'
 * export default { fetch: handler(tenantry) }
 * ```
 */
export function handler(
  controlPlane: ControlPlane,
  options: HandlerOptions = {},
): (request: Request) => Promise<Response> {
  const app = createApp(controlPlane, options)
  return async (request) => app.fetch(request)
}
