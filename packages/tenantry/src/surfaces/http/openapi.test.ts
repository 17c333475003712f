import { describe, expect, it } from 'vitest'
import { healthReport } from '../../kernel/health.ts'
import { silentLogger } from '../../kernel/logger.ts'
import type { Credentials } from '../../features/credentials/credential.ts'
import type { ApiKeys } from '../../features/keys/api-key.ts'
import type { Tenants } from '../../tenants/tenants.ts'
import { handler } from './index.ts'
import { routeTable } from './route-table.ts'

interface Operation {
  readonly operationId?: string
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[]
  readonly requestBody?: unknown
  readonly responses: Readonly<Record<string, { readonly description?: string; readonly content?: object }>>
  readonly security?: unknown
}

interface Document {
  readonly openapi: string
  readonly info: { readonly version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

const handle = handler({
  tenants: {} as Tenants,
  credentials: {} as Credentials,
  keys: { ...({} as ApiKeys), authenticate: () => Promise.resolve(null) },
  verify: () => Promise.reject(new Error('not verified here')),
  lastVerification: () => Promise.reject(new Error('not verified here')),
  health: () => Promise.resolve(healthReport({})),
  logger: silentLogger,
  version: '1.2.3',
})
const document = (await (await handle(new Request('http://localhost/openapi.json'))).json()) as Document

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
)

function refsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : refsIn(inner),
  )
}

describe('the OpenAPI document', () => {
  it('is version 3.1 and public', () => {
    expect(document.openapi).toBe('3.1.0')
    expect(document.info.version).toBe('1.2.3')
  })

  it('holds exactly the routes of the route table', () => {
    const documented = operations.map(
      ({ path, method }) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    )
    expect(documented.toSorted()).toEqual(Object.keys(routeTable).toSorted())
  })

  it('names for each route who may call it, as the route table does', () => {
    for (const { path, method, operation } of operations) {
      const scope = routeTable[`${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`] ?? 'missing'
      const [level = ''] = scope.split(' ')
      const takes = [{ adminKey: [] }, { elevation: [] }, { apiKey: [] }, { userToken: [] }]
      const count: Readonly<Record<string, number>> = { admin: 2, instance: 3, tenant: 4, user: 4 }
      const expected = level === 'public' ? undefined : takes.slice(0, count[level])
      expect(operation.security, `${method} ${path}`).toEqual(expected)
      for (const refused of ['401', '403']) {
        expect(refused in operation.responses, `${method} ${path} ${refused}`).toBe(level !== 'public')
      }
    }
    for (const scheme of ['adminKey', 'elevation', 'apiKey', 'userToken']) {
      expect(document.components['securitySchemes']).toHaveProperty(`${scheme}.scheme`, 'bearer')
    }
  })

  it('has a component for every reference', () => {
    const refs = refsIn(document)
    expect(refs.length).toBeGreaterThan(20)
    for (const ref of refs) {
      const [, part = '', name = ''] = /^#\/components\/(\w+)\/(\w+)$/.exec(ref) ?? []
      expect(document.components[part], ref).toHaveProperty(name)
    }
  })

  it('declares the parameters of each path and an id of its own for each operation', () => {
    for (const { path, method, operation } of operations) {
      const named = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path')
      expect(
        named.map((parameter) => `{${parameter.name}}`),
        `${method} ${path}`,
      ).toEqual(path.match(/\{\w+\}/g) ?? [])
      expect(
        named.every((parameter) => parameter.required),
        `${method} ${path}`,
      ).toBe(true)
    }
    const ids = operations.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(operations.length)
    expect(ids).not.toContain(undefined)
  })

  it('describes every answer, and every failure as a problem', () => {
    for (const { path, method, operation } of operations) {
      for (const [status, response] of Object.entries(operation.responses)) {
        expect(response.description, `${method} ${path} ${status}`).toBeTruthy()
        if (status === '304' || status < '400' || (path === '/health' && status === '503')) continue
        expect(response.content, `${method} ${path} ${status}`).toHaveProperty(['application/problem+json'])
      }
      expect(operation.responses, `${method} ${path}`).toHaveProperty('500')
      if (method === 'post' || method === 'patch') expect(operation.requestBody, `${method} ${path}`).toBeDefined()
    }
  })

  it('documents list parameters with their bounds', () => {
    const list = document.paths['/api/tenants']?.['get']?.parameters ?? []
    expect(list.map((parameter) => parameter.name)).toEqual(['limit', 'cursor', 'status', 'search', 'plan'])
    expect(list[0]).toMatchObject({
      in: 'query',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 100 },
    })
  })
})
