// The suite that every bridge passes. It belongs to no test framework: each case is a name and a function.
import type { Tenantry } from '../tenantry.ts'
import type { Tenant } from '../tenants/tenant.ts'
import type { Bridge, BridgeSession } from './bridge.ts'
import { bridgeCases } from './bridge-cases.ts'
import { type BridgeStage, openBridgeStage, type SuiteIsolation, suiteIsolations } from './bridge-stage.ts'
import type { SuiteCase } from './suite-case.ts'

export interface BridgeSuiteOptions {
  readonly bridge: Bridge
  /**
   * An instance over a database that is there for tests, with at least 6 `maxClients`; or a function that makes it when
   * the first case runs. The suite makes tables and tenants in it and does not close it.
   */
  readonly tenantry: Tenantry | (() => Tenantry | Promise<Tenantry>)
}

/**
 * The cases of the bridge suite, for row tenants and for schema tenants. Run them in order, one after the other: they share
 * tables, and the last one closes the bridge.
 *
 * @example
 * ```ts
 * import { it } from 'node:test'
 * import { type Bridge, bridgeSuite } from 'tenantry/testing'
 *
 * declare const bridge: Bridge
 * for (const { name, run } of bridgeSuite({ bridge, tenantry })) it(name, run)
 * ```
 */
export function bridgeSuite({ bridge, tenantry }: BridgeSuiteOptions): readonly SuiteCase[] {
  let opening: Promise<{ stage: BridgeStage; session: BridgeSession }> | undefined
  const open = () => {
    opening ??= openPlay(bridge, tenantry)
    return opening
  }
  const scoped = suiteIsolations.flatMap((isolation) =>
    Object.entries(bridgeCases).map(([name, claim]) => ({
      name: `${bridge.name}, ${isolation} tenants: ${name}`,
      run: async () => {
        const { stage, session } = await open()
        await stage.reset()
        await claim({ session, stage, tenants: atLeastTwo(stage, isolation) })
      },
    })),
  )
  const close = async () => {
    const { stage, session } = await open()
    const { totalCount, idleCount, waitingCount } = stage.tenantry.pool
    if (idleCount !== totalCount || waitingCount > 0) throw new Error('The bridge keeps clients of the pool.')
    await session.close()
  }
  return [...scoped, { name: `${bridge.name} gives every client back and closes`, run: close }]
}

async function openPlay(bridge: Bridge, tenantry: BridgeSuiteOptions['tenantry']) {
  const instance = typeof tenantry === 'function' ? await tenantry() : tenantry
  const stage = await openBridgeStage(instance)
  return { stage, session: await bridge.open(instance.pool, instance) }
}

function atLeastTwo(stage: BridgeStage, isolation: SuiteIsolation): readonly [Tenant, Tenant, ...Tenant[]] {
  const [first, second, ...rest] = stage.tenants[isolation]
  if (!first || !second) throw new Error('The stage has no tenants.')
  return [first, second, ...rest]
}
