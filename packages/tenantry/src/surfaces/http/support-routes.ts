// Support accesses to a tenant: opened from above, seen by the tenant, and ended from either side.
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Support } from '../../features/operators/operator.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { App, Env } from './app.ts'
import {
  ListSupportQuery,
  OpenSupportSchema,
  SupportAccessPageSchema,
  SupportAccessSchema,
} from './contract/operators.ts'
import { NothingSchema } from './contract.ts'
import { bodyOf, queryOf, tenantOf } from './input.ts'
import { bodyFailures, failures, json, mount, type Route, secured, tenantParams } from './route.ts'

type Find = () => Support

const common = { tags: ['Support'], security: secured }
const ALL = '/api/tenants/{tenant}/support'
const actor = (c: Context<Env>) => ({ actor: c.get('actor') })

export function supportRoutes(app: App, given: Support | undefined): void {
  const find = () => {
    if (given !== undefined) return given
    throw new TenantryError('ROUTE_NOT_FOUND', 'There is no such route.')
  }
  mountList(app, find)
  mountOpen(app, find)
  mountEnd(app, find)
}

function mountList(app: App, find: Find): void {
  const route: Route = {
    ...common,
    method: 'get',
    path: ALL,
    operationId: 'listSupportAccesses',
    summary: 'List who of the operators has access to a tenant, or had it, newest first',
    request: { params: tenantParams, query: ListSupportQuery },
    responses: {
      200: { description: 'One page.', content: json(SupportAccessPageSchema) },
      ...failures(400, 401, 404),
    },
  }
  mount(app, route, async (c) => c.json(await find().list(tenantOf(c), queryOf(c, ListSupportQuery))))
}

function mountOpen(app: App, find: Find): void {
  const route: Route = {
    ...common,
    method: 'post',
    path: ALL,
    operationId: 'openSupportAccess',
    summary: 'Let an operator into a tenant for a while, to read unless it says otherwise',
    request: { params: tenantParams, body: { required: true, content: json(OpenSupportSchema) } },
    responses: {
      201: { description: 'The access.', content: json(SupportAccessSchema) },
      ...failures(...bodyFailures, 403, 404, 410),
    },
  }
  mount(app, route, async (c) => {
    const { reason = '', ...input } = await bodyOf(c, OpenSupportSchema)
    return c.json(await find().open(tenantOf(c), { ...input, reason }, actor(c)), 201)
  })
}

function mountEnd(app: App, find: Find): void {
  const route: Route = {
    ...common,
    method: 'post',
    path: `${ALL}/{id}/end`,
    operationId: 'endSupportAccess',
    summary: 'End a support access before its time; repeatable',
    request: {
      params: tenantParams.extend({ id: z.uuid() }),
      body: { required: false, content: json(NothingSchema) },
    },
    responses: {
      200: { description: 'The access as it is now.', content: json(SupportAccessSchema) },
      ...failures(...bodyFailures, 404),
    },
  }
  mount(app, route, async (c) => {
    await bodyOf(c, NothingSchema, { optional: true })
    return c.json(await find().end(tenantOf(c), c.req.param('id') ?? '', actor(c)))
  })
}
