// Idempotency-Key on every write: the handler runs once, whoever sends the request again gets the answer that it gave.
// Stands behind the guard, so that what is repeated is allowed each time, and only its own sender can get it.
import type { Context, MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Idempotency, KeptAnswer } from '../../features/idempotency/idempotency.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { Env } from './app.ts'
import { readBytes } from './body.ts'
import { idempotencyKeyOf } from './idempotency-key.ts'
import { answersSecret } from './route-table.ts'

const RENEW_EVERY_MS = 20_000
/** Headers that belong to the answer; all others are the connection's or this request's own. */
const KEPT_HEADERS = ['content-type', 'cache-control', 'etag', 'location']
const READING = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Answers a write that carries an Idempotency-Key once, and repeats the answer for 24 hours. */
export function idempotency(store: Idempotency, logger: Logger): MiddlewareHandler<Env> {
  return async (c, next) => {
    const header = c.req.header('idempotency-key')
    if (header === undefined || READING.has(c.req.method)) return next()
    const caller = callerOf(c)
    // A public route knows nobody to repeat an answer to.
    if (caller === undefined) return next()
    const key = idempotencyKeyOf(header)
    const claim = await store.claim({ caller, key, request: await requestOf(c) })
    if ('answer' in claim) return replay(c, claim.answer)
    const stopRenewing = renewing(store, claim.holder, logger)
    try {
      await next()
    } finally {
      stopRenewing()
    }
    await settle(store, claim.holder, c).catch((error: unknown) => {
      // The work is done, and its answer goes out; without a kept one the next request under the key runs again.
      logger.error('an answer could not be kept for its idempotency key', {
        requestId: c.get('requestId'),
        ...told(error),
      })
    })
  }
}

/** The same text for the same caller only: the user, or the key that was presented. */
function callerOf(c: Context<Env>): string | undefined {
  const actor = c.get('actor') as string | undefined
  if (actor === undefined) return undefined
  // Tokens of a user change between two attempts; keys do not.
  return actor.startsWith('user:') ? actor : `key:${c.req.header('authorization') ?? ''}`
}

async function requestOf(c: Context<Env>): Promise<Uint8Array> {
  const bytes = await readBytes(c.req.raw, { limitBytes: c.get('bodyLimitBytes') })
  c.set('bodyBytes', bytes)
  const { pathname, search } = new URL(c.req.url)
  return Buffer.concat([Buffer.from(`${c.req.method} ${pathname}${search}\n`), bytes])
}

function replay(c: Context<Env>, { status, headers, body }: KeptAnswer): Response {
  c.header('idempotency-replayed', 'true')
  for (const [name, value] of Object.entries(headers)) c.header(name, value)
  // It was a status of this API's own, all of which have a body; that is all that the narrower type says.
  return c.body(body ?? '', status as ContentfulStatusCode)
}

async function settle(store: Idempotency, holder: string, c: Context<Env>): Promise<void> {
  const { status } = c.res
  if (status >= 500 || (c.error instanceof TenantryError && c.error.retryable)) return store.abandon(holder)
  const headers = KEPT_HEADERS.flatMap((name) => {
    const value = c.res.headers.get(name)
    return value === null ? [] : [[name, value]]
  })
  const body = isSecret(c) ? null : await c.res.clone().text()
  return store.finish(holder, { status, headers: Object.fromEntries(headers) as Record<string, string>, body })
}

/** What no cache may keep is not kept here either, even where its route is not marked. */
function isSecret(c: Context<Env>): boolean {
  if (c.res.status >= 400) return false
  return answersSecret(matchedRoutes(c)) || (c.res.headers.get('cache-control') ?? '').includes('no-store')
}

function renewing(store: Idempotency, holder: string, logger: Logger): () => void {
  const timer = setInterval(() => {
    store.renew(holder).catch((error: unknown) => logger.warn('an idempotency key could not be renewed', told(error)))
  }, RENEW_EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}

function told(error: unknown): { readonly reason: string } {
  return { reason: error instanceof Error ? error.message : 'unknown' }
}
