// What a running server does beside answering: it ends what a stopped process left open, purges tenants whose restore
// window has closed, and forgets the answers to requests that are too old to be sent again.
import type { Fleet } from '../../features/fleet/fleet.ts'
import type { Idempotency } from '../../features/idempotency/idempotency.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { Tenants } from '../../tenants/tenants.ts'

const EVERY_MS = 60 * 60 * 1000

/** What there is to keep tidy; a whole Tenantry has all of it. */
export interface Household {
  readonly tenants: Pick<Tenants, 'resume' | 'purgeDue'>
  readonly idempotency: Pick<Idempotency, 'prune'>
  readonly fleet: Pick<Fleet, 'refreshStatistics'>
  readonly logger: Logger
}

export interface Housekeeping {
  /** Takes up nothing new and waits for what is under way. */
  stop(): Promise<void>
}

/** Starts at once and again every hour. Failures go to the log; the next round tries again. */
export function startHousekeeping(household: Household, everyMs: number = EVERY_MS): Housekeeping {
  let underway: Promise<void> | undefined
  const round = (): void => {
    underway ??= tidy(household).finally(() => {
      underway = undefined
    })
  }
  round()
  const timer = setInterval(round, everyMs)
  // The server keeps the process alive, not this.
  timer.unref()
  return {
    stop: async () => {
      clearInterval(timer)
      await underway
    },
  }
}

async function tidy({ tenants, idempotency, fleet, logger }: Household): Promise<void> {
  try {
    const ended = await tenants.resume()
    if (ended > 0) logger.info('ended operations that a stopped process had left open', { count: ended })
    const purged = await tenants.purgeDue()
    if (purged.length > 0) logger.info('purged tenants past their restore window', { count: purged.length })
    await idempotency.prune()
    await fleet.refreshStatistics()
  } catch (error) {
    logger.error('housekeeping failed', { reason: error instanceof Error ? error.message : 'unknown' })
  }
}
