// One route of a noun, written down once: what it takes, what it answers, and the verb of the library that does it.
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { App, Env } from './app.ts'
import { bodyFailures, failures, json, mount, secured } from './route.ts'

export interface Endpoint {
  /** `POST /api/tenants/{tenant}/members` */
  readonly on: `${'GET' | 'POST' | 'PATCH' | 'DELETE'} /api/${string}`
  readonly id: string
  readonly tag: string
  readonly summary: string
  readonly query?: z.ZodObject
  readonly body?: z.ZodType
  /** Whether no body at all is as good as an empty one. */
  readonly isBodyOptional?: boolean
  readonly answer: z.ZodType
  /** Default 200. */
  readonly status?: 200 | 201
  /** The answer holds a secret that is shown once: no cache may keep it. */
  readonly isSecret?: boolean
}

const parameters: Readonly<Record<string, z.ZodType>> = {
  id: z.string().meta({ description: 'Id.' }),
  tenant: z.string().meta({ description: 'Slug or id.', example: 'acme-corp' }),
  userId: z.string().meta({ description: "The application's own id of the user.", example: 'user-42' }),
  role: z.string().meta({ example: 'auditor' }),
  invitation: z.string().meta({ description: 'Id.', example: '0198c0de-0000-7000-8000-000000000000' }),
  organization: z.string().meta({ description: 'Slug or id.', example: 'acme-holding' }),
  change: z.string().meta({ description: 'Name.', example: 'total_in_cents' }),
  team: z.string().meta({ description: 'Slug or id.', example: 'auditors' }),
}

/** Registers a route with its handler and its documentation. */
export function endpoint(app: App, given: Endpoint, answer: (c: Context<Env>) => Promise<object>): void {
  const [method = '', path = ''] = given.on.split(' ')
  const { status = 200, summary, query, body } = given
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  const params = z.object(Object.fromEntries(names.map((name) => [name, parameters[name] ?? z.string()])))
  const failing = method === 'GET' ? [400, 401, 403, 404, 410] : [...bodyFailures, 403, 404, 409, 410]
  const route = {
    ...{ path, operationId: given.id, summary, tags: [given.tag], security: secured },
    method: method.toLowerCase() as 'get' | 'post' | 'patch' | 'delete',
    request: {
      ...(names.length > 0 && { params }),
      ...(query !== undefined && { query }),
      ...(body !== undefined && { body: { required: given.isBodyOptional !== true, content: json(body) } }),
    },
    responses: {
      [status]: {
        description: given.isSecret === true ? `${summary}. Shown once.` : `${summary}.`,
        content: json(given.answer),
      },
      ...failures(...failing),
    },
  }
  mount(app, route, async (c) => {
    const result = await answer(c)
    if (given.isSecret === true) c.header('cache-control', 'no-store')
    return c.json(result, status)
  })
}
