// The target behind a URL: the HTTP API, spoken with fetch.
import { onlyLogin } from '../../features/credentials/login-choice.ts'
import type { CredentialInfo } from '../../features/credentials/credential.ts'
import { type ErrorCode, errorCodes } from '../../kernel/error-codes.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { VerifyOptions } from '../../features/verify/create-verifier.ts'
import type { VerifyReport } from '../../features/verify/report.ts'
import type { Page, TenantRef } from '../../tenants/tenant.ts'
import { readEvents, type ServerEvent } from './event-stream.ts'
import { migrationsOver } from './migrations-target.ts'
import { changesOver } from './changes-target.ts'
import { fleetOver } from './fleet-target.ts'
import type { OpenLines } from './answer-lines.ts'
import { peopleOver } from './people-target.ts'
import { organizationsOver, teamsOver } from './organizations-target.ts'
import { queryText } from './query-text.ts'
import type { Target } from './target.ts'

export interface HttpTargetOptions {
  readonly url: string
  readonly key: string
}

interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly body?: object
}

/** Asks the HTTP API, and throws its errors. */
export type Api = <T>(path: string, call?: Call) => Promise<T>

export interface HttpTarget extends Target {
  verify(options: VerifyOptions): Promise<VerifyReport>
}

/** The HTTP API as a target. Its errors are the server's own, by code; SERVER_UNREACHABLE where none answers. */
export function httpTarget(options: HttpTargetOptions): HttpTarget {
  const api = connect(options)
  const act = <T>(ref: TenantRef, verb: string, body: object = {}): Promise<T> =>
    api(`${pathOf(ref)}/${verb}`, { method: 'POST', body })
  return {
    tenants: {
      create: (input) => api('api/tenants', { method: 'POST', body: input }),
      get: (ref) => api(pathOf(ref)),
      list: (query = {}) => api(`api/tenants${queryText(query)}`),
      update: (ref, change) => api(pathOf(ref), { method: 'PATCH', body: change }),
      provision: (ref) => act(ref, 'provision'),
      suspend: (ref, given = {}) => act(ref, 'suspend', given.reason === undefined ? {} : { reason: given.reason }),
      activate: (ref) => act(ref, 'activate'),
      deactivate: (ref) => act(ref, 'deactivate'),
      delete: (ref) => api(pathOf(ref), { method: 'DELETE' }),
      restore: (ref) => act(ref, 'restore'),
      purge: (ref, { confirm }) => act(ref, 'purge', { confirm }),
      setMode: (ref, input) => act(ref, 'mode', input),
      stats: () => api('api/stats'),
    },
    credentials: credentialsOver(api),
    operators: operatorsOver(api),
    support: supportOver(api),
    keys: keysOver(api),
    ...peopleOver(api),
    organizations: organizationsOver(api),
    teams: teamsOver(api),
    migrations: migrationsOver({ api, events: (path) => eventsOf(options, path) }),
    changes: changesOver(api, linesFrom(options)),
    fleet: fleetOver(api, linesFrom(options)),
    verify: ({ only, readOnly, allowSkipped, sampleSchemas }) =>
      api('api/verify', { method: 'POST', body: { only, readOnly, allowSkipped, sampleSchemas } }),
    close: async () => {},
  }
}

function credentialsOver(api: Api): Target['credentials'] {
  const list = (ref: TenantRef): Promise<Page<CredentialInfo>> => api(`${pathOf(ref)}/credentials`)
  const pathTo = async (ref: TenantRef, username: string | undefined): Promise<string> =>
    `${pathOf(ref)}/credentials/${encodeURIComponent(username ?? onlyLogin((await list(ref)).items).username)}`
  return {
    list,
    create: (ref, input) => api(`${pathOf(ref)}/credentials`, { method: 'POST', body: input }),
    rotate: async (ref, { username, ...body }) =>
      api(`${await pathTo(ref, username)}/rotate`, { method: 'POST', body }),
    revoke: async (ref, { username }) => api(`${await pathTo(ref, username)}/revoke`, { method: 'POST', body: {} }),
    drop: async (ref, { username }) => api(await pathTo(ref, username), { method: 'DELETE' }),
  }
}

function operatorsOver(api: Api): Target['operators'] {
  const one = (userId: string) => `api/operators/${encodeURIComponent(userId)}`
  return {
    list: () => api('api/operators'),
    set: ({ userId, role }) => api(one(userId), { method: 'PUT', body: { role } }),
    remove: (userId) => api(one(userId), { method: 'DELETE' }),
    elevate: ({ userId, ...body }) => api(`${one(userId)}/elevations`, { method: 'POST', body: withReason(body) }),
    release: (id) => api(`api/elevations/${encodeURIComponent(id)}/release`, { method: 'POST', body: {} }),
    elevations: () => api('api/elevations'),
  }
}

function supportOver(api: Api): Target['support'] {
  const all = (ref: TenantRef) => `${pathOf(ref)}/support`
  return {
    open: (ref, input) => api(all(ref), { method: 'POST', body: withReason(input) }),
    list: (ref) => api(all(ref)),
    end: (ref, id) => api(`${all(ref)}/${encodeURIComponent(id)}/end`, { method: 'POST', body: {} }),
  }
}

/** That no reason was given is the server's to say. */
function withReason<T extends { readonly reason: string }>(body: T): object {
  const { reason, ...rest } = body
  return reason === '' ? rest : body
}

function keysOver(api: Api): Target['keys'] {
  const base = (ref: TenantRef | null) => (ref === null ? 'api/keys' : `${pathOf(ref)}/keys`)
  const one = (ref: TenantRef | null, id: string) => `${base(ref)}/${encodeURIComponent(id)}`
  return {
    create: (ref, input) => api(base(ref), { method: 'POST', body: input }),
    list: (ref, query) => api(`${base(ref)}${queryText(query)}`),
    get: (ref, id) => api(one(ref, id)),
    rotate: (ref, id, input) => api(`${one(ref, id)}/rotate`, { method: 'POST', body: input }),
    revoke: (ref, id) => api(`${one(ref, id)}/revoke`, { method: 'POST', body: {} }),
  }
}

function pathOf(ref: TenantRef): string {
  const name = typeof ref === 'string' ? ref : 'id' in ref ? ref.id : ref.slug
  return `api/tenants/${encodeURIComponent(name)}`
}

const baseOf = (url: string) => (url.endsWith('/') ? url : `${url}/`)

interface Sent extends Call {
  readonly path: string
  readonly accept: string
  readonly signal?: AbortSignal | undefined
}

async function send({ url, key }: HttpTargetOptions, { path, accept, method = 'GET', body, signal }: Sent) {
  const base = baseOf(url)
  const headers = new Headers({ authorization: `Bearer ${key}`, accept })
  if (body !== undefined) headers.set('content-type', 'application/json')
  const request = { method, headers, body: body === undefined ? null : JSON.stringify(body), signal: signal ?? null }
  // A redirect would carry the key to wherever it points.
  return fetch(new URL(path, base), { ...request, redirect: 'error' }).catch((cause: unknown) => {
    signal?.throwIfAborted()
    throw unreachable(base, 'does not answer', cause)
  })
}

async function* eventsOf(options: HttpTargetOptions, path: string): AsyncGenerator<ServerEvent> {
  const base = baseOf(options.url)
  const response = await send(options, { path, accept: 'text/event-stream' })
  if (!response.ok) throw errorOf(await jsonOf(response, base), response.status, base)
  if (response.body === null) return
  try {
    yield* readEvents(response.body)
  } catch {
    // Cut off on the way; whether more is to come, the one who reads asks again.
  }
}

/** Asks for an answer of one JSON object a line. */
function linesFrom(options: HttpTargetOptions): OpenLines {
  return async (path, body, signal) => {
    const accept = 'application/x-ndjson, application/problem+json'
    const response = await send(options, { path, accept, method: 'POST', body, signal })
    const base = baseOf(options.url)
    if (!response.ok) throw errorOf(await jsonOf(response, base), response.status, base)
    if (response.body) return response.body
    throw unreachable(base, 'answered without a body', undefined)
  }
}

function connect(options: HttpTargetOptions): Api {
  const base = baseOf(options.url)
  return async <T>(path: string, call: Call = {}) => {
    const response = await send(options, { path, accept: 'application/json', ...call })
    const answer = await jsonOf(response, base)
    if (!response.ok) throw errorOf(answer, response.status, base)
    // The API's own contract, published as OpenAPI and tested there.
    return answer as T
  }
}

async function jsonOf(response: Response, base: string): Promise<unknown> {
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw unreachable(base, `answered with HTTP ${response.status} and no JSON`, cause)
  }
}

function errorOf(answer: unknown, status: number, base: string): TenantryError {
  const problem: Record<string, unknown> = typeof answer === 'object' && answer !== null ? { ...answer } : {}
  const { code, detail, fix, field, sqlState } = problem
  if (typeof code !== 'string' || !isErrorCode(code)) {
    return unreachable(base, `answered with HTTP ${status} and an error this version does not know`, undefined)
  }
  return new TenantryError(code, typeof detail === 'string' ? detail : code, {
    ...(typeof fix === 'string' && { fix }),
    ...(typeof field === 'string' && { field }),
    ...(typeof sqlState === 'string' && { sqlState }),
  })
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code)
}

function unreachable(base: string, what: string, cause: unknown): TenantryError {
  return new TenantryError('SERVER_UNREACHABLE', `The Tenantry server at ${new URL(base).origin} ${what}.`, { cause })
}
