// The published isolation suite: the leaks seen in real projects, tried over an application's own way in.
import type { Tenantry } from '../tenantry.ts'
import type { Isolation } from '../tenants/tenant.ts'
import { isolationCases } from './isolation-cases.ts'
import type { SuiteCase } from './suite-case.ts'
import { openSuiteStage, type SuiteStage } from './suite-stage.ts'
import { poolWay, type WayIn } from './way-in.ts'

export interface IsolationSuiteOptions {
  /** The instance, or what gives it when the first case runs. Use a database for tests: the suite makes tenants and tables. */
  readonly tenantry: Tenantry | (() => Tenantry)
  /** How the application sends SQL; default `tenantry.pool`. */
  readonly way?: (tenantry: Tenantry) => WayIn
  /** Default both. */
  readonly isolations?: readonly Isolation[]
}

/**
 * Tests that two tenants stay apart, over a way in: reads, writes, foreign keys, views, settings, forged contexts and
 * what sessions keep. The cases of one isolation share two tenants, and the last one removes them; run all, in order.
 * A case throws an AssertionError.
 *
 * @example
 * ```ts
 * import { test } from 'node:test'
 * import { isolationSuite } from 'tenantry/testing'
 * for (const { name, run } of isolationSuite({ tenantry })) test(name, run)
 * ```
 */
export function isolationSuite({
  tenantry,
  way = poolWay,
  isolations = BOTH,
}: IsolationSuiteOptions): readonly SuiteCase[] {
  const instance = () => (typeof tenantry === 'function' ? tenantry() : tenantry)
  return isolations.flatMap((isolation) => {
    let opening: Promise<SuiteStage> | undefined
    const opened = () => (opening ??= openSuiteStage(instance(), isolation))
    const cases = isolationCases.map((each) => ({
      name: `${isolation}: ${each.name}`,
      run: async () => each.run({ way: way(instance()), stage: await opened() }),
    }))
    const remove = async () => {
      await (await opening)?.remove()
      opening = undefined
    }
    return [...cases, { name: `${isolation}: the suite removes what it made`, run: remove }]
  })
}

const BOTH: readonly Isolation[] = ['row', 'schema']
