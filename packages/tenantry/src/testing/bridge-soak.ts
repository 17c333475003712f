// Many operations of many tenants at once through one bridge, drawn at random: no answer shows a foreign row, and what
// was answered is what is stored afterwards.
import { isDeepStrictEqual } from 'node:util'
import type { Bridge } from './bridge.ts'
import { BridgePlayer } from './bridge-player.ts'
import { type BridgeStage, openBridgeStage, suiteIsolations } from './bridge-stage.ts'
import type { Tenantry } from '../tenantry.ts'
import { seededRandom } from './random.ts'

export interface BridgeSoakOptions {
  readonly bridge: Bridge
  /** As for bridgeSuite, but not closed by a bridge before. */
  readonly tenantry: Tenantry
  /** How many operations, over row and schema tenants together. */
  readonly operations: number
  /** Repeats the choices of a run; the order in which they meet is the server's. */
  readonly seed: number
}

export interface BridgeSoakReport {
  readonly operations: number
  readonly seed: number
  /** Rows of other tenants in all answers, and in what is stored afterwards. */
  readonly foreignRows: number
  /** What went wrong besides, at most one for each tenant: a tenant stops at its first. */
  readonly faults: readonly string[]
  /** How often each operation ran. */
  readonly counts: Readonly<Record<string, number>>
}

/**
 * Runs a soak over a bridge and closes the bridge. It never throws for what it finds: read the report.
 *
 * @example
 * ```ts
 * import { type Bridge, bridgeSoak } from 'tenantry/testing'
 *
 * declare const bridge: Bridge
 * const { foreignRows, faults } = await bridgeSoak({ bridge, tenantry, operations: 10_000, seed: 1 })
 * ```
 */
export async function bridgeSoak({ bridge, tenantry, operations, seed }: BridgeSoakOptions): Promise<BridgeSoakReport> {
  const stage = await openBridgeStage(tenantry)
  await stage.reset()
  const session = await bridge.open(tenantry.pool, tenantry)
  const players = suiteIsolations.flatMap((isolation) =>
    stage.tenants[isolation].map((tenant, at, all) => {
      const random = seededRandom(seed * 1_000 + at + (isolation === 'row' ? 0 : 500))
      const within = (work: () => Promise<void>) => tenantry.run(tenant.slug, work)
      return new BridgePlayer({ session, tenant, other: all[(at + 1) % all.length] ?? tenant, random, within })
    }),
  )
  const counts: Record<string, number> = {}
  let started = 0
  const work = async (player: BridgePlayer): Promise<string[]> => {
    while (started++ < operations) {
      try {
        const name = await player.play()
        counts[name] = (counts[name] ?? 0) + 1
      } catch (error) {
        return [`${player.tenant.slug}: ${error instanceof Error ? error.message : 'threw what is no error'}`]
      }
    }
    return []
  }
  const faults = (await Promise.all(players.map(work))).flat()
  const stored = await Promise.all(players.map((player) => compareStored(stage, player)))
  await session.close()
  return {
    ...{ operations: Math.min(started, operations), seed, counts },
    foreignRows:
      players.reduce((sum, player) => sum + player.foreignRows, 0) +
      stored.reduce((sum, { foreign }) => sum + foreign, 0),
    // A tenant that stopped in the middle does not know what is stored.
    faults: [...faults, ...(faults.length > 0 ? [] : stored.flatMap(({ fault }) => fault ?? []))],
  }
}

async function compareStored(stage: BridgeStage, { tenant, bodies }: BridgePlayer) {
  const { notes, comments } = await stage.stored(tenant)
  const texts = [...notes.map(({ body }) => body), ...comments.map(({ text }) => text)]
  const foreign = texts.filter((text) => !text.startsWith(`${tenant.slug}/`)).length
  const isSame = isDeepStrictEqual(notes.map(({ body }) => body).sort(), bodies)
  return { foreign, fault: isSame ? undefined : `${tenant.slug} has other rows stored than were answered` }
}
