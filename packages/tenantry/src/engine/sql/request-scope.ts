// A scope that its owner enters and ends by hand: a request's, which lasts as long as its response. run() cannot do this
// where a framework's `next` returns long before the answer is sent.
import { TenantryError } from '../../kernel/errors.ts'
import type { Scope, ScopeStore } from '../context/scope.ts'
import type { CheckedOutClient } from './checked-out-client.ts'

/** How long a transaction that a request left open may still take; work that goes on for longer needs a scope of its own. */
const LEFT_OPEN_MS = 10_000

export interface EndOptions {
  /** Milliseconds; default 10,000. */
  readonly graceMs?: number | undefined
  /** Told of a transaction that was left open. */
  readonly onLeftOpen?: ((error: TenantryError) => void) | undefined
}

interface Engine {
  readonly store: ScopeStore
  readonly pool: { unreleased(scope: Scope): ReadonlySet<CheckedOutClient> }
}

/** The scope of one request. */
export class RequestScope {
  readonly #engine: Engine
  readonly #scope: Scope | undefined

  /** Without a scope the request is bound to no tenant. */
  constructor(engine: Engine, scope: Scope | undefined) {
    this.#engine = engine
    this.#scope = scope
  }

  /**
   * Runs the callback in the request's tenant, or outside of every scope where it has none: whatever scope the caller is in,
   * as with a socket that was used for another request before. It may be called again, to come back into the scope.
   */
  run<T>(callback: () => T): T {
    return this.#engine.store.enter(this.#scope, callback)
  }

  /**
   * The response is over. What the request still has open in a transaction when `graceMs` have passed is rolled back, and
   * reported as TRANSACTION_LEFT_OPEN.
   */
  end({ graceMs = LEFT_OPEN_MS, onLeftOpen }: EndOptions = {}): void {
    const scope = this.#scope
    const { pool } = this.#engine
    if (scope === undefined || pool.unreleased(scope).size === 0) return
    const timer = setTimeout(() => {
      if (endOpenTransactions(pool.unreleased(scope)) === 0) return
      onLeftOpen?.(new TenantryError('TRANSACTION_LEFT_OPEN', 'A request ended with a transaction still open.'))
    }, graceMs)
    timer.unref()
  }
}

/** Ends what was left in a transaction; returns how many clients that cost. */
export function endOpenTransactions(held: ReadonlySet<CheckedOutClient>): number {
  if (held.size === 0) return 0
  const open = [...held].filter((client) => client.isInTransaction || client.isUnderWay)
  for (const client of open) client.release(true)
  return open.length
}
