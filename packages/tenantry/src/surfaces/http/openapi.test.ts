import { describe, expect, it } from 'vitest'
import { controlPlaneWith } from '../../../test/support/control-plane.ts'
import { handler } from './index.ts'
import { answersSecret, routeTable } from './route-table.ts'

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

const handle = handler(controlPlaneWith({}))
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

const SECRET = /^(key|token|password|secret|connectionString)$/

/** The names of all fields of an operation's good answers, through its references. */
function fieldsOf(operation: Operation): string[] {
  const good = Object.entries(operation.responses).filter(([status]) => status < '400')
  const seen = new Set<string>()
  const walk = (value: unknown): string[] => {
    if (typeof value !== 'object' || value === null) return []
    return Object.entries(value).flatMap(([name, inner]: [string, unknown]) => {
      if (name === 'properties' && typeof inner === 'object') return [...Object.keys(inner ?? {}), ...walk(inner)]
      if (name !== '$ref' || typeof inner !== 'string' || seen.has(inner)) return walk(inner)
      seen.add(inner)
      return walk(document.components['schemas']?.[inner.split('/').at(-1) ?? ''])
    })
  }
  return walk(good)
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

  it('takes an Idempotency-Key for every write and for nothing else', () => {
    for (const { path, method, operation } of operations) {
      const named = (operation.parameters ?? []).some(({ name }) => name === 'Idempotency-Key')
      expect([named, '422' in operation.responses], `${method} ${path}`).toEqual([method !== 'get', method !== 'get'])
    }
  })

  it('marks every write that answers with a secret, so that the answer is kept nowhere', () => {
    const secrets = operations
      .filter(({ method, operation }) => method !== 'get' && fieldsOf(operation).some((name) => SECRET.test(name)))
      .map(({ method, path }) => ({ method: method.toUpperCase(), path: path.replaceAll(/\{(\w+)\}/g, ':$1') }))
    expect(secrets.length).toBeGreaterThan(1)
    for (const route of secrets) expect(answersSecret([route]), `${route.method} ${route.path}`).toBe(true)
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
