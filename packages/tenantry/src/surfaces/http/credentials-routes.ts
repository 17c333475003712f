// Direct credentials of a tenant. A password is answered once, to the admin key that asked for it, and no cache may
// keep the answer: without that a credential made over HTTP could be had by nobody but a sink.
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Credentials, DirectCredential } from '../../features/credentials/credential.ts'
import type { ActOptions } from '../../tenants/tenants.ts'
import type { App, Env } from './app.ts'
import {
  CreateCredentialSchema,
  CredentialInfoSchema,
  CredentialPageSchema,
  DirectCredentialSchema,
  NothingSchema,
  RotateCredentialSchema,
} from './contract.ts'
import { bodyOf, tenantOf } from './input.ts'
import { bodyFailures, failures, json, mount, type Route, secured, tenantParams } from './route.ts'

const ONE = '/api/tenants/{tenant}/credentials/{username}'

const actor = (c: Context<Env>): ActOptions => ({ actor: c.get('actor') })
const usernameOf = (c: Context<Env>) => ({ username: c.req.param('username') ?? '' })
const common = { tags: ['Credentials'], security: secured }
const params = tenantParams.extend({ username: z.string().meta({ example: 'acme_reports' }) })

export function credentialsRoutes(app: App, credentials: Credentials): void {
  mountList(app, credentials)
  mountCreate(app, credentials)
  mountRotate(app, credentials)
  mountRevoke(app, credentials)
  mountDrop(app, credentials)
}

function answerOnce(c: Context<Env>, credential: DirectCredential): Response {
  c.header('cache-control', 'no-store')
  return c.json(credential, 201)
}

const shownOnce = {
  description: 'The login with its password, which is shown once.',
  content: json(DirectCredentialSchema),
}

function mountList(app: App, credentials: Credentials): void {
  const route: Route = {
    ...common,
    method: 'get',
    path: '/api/tenants/{tenant}/credentials',
    operationId: 'listCredentials',
    summary: 'List the logins of a tenant, without their passwords',
    request: { params: tenantParams },
    responses: {
      200: { description: 'All of them.', content: json(CredentialPageSchema) },
      ...failures(401, 404, 410),
    },
  }
  mount(app, route, async (c) => {
    const items = await credentials.list(tenantOf(c))
    return c.json({ items, nextCursor: null, total: items.length })
  })
}

function mountCreate(app: App, credentials: Credentials): void {
  const route: Route = {
    ...common,
    method: 'post',
    path: '/api/tenants/{tenant}/credentials',
    operationId: 'createCredential',
    summary: 'Make a login for a tenant',
    request: { params: tenantParams, body: { required: false, content: json(CreateCredentialSchema) } },
    responses: { 201: shownOnce, ...failures(...bodyFailures, 403, 404, 409, 410, 502) },
  }
  mount(app, route, async (c) => {
    const input = await bodyOf(c, CreateCredentialSchema, { optional: true })
    return answerOnce(c, await credentials.create(tenantOf(c), input, actor(c)))
  })
}

function mountRotate(app: App, credentials: Credentials): void {
  const route: Route = {
    ...common,
    method: 'post',
    path: `${ONE}/rotate`,
    operationId: 'rotateCredential',
    summary: 'Make the successor of a login, which works on for a while',
    request: { params, body: { required: false, content: json(RotateCredentialSchema) } },
    responses: { 201: shownOnce, ...failures(...bodyFailures, 403, 404, 409, 410, 502) },
  }
  mount(app, route, async (c) => {
    const input = await bodyOf(c, RotateCredentialSchema, { optional: true })
    return answerOnce(c, await credentials.rotate(tenantOf(c), { ...input, ...usernameOf(c) }, actor(c)))
  })
}

function mountRevoke(app: App, credentials: Credentials): void {
  const route: Route = {
    ...common,
    method: 'post',
    path: `${ONE}/revoke`,
    operationId: 'revokeCredential',
    summary: 'Lock a login out and end its sessions',
    request: { params, body: { required: false, content: json(NothingSchema) } },
    responses: {
      200: { description: 'The login as it is now.', content: json(CredentialInfoSchema) },
      ...failures(...bodyFailures, 404, 409, 502),
    },
  }
  mount(app, route, async (c) => {
    await bodyOf(c, NothingSchema, { optional: true })
    return c.json(await credentials.revoke(tenantOf(c), usernameOf(c), actor(c)))
  })
}

function mountDrop(app: App, credentials: Credentials): void {
  const route: Route = {
    ...common,
    method: 'delete',
    path: ONE,
    operationId: 'dropCredential',
    summary: 'Drop a login, and verify that nothing of it is left',
    request: { params },
    responses: {
      200: { description: 'The login as it was.', content: json(CredentialInfoSchema) },
      ...failures(401, 404, 409, 502),
    },
  }
  mount(app, route, async (c) => c.json(await credentials.drop(tenantOf(c), usernameOf(c), actor(c))))
}
