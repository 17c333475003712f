// What an instance offers beside tenants and scopes, one object a noun. A feature joins here: its type, the names of
// its methods, and its place in the runtime.
import type { Changes } from '../features/changes/change.ts'
import type { Adopt } from '../features/adopt/adopt.ts'
import type { Credentials } from '../features/credentials/credential.ts'
import type { ExternalAccess } from '../features/external-access/external-access.ts'
import type { Invitations } from '../features/invitations/invitation.ts'
import type { Keys } from '../features/keys/api-key.ts'
import type { Fleet } from '../features/fleet/fleet.ts'
import type { Idempotency } from '../features/idempotency/idempotency.ts'
import type { Operators, Support } from '../features/operators/operator.ts'
import type { Organizations, Teams } from '../features/organizations/organization.ts'
import type { FleetMigrations } from '../features/migrations/fleet.ts'
import type { Members, Roles } from '../features/members/member.ts'
import { lazyFleet } from '../features/fleet/lazy-fleet.ts'
import { lazily } from './lazily.ts'

export interface Nouns {
  /** Columns that take another one's place while two versions of the application run. */
  readonly changes: Changes
  /** The admin key of the HTTP API, and the keys of services and tenants. */
  readonly keys: Keys
  /** Lets PostgREST or Hasura at chosen protected tables, by their own unsigned claims. */
  readonly externalAccess: ExternalAccess
  /** Logins that tenants connect to PostgreSQL with themselves. */
  readonly credentials: Credentials
  /** The people behind the instance, and how they take up central power: for a while, for a reason, on record. */
  readonly operators: Operators
  /** Operators' time-boxed access to a tenant, which the tenant sees. */
  readonly support: Support
  /** Asks people into a tenant by e-mail. */
  readonly invitations: Invitations
  /** Groups of tenants, and whose they are. */
  readonly organizations: Organizations
  /** Groups of an organization's members, with roles in its tenants. */
  readonly teams: Teams
  /** Who belongs to a tenant, and in which role. */
  readonly members: Members
  /** The built-in roles, and those of a tenant's own. */
  readonly roles: Roles
  /** Migrations over all tenants. */
  readonly migrations: FleetMigrations
  /** Reads over many tenants at once. */
  readonly fleet: Fleet
  /** Requests that may be sent again. */
  readonly idempotency: Idempotency
  /** Turns a single-tenant database into a multi-tenant one, by a plan, while its application goes on working. */
  readonly adopt: Adopt
}

/** The methods of each noun; what they return is a promise. */
export const nounMethods = {
  changes: ['expand', 'backfill', 'validate', 'switch', 'contract', 'status', 'list'],
  keys: ['ensure', 'verify', 'create', 'list', 'get', 'rotate', 'revoke', 'authenticate'],
  externalAccess: ['allow', 'revoke', 'list'],
  credentials: ['create', 'list', 'rotate', 'revoke', 'drop'],
  operators: ['set', 'remove', 'list', 'elevate', 'release', 'elevations', 'authenticate'],
  support: ['open', 'list', 'end'],
  invitations: ['create', 'get', 'list', 'resend', 'revoke', 'accept'],
  organizations: [
    ...(['create', 'get', 'list', 'update', 'delete', 'addTenant', 'removeTenant', 'tenants'] as const),
    ...(['setMember', 'removeMember', 'members', 'users', 'organizationsOf'] as const),
  ],
  teams: ['create', 'list', 'get', 'delete', 'addMember', 'removeMember', 'members', 'setRole', 'roles'],
  members: [
    ...(['add', 'invite', 'accept', 'get', 'list', 'update', 'suspend', 'activate', 'revoke'] as const),
    ...(['transferOwnership', 'bootstrapOwner', 'membership', 'tenantsOf'] as const),
  ],
  roles: ['list', 'get', 'create', 'update', 'delete'],
  migrations: ['status', 'up', 'retry', 'drift', 'runs', 'stop'],
  fleet: ['query', 'statistics', 'refreshStatistics'],
  idempotency: ['claim', 'renew', 'finish', 'abandon', 'prune'],
  adopt: ['plan', 'apply', 'revert', 'status', 'statements'],
} as const satisfies { readonly [N in keyof Nouns]: readonly (keyof Nouns[N])[] }

/** The nouns of an instance that starts when one of them is first used. */
export function lazyNouns(started: () => Promise<Nouns>): Nouns {
  return {
    changes: lazily<Nouns['changes']>(async () => (await started()).changes, nounMethods.changes),
    keys: lazily<Nouns['keys']>(async () => (await started()).keys, nounMethods.keys),
    externalAccess: lazily<Nouns['externalAccess']>(
      async () => (await started()).externalAccess,
      nounMethods.externalAccess,
    ),
    credentials: lazily<Nouns['credentials']>(async () => (await started()).credentials, nounMethods.credentials),
    operators: lazily<Nouns['operators']>(async () => (await started()).operators, nounMethods.operators),
    support: lazily<Nouns['support']>(async () => (await started()).support, nounMethods.support),
    invitations: lazily<Nouns['invitations']>(async () => (await started()).invitations, nounMethods.invitations),
    organizations: lazily<Nouns['organizations']>(
      async () => (await started()).organizations,
      nounMethods.organizations,
    ),
    teams: lazily<Nouns['teams']>(async () => (await started()).teams, nounMethods.teams),
    members: lazily<Nouns['members']>(async () => (await started()).members, nounMethods.members),
    roles: lazily<Nouns['roles']>(async () => (await started()).roles, nounMethods.roles),
    migrations: lazily<Nouns['migrations']>(async () => (await started()).migrations, nounMethods.migrations),
    fleet: lazyFleet(async () => (await started()).fleet),
    idempotency: lazily<Nouns['idempotency']>(async () => (await started()).idempotency, nounMethods.idempotency),
    adopt: lazily<Nouns['adopt']>(async () => (await started()).adopt, nounMethods.adopt),
  }
}
