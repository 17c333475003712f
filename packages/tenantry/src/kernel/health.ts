// How well the parts of an instance are, and the worst of them.

export type HealthStatus = 'up' | 'degraded' | 'down'

export interface HealthPart {
  readonly status: HealthStatus
  /** How long the check took. */
  readonly latencyMs?: number
}

export interface HealthReport {
  /** The worst of the parts. */
  readonly status: HealthStatus
  readonly parts: Readonly<Record<string, HealthPart>>
}

const order: readonly HealthStatus[] = ['up', 'degraded', 'down']

/**
 * A report whose status is the worst of its parts; without parts it is `up`.
 *
 * @example
 * ```ts
 * healthReport({ database: { status: 'up' }, listener: { status: 'degraded' } }).status // 'degraded'
 * ```
 */
export function healthReport(parts: Readonly<Record<string, HealthPart>>): HealthReport {
  const worst = Object.values(parts).reduce((max, part) => Math.max(max, order.indexOf(part.status)), 0)
  return { status: order[worst] ?? 'down', parts }
}
