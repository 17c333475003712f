// What pool.connect() hands out: pg's client to look at, with query and release bound to one scope. The handle dies with
// release, so code that keeps it cannot reach the connection once another tenant has it.
import type { CheckedOutClient } from './checked-out-client.ts'
import type { PoolClient } from './pg.ts'
import { answer, readQueryArguments } from './query-arguments.ts'
import type { ScopedClient } from './scoped-client.ts'

/** A handle on a checked-out client; everything but query and release is the connection's own. */
export function leaseClient(client: ScopedClient, checkedOut: CheckedOutClient): PoolClient {
  const query = (...args: unknown[]) => {
    const { config, callback } = readQueryArguments(args)
    return answer(checkedOut.query(config), callback)
  }
  const release = (destroy?: unknown) => checkedOut.release(Boolean(destroy))
  const handler: ProxyHandler<ScopedClient> = {
    get(target, property) {
      if (property === 'query') return query
      if (property === 'release') return release
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
    set: (target, property, value) => Reflect.set(target, property, value, target),
  }
  // The proxy has every member of the client it wraps, and release, which pg-pool adds to its clients.
  return new Proxy(client, handler) as unknown as PoolClient
}
