// key: an API key of a tenant names that tenant. Only who holds the key can send it.
import type { Resolver } from '../resolution.ts'

export function keyResolver(priority: number): Resolver {
  return {
    ...{ name: 'key', priority, trust: 'proven' },
    resolve: (_request, caller) =>
      caller.kind === 'key' && caller.key.tenantId !== null ? [{ id: caller.key.tenantId }] : [],
  }
}
