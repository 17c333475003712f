// API keys: those of a tenant below its path, service keys at /api/keys. A key is answered once, to whoever asked for
// it, and no cache may keep the answer.
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { ApiKeys, NewApiKey } from '../../features/keys/api-key.ts'
import { actingFor } from './acting.ts'
import type { App, Env } from './app.ts'
import { NothingSchema } from './contract.ts'
import {
  ApiKeyPageSchema,
  ApiKeySchema,
  CreateApiKeySchema,
  ListApiKeysQuery,
  NewApiKeySchema,
  RotateApiKeySchema,
} from './contract/keys.ts'
import { bodyOf, queryOf, tenantOf } from './input.ts'
import { bodyFailures, failures, json, mount, type Route, secured, tenantParams } from './route.ts'

/** One of the two places where keys are. */
interface Place {
  readonly base: string
  /** For operation ids: `listKeys` and `listServiceKeys`. */
  readonly noun: 'Key' | 'ServiceKey'
  readonly whose: string
  readonly params: z.ZodObject
  readonly ref: (c: Context<Env>) => string | null
}

const ofTenant: Place = {
  ...{ base: '/api/tenants/{tenant}/keys', noun: 'Key', whose: 'of a tenant' },
  ...{ params: tenantParams, ref: tenantOf },
}
const ofInstance: Place = {
  ...{ base: '/api/keys', noun: 'ServiceKey', whose: 'that is good for every tenant' },
  ...{ params: z.object({}), ref: () => null },
}

const common = { tags: ['Keys'], security: secured }
const idOf = (c: Context<Env>) => c.req.param('id') ?? ''
const withId = ({ params }: Place) => params.extend({ id: z.uuid() })
const shownOnce = { description: 'The key, which is shown once.', content: json(NewApiKeySchema) }

export function keysRoutes(app: App, keys: ApiKeys): void {
  for (const place of [ofTenant, ofInstance]) {
    mountList(app, keys, place)
    mountCreate(app, keys, place)
    mountGet(app, keys, place)
    mountRotate(app, keys, place)
    mountRevoke(app, keys, place)
  }
}

function answerOnce(c: Context<Env>, key: NewApiKey): Response {
  c.header('cache-control', 'no-store')
  const base = key.tenantId === null ? '/api/keys' : `/api/tenants/${key.tenantId}/keys`
  c.header('location', `${base}/${key.id}`)
  return c.json(key, 201)
}

function mountList(app: App, keys: ApiKeys, place: Place): void {
  const route: Route = {
    ...common,
    method: 'get',
    path: place.base,
    operationId: `list${place.noun}s`,
    summary: `List each key ${place.whose}, ended ones included, newest first`,
    request: { params: place.params, query: ListApiKeysQuery },
    responses: { 200: { description: 'One page.', content: json(ApiKeyPageSchema) }, ...failures(400, 401, 404) },
  }
  mount(app, route, async (c) => {
    const ref = place.ref(c)
    return c.json(await keys.list(ref, queryOf(c, ListApiKeysQuery)))
  })
}

function mountCreate(app: App, keys: ApiKeys, place: Place): void {
  const route: Route = {
    ...common,
    method: 'post',
    path: place.base,
    operationId: `create${place.noun}`,
    summary: `Make a key ${place.whose}; it holds no permission that its maker lacks`,
    request: { params: place.params, body: { required: true, content: json(CreateApiKeySchema) } },
    responses: { 201: shownOnce, ...failures(...bodyFailures, 403, 404, 409, 410) },
  }
  mount(app, route, async (c) => {
    const ref = place.ref(c)
    const input = await bodyOf(c, CreateApiKeySchema)
    return answerOnce(c, await keys.create(ref, input, actingFor(c)))
  })
}

function mountGet(app: App, keys: ApiKeys, place: Place): void {
  const route: Route = {
    ...common,
    method: 'get',
    path: `${place.base}/{id}`,
    operationId: `get${place.noun}`,
    summary: `Read a key ${place.whose}, without its secret`,
    request: { params: withId(place) },
    responses: { 200: { description: 'The key.', content: json(ApiKeySchema) }, ...failures(401, 404) },
  }
  mount(app, route, async (c) => c.json(await keys.get(place.ref(c), idOf(c))))
}

function mountRotate(app: App, keys: ApiKeys, place: Place): void {
  const route: Route = {
    ...common,
    method: 'post',
    path: `${place.base}/{id}/rotate`,
    operationId: `rotate${place.noun}`,
    summary: `Make the successor of a key ${place.whose}, which works on for a while`,
    request: { params: withId(place), body: { required: false, content: json(RotateApiKeySchema) } },
    responses: { 201: shownOnce, ...failures(...bodyFailures, 403, 404, 409, 410) },
  }
  mount(app, route, async (c) => {
    const ref = place.ref(c)
    const { graceSeconds } = await bodyOf(c, RotateApiKeySchema, { optional: true })
    const options = { ...actingFor(c), ...(graceSeconds === undefined ? {} : { graceSeconds }) }
    return answerOnce(c, await keys.rotate(ref, idOf(c), options))
  })
}

function mountRevoke(app: App, keys: ApiKeys, place: Place): void {
  const route: Route = {
    ...common,
    method: 'post',
    path: `${place.base}/{id}/revoke`,
    operationId: `revoke${place.noun}`,
    summary: `End a key ${place.whose} for good, in every process at once`,
    request: { params: withId(place), body: { required: false, content: json(NothingSchema) } },
    responses: {
      200: { description: 'The key as it is now.', content: json(ApiKeySchema) },
      ...failures(...bodyFailures, 404, 409, 410),
    },
  }
  mount(app, route, async (c) => {
    const ref = place.ref(c)
    await bodyOf(c, NothingSchema, { optional: true })
    return c.json(await keys.revoke(ref, idOf(c), { actor: c.get('actor') }))
  })
}
