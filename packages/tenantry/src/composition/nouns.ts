// What an instance offers beside tenants and scopes, one object a noun. A feature joins here: its type, the names of
// its methods, and its place in the runtime.
import type { Credentials } from '../features/credentials/credential.ts'
import type { ExternalAccess } from '../features/external-access/external-access.ts'
import type { AdminKeys } from '../features/keys/admin-keys.ts'
import type { Operators, Support } from '../features/operators/operator.ts'
import { lazily } from './lazily.ts'

export interface Nouns {
  readonly keys: AdminKeys
  /** Lets PostgREST or Hasura at chosen protected tables, by their own unsigned claims. */
  readonly externalAccess: ExternalAccess
  /** Logins that tenants connect to PostgreSQL with themselves. */
  readonly credentials: Credentials
  /** The people behind the instance, and how they take up central power: for a while, for a reason, on record. */
  readonly operators: Operators
  /** Operators' time-boxed access to a tenant, which the tenant sees. */
  readonly support: Support
}

/** The methods of each noun; what they return is a promise. */
export const nounMethods = {
  keys: ['ensure', 'verify'],
  externalAccess: ['allow', 'revoke', 'list'],
  credentials: ['create', 'list', 'rotate', 'revoke', 'drop'],
  operators: ['set', 'remove', 'list', 'elevate', 'release', 'elevations', 'authenticate'],
  support: ['open', 'list', 'end'],
} as const satisfies { readonly [N in keyof Nouns]: readonly (keyof Nouns[N])[] }

/** The nouns of an instance that starts when one of them is first used. */
export function lazyNouns(started: () => Promise<Nouns>): Nouns {
  return {
    keys: lazily<Nouns['keys']>(async () => (await started()).keys, nounMethods.keys),
    externalAccess: lazily<Nouns['externalAccess']>(
      async () => (await started()).externalAccess,
      nounMethods.externalAccess,
    ),
    credentials: lazily<Nouns['credentials']>(async () => (await started()).credentials, nounMethods.credentials),
    operators: lazily<Nouns['operators']>(async () => (await started()).operators, nounMethods.operators),
    support: lazily<Nouns['support']>(async () => (await started()).support, nounMethods.support),
  }
}
