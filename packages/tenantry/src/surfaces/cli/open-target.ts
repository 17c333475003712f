// Opens the target that was chosen, and closes it again whatever happens.
import type { Credentials } from '../../features/credentials/credential.ts'
import type { Operators, Support } from '../../features/operators/operator.ts'
import type { ApiKeys } from '../../features/keys/api-key.ts'
import type { Tenants } from '../../tenants/tenants.ts'
import type { CommandRun } from './command.ts'
import { changesActingAs } from './changes-target.ts'
import { fleetActingAs } from './fleet-target.ts'
import { httpTarget } from './http-target.ts'
import { migrationsActingAs } from './migrations-target.ts'
import { peopleActingAs } from './people-target.ts'
import { organizationsActingAs, teamsActingAs } from './organizations-target.ts'
import { chooseTarget, credentialSettings, type Target } from './target.ts'

/** Of an instance that a command opens itself, over its configuration. */
export interface DirectSettings {
  readonly migrateOnStart?: boolean
  readonly checkPolicies?: boolean
}

/** Runs `work` on the target of this command line. */
export async function withTarget<T>(
  run: CommandRun,
  work: (target: Target) => Promise<T>,
  settings: DirectSettings = {},
): Promise<T> {
  const choice = await chooseTarget(run.target)
  const target =
    choice.kind === 'http' ? httpTarget(choice) : await openDirect(run, { ...settings, adminUrl: choice.adminUrl })
  try {
    return await work(target)
  } finally {
    await target.close()
  }
}

async function openDirect(run: CommandRun, settings: DirectSettings & { readonly adminUrl: string }): Promise<Target> {
  const tenantry = await run.composition.createTenantry({ ...settings, ...credentialSettings(run.target.env) })
  return {
    tenants: actingAs('cli', tenantry.tenants),
    credentials: credentialsActingAs('cli', tenantry.credentials),
    operators: operatorsActingAs('cli', tenantry.operators),
    support: supportActingAs('cli', tenantry.support),
    keys: keysActingAs('cli', tenantry.keys),
    ...peopleActingAs('cli', tenantry),
    organizations: organizationsActingAs('cli', tenantry.organizations),
    teams: teamsActingAs('cli', tenantry.teams),
    migrations: migrationsActingAs('cli', tenantry.migrations),
    changes: changesActingAs('cli', tenantry.changes),
    fleet: fleetActingAs('cli', tenantry.fleet),
    close: () => tenantry.close(),
  }
}

/** The tenants, with every change in the audit log under this actor. */
function actingAs(actor: string, tenants: Tenants): Target['tenants'] {
  return {
    create: (input) => tenants.create(input, { actor }),
    get: (ref) => tenants.get(ref),
    list: (query) => tenants.list(query),
    update: (ref, change, options) => tenants.update(ref, change, { ...options, actor }),
    provision: (ref) => tenants.provision(ref, { actor }),
    suspend: (ref, options) => tenants.suspend(ref, { ...options, actor }),
    activate: (ref) => tenants.activate(ref, { actor }),
    deactivate: (ref) => tenants.deactivate(ref, { actor }),
    delete: (ref) => tenants.delete(ref, { actor }),
    restore: (ref) => tenants.restore(ref, { actor }),
    purge: (ref, options) => tenants.purge(ref, { ...options, actor }),
    setMode: (ref, input) => tenants.setMode(ref, input, { actor }),
    stats: () => tenants.stats(),
  }
}

function credentialsActingAs(actor: string, credentials: Credentials): Target['credentials'] {
  return {
    create: (ref, input) => credentials.create(ref, input, { actor }),
    list: async (ref) => {
      const items = await credentials.list(ref)
      return { items, nextCursor: null, total: items.length }
    },
    rotate: (ref, input) => credentials.rotate(ref, input, { actor }),
    revoke: (ref, input) => credentials.revoke(ref, input, { actor }),
    drop: (ref, input) => credentials.drop(ref, input, { actor }),
  }
}

function operatorsActingAs(actor: string, operators: Operators): Target['operators'] {
  return {
    list: async () => {
      const items = await operators.list()
      return { items, nextCursor: null, total: items.length }
    },
    set: (input) => operators.set(input, { actor }),
    remove: (userId) => operators.remove(userId, { actor }),
    elevate: (input) => operators.elevate(input, { actor }),
    release: (id) => operators.release(id, { actor }),
    elevations: () => operators.elevations(),
  }
}

function supportActingAs(actor: string, support: Support): Target['support'] {
  return {
    open: (ref, input) => support.open(ref, input, { actor }),
    list: (ref) => support.list(ref),
    end: (ref, id) => support.end(ref, id, { actor }),
  }
}

function keysActingAs(actor: string, keys: ApiKeys): Target['keys'] {
  return {
    create: (ref, input) => keys.create(ref, input, { actor }),
    list: (ref, query) => keys.list(ref, query),
    get: (ref, id) => keys.get(ref, id),
    rotate: (ref, id, input) => keys.rotate(ref, id, { ...input, actor }),
    revoke: (ref, id) => keys.revoke(ref, id, { actor }),
  }
}
