// Hono on @hono/node-server.
import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { stream } from 'hono/streaming'
import * as bridge from '../../src/bridges/hono.ts'
import { guardOf, type Host, type HostReply } from '../../src/testing/index.ts'
import { describeHost } from '../support/host-tests.ts'
import { listen } from '../support/listen.ts'

type Env = { readonly Variables: bridge.TenancyVariables }

function reply(c: Context<Env>, answer: HostReply): Response {
  if ('json' in answer) {
    return new Response(JSON.stringify(answer.json), {
      status: answer.status ?? 200,
      headers: { 'content-type': 'application/json' },
    })
  }
  return stream(c, async (body) => {
    await answer.stream(async (text) => {
      await body.write(text)
    })
  })
}

const host: Host = {
  name: 'Hono',
  serve: ({ tenantry, options, routes }) => {
    const app = new Hono<Env>()
    app.use(bridge.tenancy(tenantry, options))
    for (const route of routes) {
      const guard = guardOf(route, bridge)
      if (guard !== undefined) app.on(route.method, route.path, guard)
      app.on(route.method, route.path, async (c) => {
        const body: unknown = c.req.method === 'POST' ? await c.req.json() : undefined
        return reply(c, await route.handle({ tenancy: c.get('tenancy'), body }))
      })
    }
    app.onError((_error, c) => c.json({ failed: true }, 500))
    // Without server options of its own kind the adapter makes a plain HTTP/1 server.
    return listen(createAdaptorServer({ fetch: app.fetch }) as Server)
  },
}

describeHost(host)
