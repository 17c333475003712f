// The route of the HTTP bench in Express.
import { once } from 'node:events'
import express from 'express'
import { requireTenant, tenancy } from 'tenantry/express'

export function withTenancy(tenantry, read) {
  const app = express()
  app.use(tenancy(tenantry))
  app.get('/items/:id', requireTenant(), async (request, response) => {
    response.json(await read(request.params.id))
  })
  return portOf(app)
}

export function plain(read) {
  const app = express()
  app.get('/items/:id', async (request, response) => {
    response.json(await read(request.params.id, request.headers['x-tenant-id']))
  })
  return portOf(app)
}

async function portOf(app) {
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server.address().port
}
