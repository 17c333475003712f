// Sends one flush and waits for its answer, once more where the server lost or outgrew a prepared statement.
import { TenantryError } from '../../kernel/errors.ts'
import { explainDefinition, explainReadOnly, toTenantryError } from './database-errors.ts'
import type { QueryCallback, QueryResult, WireQuery } from './pg.ts'
import { ScopedBatch } from './scoped-batch.ts'
import type { ScopedClient } from './scoped-client.ts'
import { type Flight, ScopedQuery } from './scoped-query.ts'

/** Whoever shares a connection, and has a say when a flush on it has been answered. */
export interface FlightObserver<F extends Flight> {
  /** An error that overrides a good answer. */
  refuse(): Error | undefined
  /** Called once, before anybody learns of the answer. */
  settled(flight: F): void
}

const UNKNOWN_STATEMENT = '26000'
const STALE_PLAN = '0A000'

/** Sends a flush and resolves with its result; database errors arrive mapped, all others as pg made them. */
export function sendFlight<F extends Flight>(
  client: ScopedClient,
  flight: F,
  observer?: FlightObserver<F>,
): Promise<QueryResult> {
  return new Promise((resolve, reject) => {
    const answered = (failure: Error | null, result?: QueryResult) => {
      const error = failure ?? observer?.refuse()
      observer?.settled(flight)
      if (error) reject(mapped(error, flight))
      else resolve(result as QueryResult)
    }
    client.send(
      wireQuery(flight, client, (error, result) => {
        if (error && isRetryable(error, client)) client.send(wireQuery(flight, client, answered))
        else answered(error, result)
      }),
    )
  })
}

function wireQuery(flight: Flight, client: ScopedClient, callback: QueryCallback): WireQuery {
  const { batch, prelude } = flight
  if (!batch) return new ScopedQuery(flight, client, callback)
  const given = typeof prelude === 'function' ? prelude() : prelude
  // A batch has a transaction to itself, which nothing can have taken into the tenant before.
  if (!given) throw new TenantryError('TENANT_CONTEXT_MISSING', 'A batch was sent without a tenant in scope.')
  return new ScopedBatch(batch, given, { client, callback })
}

/**
 * 26000: somebody deallocated our statements. 0A000 from the plan cache: a table changed its shape under a prepared
 * statement. Either is raised before anything ran; outside a transaction the flush may go again, all parsed anew.
 */
function isRetryable(error: Error, client: ScopedClient): boolean {
  const { code, routine } = error as { code?: unknown; routine?: unknown }
  const stale = code === UNKNOWN_STATEMENT || (code === STALE_PLAN && routine === 'RevalidateCachedQuery')
  if (!stale) return false
  client.prepared.forgetAll()
  return client.transactionStatus === 'I'
}

function mapped(error: Error, { config, prelude, isReadOnly }: Flight): Error {
  const readOnly = typeof prelude === 'object' ? prelude.readOnly : isReadOnly?.()
  const known = toTenantryError(explainDefinition(readOnly ? explainReadOnly(error) : error, config.text))
  return known instanceof Error ? known : error
}
