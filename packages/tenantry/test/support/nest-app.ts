// A controller of Nest made of the host suite's routes, with its decorators called as the functions that they are.
import { PassThrough } from 'node:stream'
import {
  Body,
  Controller,
  type DynamicModule,
  Get,
  HttpCode,
  type INestApplication,
  Module,
  type NestApplicationOptions,
  Post,
  Req,
  StreamableFile,
  type Type,
  UseGuards,
} from '@nestjs/common'
import type { AbstractHttpAdapter } from '@nestjs/core'
import { NestFactory } from '@nestjs/core'
import * as bridge from '../../src/bridges/nestjs.ts'
import type { Resolution } from '../../src/features/resolution/resolution.ts'
import { guardOf, type HostApp, type HostReply, type HostRoute } from '../../src/testing/index.ts'

type Handlers = Record<string, (request: { readonly tenancy: Resolution }, body: unknown) => Promise<unknown>>

function answered(reply: HostReply): unknown {
  if ('json' in reply) return { answer: reply.json }
  const body = new PassThrough()
  void reply
    .stream(async (text) => {
      body.write(text)
    })
    .then(() => body.end())
  return new StreamableFile(body, { type: 'text/plain' })
}

/** A class to be decorated: a plain function is one to Nest. */
const emptyClass = () => function Empty() {} as unknown as Type

/** A singleton, as every controller of Nest is. */
export function controllerOf(routes: readonly HostRoute[]): Type {
  const Routes = emptyClass()
  const handlers = Routes.prototype as unknown as Handlers
  for (const [index, route] of routes.entries()) {
    const name = `handle${index}`
    handlers[name] = async (request, body) => {
      const answer = answered(await route.handle({ tenancy: request.tenancy, body }))
      return answer instanceof StreamableFile ? answer : JSON.stringify((answer as { answer: unknown }).answer)
    }
    const descriptor = Object.getOwnPropertyDescriptor(handlers, name) ?? {}
    const guard = guardOf(route, bridge)
    const decorators = [
      route.method === 'GET' ? Get(route.path) : Post(route.path),
      HttpCode(200),
      ...(guard === undefined ? [] : [UseGuards(guard)]),
    ]
    for (const decorate of decorators) decorate(handlers, name, descriptor)
    Req()(handlers, name, 0)
    Body()(handlers, name, 1)
  }
  Controller()(Routes)
  return Routes
}

interface AppParts {
  readonly module: DynamicModule
  readonly controllers: readonly Type[]
  readonly providers?: readonly Type[]
}

export async function openApp(
  adapter: AbstractHttpAdapter,
  { module, controllers, providers = [] }: AppParts,
): Promise<INestApplication> {
  const AppModule = emptyClass()
  Module({ imports: [module], controllers: [...controllers], providers: [...providers] })(AppModule)
  const options: unknown = { logger: false, abortOnError: false, forceCloseConnections: true }
  return NestFactory.create(AppModule, adapter, options as NestApplicationOptions)
}

export async function serveNest(adapter: AbstractHttpAdapter, { tenantry, options, routes }: HostApp) {
  const module = bridge.TenancyModule.forRoot({ tenantry, closeOnShutdown: false, ...options })
  const app = await openApp(adapter, { controllers: [controllerOf(routes)], module })
  await app.listen(0, '127.0.0.1')
  return { port: Number(new URL(await app.getUrl()).port), close: () => app.close() }
}
