// The suite that every web framework passes. It belongs to no test framework: each case is a name and a function.
import type { TenantrySettings } from '../composition/settings.ts'
import type { Tenantry } from '../tenantry.ts'
import type { Host } from './host.ts'
import { hostAttacks } from './host-attacks.ts'
import { hostCases } from './host-cases.ts'
import { hostIsolation } from './host-isolation.ts'
import { HostPlay, hostRoutes } from './host-routes.ts'
import { HostStage } from './host-stage.ts'
import type { SuiteCase } from './suite-case.ts'

export interface HostSuiteOptions {
  readonly host: Host
  /**
   * Makes an instance with these settings over a database that is there for tests. The suite makes a table and tenants in it
   * and does not close it.
   */
  readonly tenantry: (settings: Pick<TenantrySettings, 'resolution' | 'logger'>) => Tenantry | Promise<Tenantry>
}

/**
 * The cases of the host suite: real requests over TCP against a server of the host. Run them in order, one after the other:
 * they share tenants, and the last one closes the server.
 *
 * @example
 * ```ts
 * import { it } from 'node:test'
 * import { type Host, hostSuite } from 'tenantry/testing'
 *
 * declare const host: Host
 * const open = (settings: object) => createTenantry({ adminUrl, ...settings })
 * for (const { name, run } of hostSuite({ host, tenantry: open })) it(name, run)
 * ```
 */
export function hostSuite({ host, tenantry }: HostSuiteOptions): readonly SuiteCase[] {
  let opening: Promise<HostPlay> | undefined
  const open = () => {
    opening ??= openPlay(host, tenantry)
    return opening
  }
  const cases = Object.entries({ ...hostCases, ...hostAttacks, ...hostIsolation }).map(([name, claim]) => ({
    name: `${host.name} ${name}`,
    run: async () => {
      const play = await open()
      await play.reset()
      await claim(play)
    },
  }))
  const close = async () => {
    const { server, tenantry: instance } = await open()
    await server?.close()
    const { totalCount, idleCount } = instance.pool
    if (idleCount !== totalCount) throw new Error('A client of the pool was not given back.')
  }
  return [...cases, { name: `${host.name} gives every client back and closes`, run: close }]
}

async function openPlay(host: Host, open: HostSuiteOptions['tenantry']): Promise<HostPlay> {
  const stage = new HostStage()
  const log: string[] = []
  const note = (message: string, { code }: { readonly code?: unknown } = {}) => {
    log.push(typeof code === 'string' ? code : message)
  }
  const tenantry = await open({
    resolution: stage.resolution,
    logger: { info: () => {}, warn: note, error: note },
  })
  await stage.open(tenantry)
  const play = new HostPlay({ tenantry, stage, log })
  const options = { public: ['/public/*'], leftOpenMs: 20 }
  play.server = await host.serve({ tenantry, options, routes: hostRoutes(play) })
  return play
}
