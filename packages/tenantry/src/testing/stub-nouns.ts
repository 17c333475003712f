// The nouns of the in-memory instance. What lives in the control plane's tables has no stand-in: a test of it needs the
// real rules, which are the database's.
import { nounMethods, type Nouns } from '../composition/nouns.ts'
import { lazyFleet } from '../features/fleet/lazy-fleet.ts'
import { TenantryError } from '../kernel/errors.ts'

/** Admin keys work in memory; everything else says that it needs a database. */
export function stubNouns(): Nouns {
  const refusing = Object.entries(nounMethods).map(([noun, methods]) => [noun, refuseAll(noun, methods)])
  // Every noun with every method, each of which refuses.
  const nouns = Object.fromEntries(refusing) as Nouns
  const keys = { ...nouns.keys, ...stubKeys() }
  // Rows are handed out at once, and refuse when they are read.
  const fleet = { ...nouns.fleet, ...lazyFleet(() => refusal('fleet')) }
  return { ...nouns, keys, fleet }
}

function refuseAll(noun: string, methods: readonly string[]): object {
  return Object.fromEntries(methods.map((method) => [method, () => refusal(noun)]))
}

function refusal(noun: string): Promise<never> {
  return Promise.reject(
    new TenantryError('CONFIGURATION_INVALID', `The stub has no database, and so no ${noun}.`, {
      fix: `Test ${noun} with a real instance: createTenantry({ embedded: true }).`,
    }),
  )
}

function stubKeys(): Pick<Nouns['keys'], 'ensure' | 'verify' | 'authenticate'> {
  let stored: string | undefined
  const admin = { ...({ keyId: null, prefix: 'stub', kind: 'admin', tenantId: null } as const), permissions: ['*'] }
  return {
    ensure: async (given?: string) => {
      const made = stored === undefined && given === undefined ? 'tn_admin_stub' : undefined
      stored = given ?? stored ?? made
      return { key: made }
    },
    verify: async (presented: string) => presented === stored,
    authenticate: async (presented: string) => (presented === stored ? admin : null),
  }
}
