// Fastify, with its own body parser, which runs between the onRequest hook and the handler.
import { PassThrough } from 'node:stream'
import Fastify, { type FastifyReply } from 'fastify'
import * as bridge from '../../src/bridges/fastify.ts'
import { guardOf, type Host, type HostReply } from '../../src/testing/index.ts'
import { describeHost } from '../support/host-tests.ts'

function reply(to: FastifyReply, answer: HostReply): FastifyReply {
  if ('json' in answer) {
    return to
      .code(answer.status ?? 200)
      .type('application/json')
      .send(JSON.stringify(answer.json))
  }
  const body = new PassThrough()
  void answer
    .stream(async (text) => {
      body.write(text)
    })
    .then(() => body.end())
  return to.send(body)
}

const host: Host = {
  name: 'Fastify',
  serve: async ({ tenantry, options, routes }) => {
    const app = Fastify({ forceCloseConnections: true })
    app.register(bridge.tenancy(tenantry, options))
    // Hooks of a plugin hold for the routes that come after it.
    app.register(async (scope) => {
      for (const route of routes) {
        const guard = guardOf(route, bridge)
        scope.route({
          ...{ method: route.method, url: route.path },
          ...(guard === undefined ? {} : { onRequest: guard }),
          handler: async (request, to) =>
            reply(to, await route.handle({ tenancy: request.tenancy, body: request.body })),
        })
      }
    })
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    return { port: Number(new URL(url).port), close: () => app.close() }
  },
}

describeHost(host)
