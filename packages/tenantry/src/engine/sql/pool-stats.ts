// What the pool tells of itself.
import type { SharedStats } from './dispatcher.ts'
import type { Pool } from './pg.ts'

/** The pool at this moment. */
export interface PoolStats {
  /** Clients of connect() that nobody has released, those without a connection of their own included. */
  readonly leased: number
  /** Connections that belong to one scope while it uses them: transactions, cursors, COPY. */
  readonly clients: {
    readonly max: number
    readonly total: number
    readonly idle: number
    /** Those who wait for one. */
    readonly waiting: number
    /** Given up at release because their state was in doubt, or because they were released as broken. */
    readonly destroyed: number
  }
  /** Connections that single statements of all tenants share; undefined before the first use, or with none of them. */
  readonly shared: SharedStats | undefined
  /** Whether the next transaction has to wait. */
  readonly isSaturated: boolean
}

/** `tenantry.pool`: a pg.Pool, and what is going on in it. */
export interface TenantPool extends Pool {
  stats(): PoolStats
}
