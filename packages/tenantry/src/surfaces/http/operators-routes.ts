// Operators and their elevations. Central power over HTTP is a token of its own, which ends by itself.
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Operators } from '../../features/operators/operator.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { App, Env } from './app.ts'
import {
  ElevateSchema,
  ElevationPageSchema,
  ElevationSchema,
  ListElevationsQuery,
  NewElevationSchema,
  OperatorPageSchema,
  OperatorSchema,
  SetOperatorSchema,
} from './contract/operators.ts'
import { NothingSchema } from './contract.ts'
import { bodyOf, queryOf } from './input.ts'
import { bodyFailures, failures, json, mount, type Route, secured } from './route.ts'

/** Where an instance has no operators, there is no such route. */
type Find = () => Operators

const common = { tags: ['Operators'], security: secured }
const ONE = '/api/operators/{userId}'
const params = z.object({ userId: z.string().meta({ description: "The application's id of the user." }) })
const userOf = (c: Context<Env>) => c.req.param('userId') ?? ''
const actor = (c: Context<Env>) => ({ actor: c.get('actor') })

export function operatorsRoutes(app: App, given: Operators | undefined): void {
  const find = () => {
    if (given !== undefined) return given
    throw new TenantryError('ROUTE_NOT_FOUND', 'There is no such route.')
  }
  mountList(app, find)
  mountSet(app, find)
  mountRemove(app, find)
  mountElevate(app, find)
  mountElevations(app, find)
  mountRelease(app, find)
}

function mountList(app: App, find: Find): void {
  const route: Route = {
    ...common,
    method: 'get',
    path: '/api/operators',
    operationId: 'listOperators',
    summary: 'List the operators of the instance',
    responses: { 200: { description: 'All of them.', content: json(OperatorPageSchema) }, ...failures(401) },
  }
  mount(app, route, async (c) => {
    const items = await find().list()
    return c.json({ items, nextCursor: null, total: items.length })
  })
}

function mountSet(app: App, find: Find): void {
  const route: Route = {
    ...common,
    method: 'put',
    path: ONE,
    operationId: 'setOperator',
    summary: 'Make a user an operator, or change the role of one',
    request: { params, body: { required: true, content: json(SetOperatorSchema) } },
    responses: { 200: { description: 'The operator.', content: json(OperatorSchema) }, ...failures(...bodyFailures) },
  }
  mount(app, route, async (c) => {
    const { role } = await bodyOf(c, SetOperatorSchema)
    return c.json(await find().set({ userId: userOf(c), role }, actor(c)))
  })
}

function mountRemove(app: App, find: Find): void {
  const route: Route = {
    ...common,
    method: 'delete',
    path: ONE,
    operationId: 'removeOperator',
    summary: 'Remove an operator; what they have open ends',
    request: { params },
    responses: { 200: { description: 'As it was.', content: json(OperatorSchema) }, ...failures(400, 401, 404) },
  }
  mount(app, route, async (c) => c.json(await find().remove(userOf(c), actor(c))))
}

function mountElevate(app: App, find: Find): void {
  const route: Route = {
    ...common,
    method: 'post',
    path: `${ONE}/elevations`,
    operationId: 'elevateOperator',
    summary: 'Let a super-admin take up central power for a while; the admin key for anybody, a user for themselves',
    request: { params, body: { required: true, content: json(ElevateSchema) } },
    responses: {
      201: { description: 'The elevation with its token, which is shown once.', content: json(NewElevationSchema) },
      ...failures(...bodyFailures, 403),
    },
  }
  mount(app, route, async (c) => {
    refuseStrangers(c)
    const { reason = '', minutes } = await bodyOf(c, ElevateSchema)
    const input = { userId: userOf(c), reason, ...(minutes === undefined ? {} : { minutes }) }
    const elevation = await find().elevate(input, actor(c))
    c.header('cache-control', 'no-store')
    return c.json(elevation, 201)
  })
}

/**
 * Who may ask for an elevation: whoever holds the admin key, and the operator, by the application's token. Not an
 * elevation, which would never end then, and no other key: it would be worth as much as the admin key.
 */
function refuseStrangers(c: Context<Env>): void {
  const principal = c.get('principal')
  if (principal.kind === 'admin') return
  if (principal.kind === 'user' && principal.user.userId === userOf(c)) return
  throw new TenantryError('FORBIDDEN', 'An elevation is asked for with the admin key, or by the operator.')
}

function mountElevations(app: App, find: Find): void {
  const route: Route = {
    ...common,
    method: 'get',
    path: '/api/elevations',
    operationId: 'listElevations',
    summary: 'List the elevations there were, newest first, without their tokens',
    request: { query: ListElevationsQuery },
    responses: { 200: { description: 'One page.', content: json(ElevationPageSchema) }, ...failures(400, 401) },
  }
  mount(app, route, async (c) => c.json(await find().elevations(queryOf(c, ListElevationsQuery))))
}

function mountRelease(app: App, find: Find): void {
  const route: Route = {
    ...common,
    method: 'post',
    path: '/api/elevations/{id}/release',
    operationId: 'releaseElevation',
    summary: 'End an elevation before its time; repeatable',
    request: { params: z.object({ id: z.uuid() }), body: { required: false, content: json(NothingSchema) } },
    responses: {
      200: { description: 'The elevation as it is now.', content: json(ElevationSchema) },
      ...failures(...bodyFailures, 404),
    },
  }
  mount(app, route, async (c) => {
    await bodyOf(c, NothingSchema, { optional: true })
    return c.json(await find().release(c.req.param('id') ?? '', actor(c)))
  })
}
