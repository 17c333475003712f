// Express, with its own JSON parser between the middleware and the handlers.
import { createServer } from 'node:http'
import express, { type Response } from 'express'
import * as bridge from '../../src/bridges/express.ts'
import { guardOf, type Host, type HostReply } from '../../src/testing/index.ts'
import { describeHost } from '../support/host-tests.ts'
import { listen } from '../support/listen.ts'

async function reply(response: Response, answer: HostReply): Promise<void> {
  if ('json' in answer) {
    response.status(answer.status ?? 200).json(answer.json)
    return
  }
  await answer.stream(async (text) => {
    response.write(text)
  })
  response.end()
}

const host: Host = {
  name: 'Express',
  serve: ({ tenantry, options, routes }) => {
    const app = express()
    // In which Express does not print the errors that it answers.
    app.set('env', 'test')
    app.use(bridge.tenancy(tenantry, options))
    app.use(express.json())
    for (const route of routes) {
      const guard = guardOf(route, bridge)
      const handlers = guard === undefined ? [] : [guard]
      app[route.method === 'GET' ? 'get' : 'post'](route.path, ...handlers, async (request, response) => {
        await reply(response, await route.handle({ tenancy: request.tenancy, body: request.body as unknown }))
      })
    }
    return listen(createServer(app))
  },
}

describeHost(host)
