// The route of the HTTP bench in Hono on @hono/node-server.
import { once } from 'node:events'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { requireTenant, tenancy } from 'tenantry/hono'

export function withTenancy(tenantry, read) {
  const app = new Hono()
  app.use(tenancy(tenantry))
  app.get('/items/:id', requireTenant(), async (c) => c.json(await read(c.req.param('id'))))
  return portOf(app)
}

export function plain(read) {
  const app = new Hono()
  app.get('/items/:id', async (c) => c.json(await read(c.req.param('id'), c.req.header('x-tenant-id'))))
  return portOf(app)
}

async function portOf(app) {
  const server = createAdaptorServer({ fetch: app.fetch })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server.address().port
}
