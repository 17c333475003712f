// Koa, which has neither a router nor a body parser of its own.
import { createServer } from 'node:http'
import { PassThrough } from 'node:stream'
import { json } from 'node:stream/consumers'
import Koa, { type Context, type Middleware } from 'koa'
import * as bridge from '../../src/bridges/koa.ts'
import { guardOf, type Host, type HostReply, type HostRoute } from '../../src/testing/index.ts'
import { describeHost } from '../support/host-tests.ts'
import { listen } from '../support/listen.ts'

function reply(ctx: Context, answer: HostReply): void {
  if ('json' in answer) {
    ctx.status = answer.status ?? 200
    // A string, because null would be an answer without a body.
    ctx.type = 'application/json'
    ctx.body = JSON.stringify(answer.json)
    return
  }
  const body = new PassThrough()
  ctx.body = body
  void answer
    .stream(async (text) => {
      body.write(text)
    })
    .then(() => body.end())
}

function middlewareOf(route: HostRoute): Middleware {
  const guard = guardOf(route, bridge)
  const handle = async (ctx: Context) => {
    const body = ctx.method === 'POST' ? await json(ctx.req) : undefined
    reply(ctx, await route.handle({ tenancy: ctx.state.tenancy, body }))
  }
  return async (ctx, next) => {
    if (ctx.method !== route.method || ctx.path !== route.path) await next()
    else if (guard === undefined) await handle(ctx)
    else await guard(ctx, () => handle(ctx))
  }
}

const host: Host = {
  name: 'Koa',
  serve: ({ tenantry, options, routes }) => {
    const app = new Koa()
    app.silent = true
    app.use(bridge.tenancy(tenantry, options))
    for (const route of routes) app.use(middlewareOf(route))
    const handler = app.callback()
    return listen(createServer((request, response) => void handler(request, response)))
  },
}

describeHost(host)
