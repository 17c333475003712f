// The published contract of resolvers: what each of them does with requests that name a tenant, with those that name
// none, and with what strangers send.
import assert from 'node:assert/strict'
import type { Caller, Resolver, TenancyRequest } from '../features/resolution/resolution.ts'
import { isTenantryError } from '../kernel/errors.ts'
import { type TenantKey, tenantKey } from '../tenants/reference.ts'
import type { TenantRef } from '../tenants/tenant.ts'
import type { SuiteCase } from './suite-case.ts'

/** A request as a test writes it; what is left out is what a plain GET of `/` on `app.example.com` has. */
export interface ExampleRequest {
  readonly method?: string
  readonly target?: string
  readonly host?: string
  /** By lower-case names. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface ResolverExample {
  readonly request: ExampleRequest
  /** Who sends it; default: nobody that is known. */
  readonly caller?: Caller
  /** What the resolver must find named; empty for a request that says nothing to it. */
  readonly tenants: readonly TenantRef[]
}

export interface ResolverSuiteOptions {
  readonly resolver: Resolver
  /** At least one that names a tenant, and one that names another. */
  readonly examples: readonly ResolverExample[]
}

const ANONYMOUS: Caller = { kind: 'anonymous' }
const CREDENTIALS = ['authorization', 'cookie']
const TRUST = ['proven', 'verified', 'claimed']

/**
 * Tests of a resolver, the application's own or one of Tenantry's. A case throws an AssertionError.
 *
 * @example
 * ```ts
 * import { test } from 'node:test'
 * import { resolverSuite } from 'tenantry/testing'
 *
 * const resolver = {
 *   ...{ name: 'query', priority: 45, trust: 'claimed' as const },
 *   resolve: ({ target }: { target: string }) => new URLSearchParams(target.split('?')[1]).getAll('tenant'),
 * }
 * const examples = ['acme', 'beta'].map((slug) => ({ request: { target: `/?tenant=${slug}` }, tenants: [slug] }))
 * for (const { name, run } of resolverSuite({ resolver, examples })) test(name, run)
 * ```
 */
export function resolverSuite(options: ResolverSuiteOptions): readonly SuiteCase[] {
  const { name } = options.resolver
  return cases.map((each) => ({ name: `${name}: ${each.name}`, run: () => each.run(options) }))
}

interface Case {
  readonly name: string
  run(options: ResolverSuiteOptions): Promise<void>
}

const cases: readonly Case[] = [
  { name: 'has a name, a number and a trust tier', run: identity },
  { name: 'finds what the examples name', run: findsNamed },
  { name: 'says nothing of a request that names nobody', run: silence },
  { name: 'keeps nothing of one request for the next', run: keepsNothing },
  { name: 'takes whatever strangers send', run: takesHostile },
  { name: 'believes what anybody can write only where it says so', run: provenNeedsProof },
]

async function identity({ resolver, examples }: ResolverSuiteOptions): Promise<void> {
  assert.match(resolver.name, /^[A-Za-z][A-Za-z0-9_-]*$/, 'the name is one word')
  assert.ok(Number.isInteger(resolver.priority) && resolver.priority >= 0 && resolver.priority <= 1000, 'the number')
  assert.ok(TRUST.includes(resolver.trust), 'the trust tier')
  const named = new Set(
    examples.filter(({ tenants }) => tenants.length > 0).map(({ tenants }) => JSON.stringify(tenants)),
  )
  assert.ok(named.size > 1, 'the examples name two different tenants')
}

async function findsNamed({ resolver, examples }: ResolverSuiteOptions): Promise<void> {
  for (const example of examples) assert.deepEqual(await keysOf(resolver, example), example.tenants.map(keyOf))
}

async function silence({ resolver }: ResolverSuiteOptions): Promise<void> {
  for (const request of [{}, { target: '/?q=1' }, { host: '' }, { method: 'OPTIONS', target: '*' }]) {
    assert.deepEqual(await keysOf(resolver, { request }), [], JSON.stringify(request))
  }
}

/** All at once and one after the other, forwards and backwards: each request gets its own answer. */
async function keepsNothing({ resolver, examples }: ResolverSuiteOptions): Promise<void> {
  const expected = examples.map(({ tenants }) => tenants.map(keyOf))
  assert.deepEqual(await Promise.all(examples.map((example) => keysOf(resolver, example))), expected)
  for (const example of [...examples].reverse()) {
    assert.deepEqual(await keysOf(resolver, example), example.tenants.map(keyOf))
    assert.deepEqual(await keysOf(resolver, { request: {} }), [])
  }
}

const HOSTILE = [
  ...['', ' ', ',', ',,,,', '..', '../..', '%00', '%zz', '%2e%2e%2f', "' or 1=1 --", '${x}', '{tenant}', '__proto__'],
  ...[
    'acme\u0000',
    'acme\r\nx: y',
    '\u202eacme',
    'a'.repeat(10_000),
    'acme,beta',
    '[::1]:80',
    'xn--',
    '-',
    '*',
    '\ud800',
  ],
]

async function takesHostile({ resolver, examples }: ResolverSuiteOptions): Promise<void> {
  const names = ['host', 'authorization', 'cookie', 'x-tenant-id', 'x-tenant-slug', 'x-forwarded-host']
  const used = examples.flatMap(({ request }) => Object.keys(request.headers ?? {}))
  for (const text of HOSTILE) {
    const headers = Object.fromEntries([...names, ...used].map((name) => [name, text]))
    const targets = [text, `/${text}`, `/tenants/${text}/`, `/?tenant=${text}`, `http://${text}/`]
    for (const target of targets) await answerOf(resolver, { request: { target, headers, host: text } })
    for (const { request } of examples) await answerOf(resolver, { request: { ...request, host: text } })
  }
}

/** Without a credential nothing is proven, whatever host, path and headers say. */
async function provenNeedsProof({ resolver, examples }: ResolverSuiteOptions): Promise<void> {
  if (resolver.trust !== 'proven') return
  const headers = { 'x-tenant-id': 'acme', 'x-tenant-slug': 'acme', 'x-forwarded-host': 'acme.app.example.com' }
  const claims = { host: 'acme.app.example.com', target: '/tenants/acme/?tenant=acme', headers }
  assert.deepEqual(await keysOf(resolver, { request: claims }), [])
  for (const { request } of examples) {
    const others = Object.entries(request.headers ?? {}).filter(([name]) => !CREDENTIALS.includes(name))
    const stripped = { ...request, headers: Object.fromEntries(others) }
    assert.deepEqual(await keysOf(resolver, { request: stripped }), [], 'without its credential')
  }
}

/** What it names; undefined where it refuses the request with an error of the table. */
async function answerOf(
  resolver: Resolver,
  { request, caller = ANONYMOUS }: Omit<ResolverExample, 'tenants'>,
): Promise<readonly TenantRef[] | undefined> {
  try {
    const found = await resolver.resolve(requestOf(request), caller)
    assert.equal(typeof found.length, 'number', 'the answer is a list')
    for (const ref of found) keyOf(ref)
    return found
  } catch (error) {
    if (isTenantryError(error)) return undefined
    throw error
  }
}

async function keysOf(resolver: Resolver, example: Omit<ResolverExample, 'tenants'>): Promise<readonly unknown[]> {
  const found = await answerOf(resolver, example)
  assert.ok(found !== undefined, 'the request was refused')
  return found.map(keyOf)
}

/** What a reference names; text that no tenant can have as its name stays as it is. */
function keyOf(ref: TenantRef): TenantKey | TenantRef {
  try {
    return tenantKey(ref)
  } catch (error) {
    if (isTenantryError(error, 'TENANT_NOT_FOUND')) return ref
    throw error
  }
}

function requestOf({
  method = 'GET',
  target = '/',
  host = 'app.example.com',
  headers = {},
}: ExampleRequest): TenancyRequest {
  const all: Readonly<Record<string, string>> = { host, ...headers }
  const header = (name: string) => (Object.hasOwn(all, name) ? all[name] : undefined)
  return Object.freeze({ method, target, header, hasTwoHosts: false, remoteAddress: undefined, raw: undefined })
}
