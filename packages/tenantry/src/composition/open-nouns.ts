// Makes the nouns of a started instance, and says which features take part in the life of tenants, in what order.
import type { Instance } from '../control/instance.ts'
import { openCentralDatabase } from '../engine/sql/central-database.ts'
import type { CentralDatabase } from '../engine/sql/database.ts'
import { createChanges } from '../features/changes/create-changes.ts'
import type { ScopedPool } from '../engine/sql/scoped-pool.ts'
import { createAdopt } from '../features/adopt/create-adopt.ts'
import { fingerprintNow } from '../features/adopt/plan-check.ts'
import { splitStage } from '../features/adopt/split.ts'
import { createCredentials } from '../features/credentials/create-credentials.ts'
import { credentialsParticipant } from '../features/credentials/credentials-participant.ts'
import { createExternalAccess } from '../features/external-access/external-access.ts'
import { createFleet } from '../features/fleet/create-fleet.ts'
import { createIdempotency } from '../features/idempotency/idempotency.ts'
import { createInvitations } from '../features/invitations/create-invitations.ts'
import { invitationsParticipant } from '../features/invitations/invitations-participant.ts'
import type { KeyParts } from '../features/keys/api-key.ts'
import { createMembers } from '../features/members/create-members.ts'
import { createRoles } from '../features/members/create-roles.ts'
import { membersParticipant } from '../features/members/members-participant.ts'
import type { Migrations } from '../features/migrations/create-migrations.ts'
import { createFleetMigrations } from '../features/migrations/runner/create-fleet.ts'
import type { MigrationFiles } from '../features/migrations/migration-files.ts'
import { createOperators } from '../features/operators/create-operators.ts'
import { createSupport } from '../features/operators/create-support.ts'
import { supportParticipant } from '../features/operators/support-participant.ts'
import { createOrganizations } from '../features/organizations/create-organizations.ts'
import { createTeams } from '../features/organizations/create-teams.ts'
import { organizationsParticipant } from '../features/organizations/organizations-participant.ts'
import { systemClock } from '../kernel/clock.ts'
import { reservedSlugs } from '../kernel/identifiers.ts'
import type { CachedRegistry } from '../tenants/cached-registry.ts'
import type { TenantsOptions } from '../tenants/options.ts'
import type { Participant } from '../tenants/participant.ts'
import type { Nouns } from './nouns.ts'
import { sharedSchemasOf, type TenantrySettings } from './settings.ts'

export interface NounParts {
  readonly adminUrl: string
  readonly settings: TenantrySettings
  readonly central: CentralDatabase
  readonly instance: Instance
  readonly registry: CachedRegistry
  readonly keys: KeyParts
  readonly files: MigrationFiles
  readonly migrations: Migrations
  /** The pool of fleet reads. */
  readonly fleetPool: ScopedPool
}

export interface OpenNouns extends NounParts {
  readonly tenantsOptions: TenantsOptions
}

/** The nouns over this control plane. */
export function openNouns(parts: OpenNouns): Nouns {
  const { settings, central, instance, registry, keys } = parts
  const control = { database: central, clock: systemClock }
  const changes = { ...control, onChange: (tenantId: string) => registry.invalidate(tenantId) }
  const named = { ...changes, reservedSlugs: settings.reservedSlugs ?? reservedSlugs }
  return {
    changes: createChanges(control),
    keys: keys.keys,
    externalAccess: createExternalAccess(central, instance),
    credentials: credentialsOf(parts),
    members: createMembers(changes),
    roles: createRoles(changes),
    invitations: createInvitations(changes),
    organizations: createOrganizations(named),
    teams: createTeams(named),
    operators: createOperators(control),
    support: createSupport(control),
    migrations: fleetOf(parts),
    fleet: createFleet({
      ...{ ...control, pool: parts.fleetPool },
      lookup: (id) => registry.lookup({ id }),
    }),
    idempotency: createIdempotency(central),
    adopt: createAdopt({
      tenants: parts.tenantsOptions,
      open: () => openCentralDatabase({ url: parts.adminUrl, max: 1, applicationName: 'tenantry adopt' }),
      fingerprintOf: fingerprintNow,
      stages: [splitStage],
    }),
  }
}

/** Who takes part in the life of tenants; removal walks backwards. */
export function participantsOf({
  settings,
  central,
  instance,
  keys,
  migrations,
}: Omit<NounParts, 'adminUrl' | 'registry' | 'fleetPool'>): readonly Participant[] {
  return [
    migrations.participant,
    membersParticipant({ clock: systemClock }),
    keys.participant,
    credentialsParticipant({ database: central, instanceId: instance.id, sink: settings.credentials?.sink }),
    supportParticipant,
    invitationsParticipant(systemClock),
    organizationsParticipant(systemClock),
    ...(settings.participants ?? []),
  ]
}

function fleetOf({ adminUrl, central, instance, files, migrations }: NounParts): Nouns['migrations'] {
  const applicationName = 'tenantry migrations'
  return createFleetMigrations({
    ...{ database: central, migrations, files, roles: instance.roles },
    open: (max) => openCentralDatabase({ url: adminUrl, max, applicationName }),
  })
}

function credentialsOf({ adminUrl, settings, central, instance }: NounParts): Nouns['credentials'] {
  return createCredentials({
    ...{ database: central, instanceId: instance.id, appRole: instance.roles.app, clock: systemClock },
    serverUrl: settings.credentials?.serverUrl ?? adminUrl,
    sharedSchemas: sharedSchemasOf(settings),
    sink: settings.credentials?.sink,
  })
}
