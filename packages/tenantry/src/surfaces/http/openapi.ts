// The OpenAPI 3.1 document, made from the same declarations that register the routes.
import type { App } from './app.ts'
import { mount, internalFailure, type Route } from './route.ts'
import { z } from '@hono/zod-openapi'

const schemes = {
  adminKey: 'The admin key that the first start printed, or TENANTRY_ADMIN_KEY: everything.',
  elevation: "The token of a super-admin's open elevation, tn_op_…: everything, for a while.",
  apiKey:
    'A service key, tn_svc_…, for every tenant, or a key of one tenant, tn_key_…, for that one; by its permissions.',
  userToken: "A user's own token: in the tenants that the user belongs to, by the permissions of the role there.",
} as const

export function openapiRoute(app: App, version: string): void {
  const route: Route = {
    method: 'get',
    path: '/openapi.json',
    operationId: 'getOpenapi',
    summary: 'This document',
    tags: ['Operations'],
    responses: {
      200: {
        description: 'OpenAPI 3.1.',
        content: { 'application/json': { schema: z.record(z.string(), z.unknown()) } },
      },
      ...internalFailure,
    },
  }
  for (const [name, description] of Object.entries(schemes)) {
    app.openAPIRegistry.registerComponent('securitySchemes', name, { type: 'http', scheme: 'bearer', description })
  }
  let document: string | undefined
  mount(app, route, (c) => {
    document ??= JSON.stringify(describe(app, version))
    return c.body(document, 200, { 'content-type': 'application/json' })
  })
}

function describe(app: App, version: string) {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Tenantry control plane',
      version,
      description: 'Tenants and their life. Every error is a problem (RFC 9457) with a stable `code`.',
      license: { name: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'Tenants' },
      { name: 'Lifecycle' },
      { name: 'Members' },
      { name: 'Invitations' },
      { name: 'Organizations' },
      { name: 'Credentials' },
      { name: 'Keys' },
      { name: 'Migrations' },
      { name: 'Operations' },
    ],
  })
}
