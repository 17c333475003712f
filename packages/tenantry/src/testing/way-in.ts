// How a suite reaches an application's rows: through the pool, a handle, an ORM.
import type { Tenantry } from '../tenantry.ts'

/** What a way in answers with. */
export interface WayAnswer {
  readonly rows: readonly Record<string, unknown>[]
}

/**
 * A way in which an application sends SQL for a tenant. An ORM joins the suites with the one line that sends raw SQL.
 *
 * @example
 * ```ts
 * import type { WayIn } from 'tenantry/testing'
 * const way: WayIn = {
 *   name: 'a checked-out client',
 *   query: (tenant, sql, params) =>
 *     tenantry.run(tenant, async () => {
 *       const client = await tenantry.pool.connect()
 *       try {
 *         return await client.query(sql, params)
 *       } finally {
 *         client.release()
 *       }
 *     }),
 * }
 * ```
 */
export interface WayIn {
  readonly name: string
  /** Runs one statement in the tenant of this slug. */
  query(tenant: string, sql: string, params?: unknown[]): Promise<WayAnswer>
}

/** The way that needs no library: `tenantry.pool` inside `run()`. */
export function poolWay(tenantry: Tenantry): WayIn {
  return {
    name: 'tenantry.pool',
    query: (tenant, sql, params) => tenantry.run(tenant, () => tenantry.pool.query(sql, params)),
  }
}
