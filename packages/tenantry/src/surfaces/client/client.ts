// The client itself: one method for each row of the generated table, over fetch.
import openapiFetch from 'openapi-fetch'
import { errorOfAnswer, refused, unreachable } from './client-error.ts'
import { operationTable, streamTable } from './generated/api.ts'
import { ServerLines } from './lines.ts'
import type { TenantryClient } from './operation.ts'

export interface ClientOptions {
  /** Where the control plane answers. In a browser it may be relative to the page. */
  readonly baseUrl: string
  /** A key or a user's token, sent as a bearer to `baseUrl` only; a function is asked before each call. */
  readonly key?: string | (() => string | Promise<string>)
  /** Sends the requests; the global `fetch` where it is left out. */
  readonly fetch?: (request: Request) => Promise<Response>
}

interface Given {
  readonly body?: unknown
  readonly query?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, unknown>>
  readonly idempotencyKey?: string
  readonly signal?: AbortSignal
  readonly [pathParameter: string]: unknown
}

/** What the call needs of openapi-fetch: its types know paths, ours know operations. */
interface Requests {
  request(method: string, path: string, init: object): Promise<{ data?: unknown; error?: unknown; response: Response }>
}

type Row = readonly [method: string, path: string, ...failingStatuses: readonly number[]]

/**
 * A client of the control plane, for Node.js and browsers: one method for each operation, with the types of the same
 * contract that the server checks. Calls reject with {@link TenantryClientError}. Answers of many lines, such as that of
 * `queryFleet`, are looped over ({@link Lines}). It never follows a redirect, which would carry the key elsewhere.
 *
 * Throws CONFIGURATION_INVALID for a base URL that is none, or that holds a password.
 *
 * @example
 * ```ts
 * import { createClient } from 'tenantry/client'
 *
 * const client = createClient({ baseUrl: 'https://tenants.example.com', key: process.env.TENANTRY_KEY ?? '' })
 * const acme = await client.createTenant({ body: { name: 'ACME Corp', slug: 'acme-corp' } })
 * await client.suspendTenant({ tenant: acme.slug, body: { reason: 'unpaid' } })
 * const { items } = await client.listTenants({ query: { status: 'suspended', limit: 50 } })
 * ```
 */
export function createClient(options: ClientOptions): TenantryClient {
  const baseUrl = checkedBaseUrl(options.baseUrl)
  const send = options.fetch ?? ((request: Request) => fetch(request))
  const requests = openapiFetch({ baseUrl, fetch: send, redirect: 'error', credentials: 'omit' }) as unknown as Requests
  const methods = Object.entries(operationTable as Readonly<Record<string, Row>>).map(([id, row]) => [
    id,
    async (given: Given = {}) => call(requests, row, { given, key: await keyOf(options) }),
  ])
  const streams = Object.entries(streamTable as Readonly<Record<string, Row>>).map(([id, row]) => [
    id,
    (given: Given = {}) => {
      const open = async () => answer(requests, row, { given, key: await keyOf(options), parseAs: 'stream' })
      return new ServerLines(async () => (await open()).response, given.signal)
    },
  ])
  // The tables have exactly the operations that the type is made of.
  return Object.fromEntries([...methods, ...streams]) as TenantryClient
}

interface Sent {
  readonly given: Given
  readonly key: string | undefined
  /** By default the whole answer is read, as JSON. */
  readonly parseAs?: 'stream'
}

async function call(requests: Requests, row: Row, sent: Sent): Promise<unknown> {
  const { data, error, response } = await answer(requests, row, sent)
  return response.ok ? data : error
}

/** Sends the call, and throws for an answer that it does not resolve with. */
async function answer(requests: Requests, [method, path, ...failing]: Row, { given, key, parseAs }: Sent) {
  const accept = parseAs === 'stream' ? 'application/x-ndjson, application/problem+json' : 'application/json'
  const header = { accept, ...headersOf(given, key) }
  const init = {
    params: { path: pathParameters(path, given), query: given.query, header },
    body: given.body,
    ...(parseAs && { parseAs }),
    ...(given.signal && { signal: given.signal }),
  }
  const answered = await requests.request(method, path, init).catch((cause: unknown) => {
    if (given.signal?.aborted === true) throw cause
    throw unreachable('does not answer, or not with JSON', 0, cause)
  })
  const { error, response } = answered
  if (response.ok || failing.includes(response.status)) return answered
  throw errorOfAnswer(error, response)
}

/** The parameters that the path names. A browser would take dots as steps up, and an empty one as another route. */
function pathParameters(path: string, given: Given): Record<string, string> {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  return Object.fromEntries(
    names.map((name) => {
      const value = given[name]
      if (typeof value !== 'string' || /^\.{0,2}$/.test(value)) {
        throw refused('INVALID_INPUT', name, `The path's parameter "${name}" is missing or no name.`)
      }
      return [name, value]
    }),
  )
}

function headersOf({ headers, idempotencyKey }: Given, key: string | undefined): Record<string, unknown> {
  return {
    ...headers,
    ...(idempotencyKey !== undefined && { 'Idempotency-Key': idempotencyKey }),
    ...(key !== undefined && { authorization: `Bearer ${key}` }),
  }
}

/** The key of this call, refused where a header cannot hold it: the platform's own error would print it. */
async function keyOf({ key }: ClientOptions): Promise<string | undefined> {
  const value = typeof key === 'function' ? await key() : key
  if (value === undefined || /^[!-~]+$/.test(value)) return value
  throw refused('CONFIGURATION_INVALID', 'key', 'The key is empty or holds characters that no header takes.')
}

/** Absolute and without a trailing slash; the platform's own error for a password in it would print that. */
function checkedBaseUrl(baseUrl: string): string {
  // The types of this package are those of Node.js, which has no page.
  const page = (globalThis as { readonly location?: { readonly href: string } }).location?.href
  const url = URL.canParse(baseUrl, page) ? new URL(baseUrl, page) : undefined
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    `${url.username}${url.password}${url.search}${url.hash}` !== ''
  ) {
    throw refused('CONFIGURATION_INVALID', 'baseUrl', 'The base URL is no plain http or https URL.')
  }
  return url.href.replace(/\/+$/, '')
}
