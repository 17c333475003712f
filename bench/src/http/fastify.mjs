// The route of the HTTP bench in Fastify.
import Fastify from 'fastify'
import { requireTenant, tenancy } from 'tenantry/fastify'

export function withTenancy(tenantry, read) {
  const app = Fastify()
  app.register(tenancy(tenantry))
  app.register(async (scope) => {
    scope.get('/items/:id', { onRequest: requireTenant() }, (request) => read(request.params.id))
  })
  return portOf(app)
}

export function plain(read) {
  const app = Fastify()
  app.get('/items/:id', (request) => read(request.params.id, request.headers['x-tenant-id']))
  return portOf(app)
}

async function portOf(app) {
  return Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port)
}
