// Tenants as a collection: create, list, read, change, delete.
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { TenantryError } from '../../kernel/errors.ts'
import type { Tenant } from '../../tenants/tenant.ts'
import type { Tenants } from '../../tenants/tenants.ts'
import type { App, Env } from './app.ts'
import { CreateTenantSchema, ListTenantsQuery, TenantPageSchema, TenantSchema, UpdateTenantSchema } from './contract.ts'
import { etagOf, isUnchanged, versionAsked } from './etag.ts'
import { bodyOf, check, jsonOf, queryOf, tenantOf } from './input.ts'
import { bodyFailures, failures, json, mount, secured, tenantAnswer, tenantParams, type Route } from './route.ts'

const tags = ['Tenants']
const ifMatch = z.object({ 'If-Match': z.string().optional().meta({ example: '"3"' }) })

/** The verb that changes what PATCH does not. */
const verbs: Readonly<Record<string, string>> = {
  status: 'use suspend, activate, deactivate, delete or restore',
  slug: 'it stays with the tenant; create another tenant',
  schemaName: 'it is given at creation; create another tenant',
  isolation: 'it is given at creation; create another tenant',
  provisionedAt: 'use provision',
  suspendReason: 'use suspend',
}

/** Answers with one tenant and its ETag. */
export function answerTenant(c: Context<Env>, tenant: Tenant): Response {
  c.header('etag', etagOf(tenant))
  return c.json(tenant)
}

export function tenantsRoutes(app: App, tenants: Tenants): void {
  mountCreate(app, tenants)
  mountList(app, tenants)
  mountGet(app, tenants)
  mountUpdate(app, tenants)
  mountDelete(app, tenants)
}

function mountCreate(app: App, tenants: Tenants): void {
  const created = tenantAnswer('Created, and provisioned unless `provision` is false.')
  const route: Route = {
    method: 'post',
    path: '/api/tenants',
    operationId: 'createTenant',
    summary: 'Create a tenant',
    tags,
    security: secured,
    request: { body: { required: true, content: json(CreateTenantSchema) } },
    responses: {
      201: { ...created, headers: created.headers.extend({ Location: z.string() }) },
      ...failures(...bodyFailures, 409),
    },
  }
  mount(app, route, async (c) => {
    const input = await bodyOf(c, CreateTenantSchema)
    const tenant = await tenants.create(input, { actor: c.get('actor') })
    c.header('etag', etagOf(tenant))
    c.header('location', `/api/tenants/${tenant.id}`)
    return c.json(tenant, 201)
  })
}

function mountList(app: App, tenants: Tenants): void {
  const route: Route = {
    method: 'get',
    path: '/api/tenants',
    operationId: 'listTenants',
    summary: 'List tenants; without a status, deleted and purged ones are left out',
    tags,
    security: secured,
    request: { query: ListTenantsQuery },
    responses: { 200: { description: 'One page.', content: json(TenantPageSchema) }, ...failures(400, 401) },
  }
  mount(app, route, async (c) => c.json(await tenants.list(queryOf(c, ListTenantsQuery))))
}

function mountGet(app: App, tenants: Tenants): void {
  const route: Route = {
    method: 'get',
    path: '/api/tenants/{tenant}',
    operationId: 'getTenant',
    summary: 'Read a tenant',
    tags,
    security: secured,
    request: { params: tenantParams, headers: z.object({ 'If-None-Match': z.string().optional() }) },
    responses: { 200: tenantAnswer('The tenant.'), ...failures(304, 401, 404, 410) },
  }
  mount(app, route, async (c) => {
    const tenant = await tenants.get(tenantOf(c))
    if (!isUnchanged(c.req.header('if-none-match'), tenant)) return answerTenant(c, tenant)
    return c.body(null, 304, { etag: etagOf(tenant) })
  })
}

function mountUpdate(app: App, tenants: Tenants): void {
  const route: Route = {
    method: 'patch',
    path: '/api/tenants/{tenant}',
    operationId: 'updateTenant',
    summary: "Change a tenant's own facts; settings and metadata are replaced as a whole",
    tags,
    security: secured,
    request: {
      params: tenantParams,
      headers: ifMatch,
      body: { required: true, content: json(UpdateTenantSchema) },
    },
    responses: { 200: tenantAnswer('Changed.'), ...failures(...bodyFailures, 403, 404, 409, 410, 412) },
  }
  mount(app, route, async (c) => {
    const body = await jsonOf(c)
    refuseImmutable(body)
    const change = check(body, UpdateTenantSchema)
    const ifVersion = versionAsked(c.req.header('if-match'))
    const options = { actor: c.get('actor'), ...(ifVersion === undefined ? {} : { ifVersion }) }
    return answerTenant(c, await tenants.update(tenantOf(c), change, options))
  })
}

function mountDelete(app: App, tenants: Tenants): void {
  const route: Route = {
    method: 'delete',
    path: '/api/tenants/{tenant}',
    operationId: 'deleteTenant',
    summary: 'Delete a tenant; it can be restored until `purgeAfter`',
    tags,
    security: secured,
    request: { params: tenantParams, headers: ifMatch },
    responses: { 200: tenantAnswer('Deleted, and kept until `purgeAfter`.'), ...failures(401, 404, 409, 410, 412) },
  }
  mount(app, route, async (c) => {
    const ifVersion = versionAsked(c.req.header('if-match'))
    const options = { actor: c.get('actor'), ...(ifVersion === undefined ? {} : { ifVersion }) }
    return answerTenant(c, await tenants.delete(tenantOf(c), options))
  })
}

/** Fields of a tenant that PATCH does not change are a conflict that names the verb, not an unknown field. */
function refuseImmutable(body: unknown): void {
  if (typeof body !== 'object' || body === null) return
  const field = Object.keys(body).find((key) => key in TenantSchema.shape && !(key in UpdateTenantSchema.shape))
  if (field === undefined) return
  const how = verbs[field] ?? 'it is kept by Tenantry'
  throw new TenantryError('FIELD_IMMUTABLE', `PATCH does not change "${field}": ${how}.`, { field })
}
