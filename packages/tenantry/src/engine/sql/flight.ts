// Sends one flush and waits for its answer, once more where the server lost or outgrew a prepared statement.
import { toTenantryError } from './database-errors.ts'
import type { QueryConfig, QueryResult } from './pg.ts'
import type { Prelude } from './prelude.ts'
import type { ScopedClient } from './scoped-client.ts'
import { type Flight, ScopedQuery } from './scoped-query.ts'

/** What the caller of a flush decides; the client adds its own book of prepared statements. */
export interface FlightPlan extends Omit<Flight, 'prepared' | 'refuse'> {
  readonly config: QueryConfig
  readonly prelude?: Prelude | (() => Prelude | undefined) | undefined
  /** Asked when the answer is complete: an error that overrides it. */
  readonly refuse?: ((client: ScopedClient) => Error | undefined) | undefined
}

const UNKNOWN_STATEMENT = '26000'
const STALE_PLAN = '0A000'

/** Sends a flush and resolves with its result; database errors arrive mapped, all others as pg made them. */
export function sendFlight(client: ScopedClient, plan: FlightPlan): Promise<QueryResult> {
  return new Promise((resolve, reject) => {
    const attempt = (last: boolean) => {
      const refuse = plan.refuse
      const flight = { ...plan, prepared: client.prepared, refuse: refuse && (() => refuse(client)) }
      const query = new ScopedQuery(flight, (error, result) => {
        if (!error) resolve(result as QueryResult)
        else if (!last && isRetryable(error, client)) attempt(true)
        else reject(mapped(error))
      })
      client.send(query)
    }
    attempt(false)
  })
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

function mapped(error: Error): Error {
  const known = toTenantryError(error)
  return known instanceof Error ? known : error
}
