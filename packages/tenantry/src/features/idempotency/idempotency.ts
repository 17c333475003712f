// Requests that may be sent again: the first one under a key runs, the others get its answer. Kept in the control plane,
// so that it holds for all processes, and bound to the caller, so that nobody gets another one's answer.
import { createHash } from 'node:crypto'
import type { CentralDatabase } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'

/** A request that is sent under a key of the sender's own. */
export interface RepeatableRequest {
  /** Who asks: the same text for the same caller only. Stored as a hash. */
  readonly caller: string
  /** 1-255 printable ASCII characters, spaces included. */
  readonly key: string
  /** What is asked, as far as it has to be the same: method, path and body. Stored as a hash. */
  readonly request: string | Uint8Array
}

/** What was answered; a body of null was a secret, which is kept nowhere. */
export interface KeptAnswer {
  /** Below 500: failures of the server are not kept. */
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

/** Either the right to run the request, or what was answered to it before. */
export type Claim = { readonly holder: string } | { readonly answer: KeptAnswer }

/** `tenantry.idempotency`: what the HTTP API does with Idempotency-Key, for handlers of the application's own, too. */
export interface Idempotency {
  /**
   * The right to run a request for the next minute, or its answer of the last 24 hours. Throws IDEMPOTENCY_BUSY while
   * another one runs it, IDEMPOTENCY_MISMATCH where the key was used for another request, IDEMPOTENCY_SECRET where the
   * answer held a secret, and INVALID_INPUT for a key that is none.
   *
   * @example
   * ```ts
   * const claim = await tenantry.idempotency.claim({ caller: 'user:42', key: 'order-1041', request: 'POST /orders {}' })
   * if ('answer' in claim) console.log('answered before', claim.answer.status)
   * else await tenantry.idempotency.finish(claim.holder, { status: 201, headers: {}, body: '{"id":"1041"}' })
   * ```
   */
  claim(request: RepeatableRequest): Promise<Claim>
  /** Another minute for a request that still runs; false where somebody else has taken it over. */
  renew(holder: string): Promise<boolean>
  /** Keeps the answer for 24 hours. A request that somebody else has taken over stays as it is. */
  finish(holder: string, answer: KeptAnswer): Promise<void>
  /** Forgets a request that came to nothing, so that the next one under its key runs. */
  abandon(holder: string): Promise<void>
  /** Removes what is past its 24 hours; returns how many. Claims do it themselves once an hour. */
  prune(): Promise<number>
}

// Longer than a process that lives takes to renew it, and short enough for a caller to wait after a crash.
const LEASE = "interval '60 seconds'"
const KEPT = "interval '24 hours'"
const PRUNE_EVERY_MS = 60 * 60 * 1000
const KEY = /^[ -~]{1,255}$/
// A row may go away between the two statements of a claim; that it does so again and again means that others run it.
const ATTEMPTS = 3

// One statement decides: of two that come at once, the second waits for the first one's row and finds it taken.
const CLAIM = `
  insert into tenantry.idempotency as i (caller, key, request, holder, lease_until, expires_at)
  values ($1, $2, $3, $4, now() + ${LEASE}, now() + ${KEPT})
  on conflict (caller, key) do update
    set request = excluded.request, holder = excluded.holder, lease_until = excluded.lease_until,
        expires_at = excluded.expires_at, status = null, headers = null, body = null
    where i.expires_at <= now() or (i.lease_until <= now() and i.request = excluded.request)
  returning holder`

const READ = `
  select request = $3 as same, status, headers, body from tenantry.idempotency where caller = $1 and key = $2`

const RENEW = `
  update tenantry.idempotency
     set lease_until = now() + ${LEASE}, expires_at = greatest(expires_at, now() + ${LEASE})
   where holder = $1`

const FINISH = `
  update tenantry.idempotency set holder = null, lease_until = null, status = $2, headers = $3, body = $4
   where holder = $1`

interface Row {
  readonly same: boolean
  readonly status: number | null
  readonly headers: Readonly<Record<string, string>> | null
  readonly body: string | null
}

/** The repeatable requests of the instance whose control plane this database holds. */
export function createIdempotency(database: CentralDatabase): Idempotency {
  let pruned = performance.now()
  const prune = async (): Promise<number> => {
    pruned = performance.now()
    return (await database.query('delete from tenantry.idempotency where expires_at <= now() returning 1')).rows.length
  }
  return {
    async claim({ caller, key, request }) {
      if (!KEY.test(key)) throw invalidKey()
      if (performance.now() - pruned > PRUNE_EVERY_MS) await prune()
      return claimRow(database, [sha256(caller), key, sha256(request)])
    },
    async renew(holder) {
      return (await database.query(`${RENEW} returning 1`, [holder])).rows.length === 1
    },
    async finish(holder, { status, headers, body }) {
      await database.query(FINISH, [holder, status, JSON.stringify(headers), body])
    },
    async abandon(holder) {
      await database.query('delete from tenantry.idempotency where holder = $1', [holder])
    },
    prune,
  }
}

async function claimRow(database: CentralDatabase, values: readonly [Buffer, string, Buffer]): Promise<Claim> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const holder = newId()
    const claimed = await database.query(CLAIM, [...values, holder])
    if (claimed.rows.length === 1) return { holder }
    const [row] = (await database.query<Row>(READ, values)).rows
    if (row !== undefined) return { answer: answerOf(row) }
  }
  throw busy()
}

function answerOf({ same, status, headers, body }: Row): KeptAnswer {
  if (!same) {
    throw new TenantryError('IDEMPOTENCY_MISMATCH', 'This key was used for another request.', { field: FIELD })
  }
  if (status === null) throw busy()
  if (body === null) {
    throw new TenantryError('IDEMPOTENCY_SECRET', 'This request was answered with a secret, which is shown once.')
  }
  return { status, headers: headers ?? {}, body }
}

const FIELD = 'Idempotency-Key'

const busy = (): TenantryError => new TenantryError('IDEMPOTENCY_BUSY', 'A request with this key is still running.')

/** For a key of a wrong form, whichever way it came. */
export function invalidKey(): TenantryError {
  const message = 'An idempotency key is 1 to 255 printable ASCII characters.'
  return new TenantryError('INVALID_INPUT', message, {
    field: FIELD,
    fix: 'Send a fresh UUID as the key of each request, and the same one when you repeat it.',
  })
}

function sha256(text: string | Uint8Array): Buffer {
  return createHash('sha256').update(text).digest()
}
