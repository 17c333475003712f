// An HTTP server that serves every tenant: http://host/<tenant>/api/auth/… is better-auth inside that tenant.
import { createServer } from 'node:http'
import { isTenantryError } from 'tenantry'
import { toNodeHandler } from 'better-auth/node'

export async function serve(tenantry, auth) {
  const handle = toNodeHandler(auth)
  const server = createServer(async (request, response) => {
    const [, slug, rest] = /^[/]([a-z0-9-]+)([/].*)$/.exec(request.url ?? '') ?? []
    try {
      request.url = rest
      await tenantry.run(slug ?? '', () => handle(request, response))
    } catch (error) {
      response.writeHead(isTenantryError(error) ? error.status : 500).end()
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => new Promise((done) => server.close(done)) }
}
