// Making, rotating and revoking keys. Each change is one transaction, under the tenant's row for a key of a tenant; who
// asks is bounded by what they may do themselves at that moment.
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import type { Clock } from '../../kernel/clock.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import { covers, type OnBehalfOf, type Permission } from '../../tenants/access.ts'
import { admit } from '../../tenants/admission.ts'
import { readAuthority } from '../../tenants/authority.ts'
import { recordFact } from '../../tenants/events.ts'
import { inTenantTransaction } from '../../tenants/lock.ts'
import { tenantKey } from '../../tenants/reference.ts'
import { getTenant } from '../../tenants/registry.ts'
import type { Tenant, TenantRef } from '../../tenants/tenant.ts'
import { hashKey } from './admin-keys.ts'
import type { ApiKey, ApiKeys, NewApiKey } from './api-key.ts'
import { checkCreateKey, checkGrace, checkKeyId, type NewKey } from './key-input.ts'
import { insertKey, type KeyRow, listKeys, readKey, replaceKey, revokeKey, toApiKey } from './key-store.ts'
import { makeKey, shownPrefix } from './key-text.ts'

export interface KeyVerbsOptions {
  readonly database: CentralDatabase
  readonly clock: Clock
  /** Runs after the commit of a change, so that this process need not wait for its own notification. */
  readonly onChange: (tenantId: string | null) => void
}

export type KeyVerbs = Omit<ApiKeys, 'authenticate'>

export function createKeyVerbs(options: KeyVerbsOptions): KeyVerbs {
  const { database } = options
  const change = async <T>(ref: TenantRef | null, run: (tx: Sql, tenant: Tenant | null) => Promise<T>): Promise<T> => {
    let tenantId: string | null = null
    const done = await (ref === null
      ? database.transaction((tx) => run(tx, null))
      : inTenantTransaction(options, tenantKey(ref), (tx, tenant) => {
          tenantId = tenant.id
          return run(tx, tenant)
        }))
    options.onChange(tenantId)
    return done
  }
  const idOf = async (ref: TenantRef | null) => (ref === null ? null : (await getTenant(database, ref)).id)
  return {
    async create(ref, input, { actor = 'library', onBehalfOf } = {}) {
      const asked = checkCreateKey(input)
      return change(ref, async (tx, tenant) => {
        refuseClosed(tenant)
        await refuseBeyond(tx, { tenant, onBehalfOf, permissions: asked.permissions })
        const made = await make(tx, tenant, { ...asked, actor })
        await record(options, tx, { verb: 'create', tenant, actor, detail: factsOf(made) })
        return made
      })
    },
    list: async (ref, listed = {}) => listKeys(database, await idOf(ref), listed),
    async get(ref, id) {
      const tenantId = await idOf(ref)
      return toApiKey(await readKey(database, { tenantId, id: checkKeyId(id) }))
    },
    async rotate(ref, id, { actor = 'library', onBehalfOf, graceSeconds } = {}) {
      const grace = checkGrace(graceSeconds)
      return change(ref, async (tx, tenant) => {
        refuseClosed(tenant)
        const old = await readKey(tx, { tenantId: tenant?.id ?? null, id: checkKeyId(id) }, 'for update')
        refuseEnded(old)
        await refuseBeyond(tx, { tenant, onBehalfOf, permissions: old.permissions })
        const { name, permissions, ttl_seconds: ttlSeconds } = old
        const made = await make(tx, tenant, { name, permissions, ttlSeconds, actor })
        const { expiresAt } = await replaceKey(tx, { id: old.id, successorId: made.id, graceSeconds: grace })
        const detail = { ...factsOf(made), replaces: old.id, replacedWorksUntil: expiresAt }
        await record(options, tx, { verb: 'rotate', tenant, actor, detail })
        return made
      })
    },
    revoke: (ref, id, { actor = 'library' } = {}) =>
      change(ref, async (tx, tenant) => {
        const key = await readKey(tx, { tenantId: tenant?.id ?? null, id: checkKeyId(id) }, 'for update')
        if (key.revoked_at !== null) return toApiKey(key)
        const revoked = await revokeKey(tx, key.id)
        await record(options, tx, { verb: 'revoke', tenant, actor, detail: factsOf(revoked) })
        return revoked
      }),
  }
}

async function make(tx: Sql, tenant: Tenant | null, asked: NewKey & { readonly actor: string }): Promise<NewApiKey> {
  const key = makeKey(tenant === null ? 'service' : 'tenant')
  const { actor: createdBy, ...rest } = asked
  const made = { ...rest, createdBy, tenantId: tenant?.id ?? null, prefix: shownPrefix(key), hash: hashKey(key) }
  return { ...(await insertKey(tx, { id: newId(), ...made })), key }
}

/**
 * A tenant that nobody may enter gets no new keys. One that has nothing to enter yet, or is closed for a while, may have
 * some ready.
 */
function refuseClosed(tenant: Tenant | null): void {
  if (tenant !== null) admit({ ...tenant, provisioned: true, migrationVersion: 0, mode: 'normal' })
}

function refuseEnded(key: KeyRow): void {
  const why = key.successor_id !== null ? 'was replaced before' : key.has_ended ? 'does not work any more' : undefined
  if (why !== undefined) throw new TenantryError('KEY_STATE_CONFLICT', `The key ${key.prefix}… ${why}.`)
}

interface Bounded {
  readonly tenant: Tenant | null
  readonly onBehalfOf: OnBehalfOf | undefined
  readonly permissions: readonly Permission[]
}

/**
 * Throws RANK_TOO_LOW where the key would allow more than who asks for it, NOT_A_MEMBER and PERMISSION_DENIED. A service
 * key reaches all tenants, so whoever is bounded by a place in one cannot have it made.
 */
async function refuseBeyond(tx: Sql, { tenant, onBehalfOf, permissions }: Bounded): Promise<void> {
  if (onBehalfOf === undefined) return
  if (tenant === null) throw new TenantryError('PERMISSION_DENIED', 'Service keys are made with central power only.')
  const authority = await readAuthority(tx, tenant.id, onBehalfOf)
  if (permissions.every((permission) => covers(authority?.permissions ?? [], permission))) return
  throw new TenantryError('RANK_TOO_LOW', 'The key would reach further than who asks for it.', { field: 'permissions' })
}

function factsOf({ id, name, prefix, permissions }: ApiKey): Readonly<Record<string, unknown>> {
  return { keyId: id, name, prefix, permissions }
}

interface KeyChange {
  readonly verb: 'create' | 'rotate' | 'revoke'
  readonly tenant: Tenant | null
  readonly actor: string
  readonly detail: Readonly<Record<string, unknown>>
}

const past = { create: 'created', rotate: 'rotated', revoke: 'revoked' } as const

async function record({ clock }: KeyVerbsOptions, tx: Sql, change: KeyChange): Promise<void> {
  const { verb, ...fact } = change
  await recordFact(tx, { ...fact, event: `key.${past[verb]}`, action: `key.${verb}`, at: new Date(clock.now()) })
}
