// The registry and the lifecycle in memory: the same checks, the same status machine and the same events as the real
// ones, which keep them in the database.
import type { Claims } from '../engine/context/context-token.ts'
import type { ScopedTenant, TenantSource } from '../engine/context/scope.ts'
import type { Clock } from '../kernel/clock.ts'
import { TenantryError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { admit, type CachedTenant } from '../tenants/admission.ts'
import { eventPayload, type TenantFact } from '../tenants/events.ts'
import type { TenantFilter } from '../tenants/for-each.ts'
import { checkCreate, checkReason, checkUpdate, type NewTenant } from '../tenants/input.ts'
import { decideOrThrow, eventOfVerb, statusConflict } from '../tenants/lifecycle.ts'
import { checkMode, modeAfter } from '../tenants/mode.ts'
import type { TenantDefaults } from '../tenants/options.ts'
import { refuseUnconfirmed } from '../tenants/purge.ts'
import { publicTenant, type TenantRecord } from '../tenants/record.ts'
import { type TenantKey, tenantKey, tenantNotFound } from '../tenants/reference.ts'
import { activated, deactivated, deleted, restored, suspended } from '../tenants/status-effects.ts'
import type { CreateTenant, ProvisionResult, SetMode, Tenant, TenantRef } from '../tenants/tenant.ts'
import type { ActOptions, SuspendOptions, TenantEvent, Tenants, UpdateOptions } from '../tenants/tenants.ts'
import { changedFields, refuseUpdate } from '../tenants/update.ts'
import { refuseOtherVersion } from '../tenants/version.ts'
import { eventPage, statistics, tenantPage } from './memory-pages.ts'

type Verb = keyof typeof eventOfVerb

const effects: Readonly<Record<Exclude<Verb, 'suspend' | 'delete'>, (tenant: TenantRecord, at: Date) => TenantRecord>> =
  { activate: activated, deactivate: deactivated, restore: restored }

function cachedOf(record: TenantRecord): CachedTenant {
  const { id, slug, status, isolation, schemaName, mode, modeOperators, plan, provisionedAt } = record
  const own = { id, slug, status, isolation, schemaName, mode, modeOperators, plan }
  return { ...own, provisioned: provisionedAt !== null, migrationVersion: 0 }
}

export interface MemoryTenantsOptions {
  readonly defaults: TenantDefaults
  readonly clock: Clock
  /** Runs before each call; throws where the instance is closed. */
  readonly onUse: () => void
}

export class MemoryTenants implements Tenants, TenantSource {
  readonly #defaults: TenantDefaults
  readonly #clock: Clock
  readonly #onUse: () => void
  readonly #records = new Map<string, TenantRecord>()
  readonly #events: TenantEvent[] = []

  constructor({ defaults, clock, onUse }: MemoryTenantsOptions) {
    this.#defaults = defaults
    this.#clock = clock
    this.#onUse = onUse
  }

  peek(): undefined {
    return undefined
  }

  async admitted(ref: TenantRef, claims: Claims): Promise<ScopedTenant> {
    return { ...admit(cachedOf(this.#required(ref)), claims) }
  }

  /** As the cached registry: a tenant of any status, or null. */
  recall(ref: TenantRef): CachedTenant | null {
    try {
      return cachedOf(this.#required(ref))
    } catch (error) {
      if (error instanceof TenantryError && error.code === 'TENANT_NOT_FOUND') return null
      throw error
    }
  }

  async lookup(ref: TenantRef): Promise<CachedTenant> {
    return cachedOf(this.#required(ref))
  }

  /** The tenants that a walk over all of them enters. */
  ready({ plan, isolation }: TenantFilter): readonly Tenant[] {
    return [...this.#records.values()]
      .filter((tenant) => tenant.status === 'active' && tenant.provisionedAt !== null)
      .filter((tenant) => plan === undefined || tenant.plan === plan)
      .filter((tenant) => isolation === undefined || tenant.isolation === isolation)
      .map(publicTenant)
  }

  async create(input: CreateTenant): Promise<Tenant> {
    this.#onUse()
    const { provision, ...given } = checkCreate(input, this.#defaults)
    this.#refuseTaken(given.slug, given.schemaName)
    const now = this.#now().toISOString()
    const tenant = this.#save({ ...blank, ...given, id: newId(), createdAt: now, version: 0 })
    this.#record({ event: 'tenant.created', action: 'tenant.create', tenant })
    if (provision) await this.provision({ id: tenant.id })
    return this.get({ id: tenant.id })
  }

  async get(ref: TenantRef): Promise<Tenant> {
    const tenant = this.#required(ref)
    if (tenant.status === 'purged') throw tenantNotFound(tenantKey(ref))
    return publicTenant(tenant)
  }

  async find(ref: TenantRef): Promise<Tenant | undefined> {
    return this.get(ref).catch((error: unknown) => {
      if (error instanceof TenantryError && error.code === 'TENANT_NOT_FOUND') return undefined
      throw error
    })
  }

  list: Tenants['list'] = async (options = {}) => {
    this.#onUse()
    return tenantPage([...this.#records.values()].map(publicTenant), options)
  }

  async update(ref: TenantRef, change: object, { ifVersion }: UpdateOptions = {}): Promise<Tenant> {
    const fields = checkUpdate(change)
    const tenant = this.#required(ref)
    refuseUpdate(tenant, ifVersion)
    const changed = changedFields(tenant, fields)
    if (changed.length === 0) return publicTenant(tenant)
    const after = this.#save({ ...tenant, ...fields })
    this.#record({ event: 'tenant.updated', action: 'tenant.update', tenant: after, detail: { changed } })
    return after
  }

  async provision(ref: TenantRef): Promise<ProvisionResult> {
    const tenant = this.#required(ref)
    if (tenant.status === 'deleted' || tenant.status === 'purged') {
      throw statusConflict('provision', tenant, ['active', 'suspended', 'inactive'])
    }
    const result = { provisioned: true, schemaName: tenant.schemaName, tableCount: 0 }
    if (tenant.provisionedAt !== null) return { ...result, message: 'already provisioned' }
    this.#save({ ...tenant, provisionedAt: this.#now().toISOString() })
    this.#record({ event: 'tenant.provisioned', action: 'tenant.provision', tenant })
    return { ...result, message: 'provisioned successfully' }
  }

  async suspend(ref: TenantRef, { reason: given }: SuspendOptions = {}): Promise<Tenant> {
    const reason = checkReason(given)
    return this.#change('suspend', ref, { reason, effect: (tenant, at) => suspended(tenant, at, reason) })
  }

  activate = async (ref: TenantRef): Promise<Tenant> => this.#change('activate', ref)
  deactivate = async (ref: TenantRef): Promise<Tenant> => this.#change('deactivate', ref)
  restore = async (ref: TenantRef): Promise<Tenant> => this.#change('restore', ref)

  async delete(ref: TenantRef, { ifVersion }: UpdateOptions = {}): Promise<Tenant> {
    const { purgeAfterDays } = this.#defaults
    return this.#change('delete', ref, { ifVersion, effect: (tenant, at) => deleted(tenant, at, purgeAfterDays) })
  }

  async purge(ref: TenantRef, options: ActOptions & { readonly confirm: string }): Promise<Tenant> {
    const tenant = this.#required(ref)
    if (decideOrThrow('purge', tenant) === 'repeat') return publicTenant(tenant)
    refuseUnconfirmed(tenant, options.confirm)
    return this.#bury(tenant)
  }

  async setMode(ref: TenantRef, input: SetMode): Promise<Tenant> {
    const change = checkMode(input)
    const tenant = this.#required(ref)
    refuseUpdate(tenant, undefined)
    const after = modeAfter(tenant, change)
    if (after === undefined) return publicTenant(tenant)
    const since = after.mode === tenant.mode ? {} : { modeSince: this.#now().toISOString() }
    const saved = this.#save({ ...tenant, ...after, ...since })
    const detail = { mode: after.mode, before: tenant.mode, operators: after.modeOperators }
    const fact = { event: 'tenant.mode_changed', action: 'tenant.mode', tenant }
    this.#record({ ...fact, reason: change.reason ?? null, detail })
    return saved
  }

  stats: Tenants['stats'] = async () => statistics([...this.#records.values()])

  events: Tenants['events'] = async (options = {}) => {
    const key = options.tenant === undefined ? undefined : tenantKey(options.tenant)
    const tenantId = key?.column === 'slug' ? this.#required({ slug: key.value }).id : key?.value
    return eventPage(this.#events, options, tenantId)
  }

  async resume(): Promise<number> {
    return 0
  }

  async purgeDue(): Promise<readonly string[]> {
    const isDue = ({ status, purgeAfter }: TenantRecord) =>
      status === 'deleted' && purgeAfter !== null && Date.parse(purgeAfter) <= this.#clock.now()
    const due = [...this.#records.values()].filter(isDue)
    for (const tenant of due) this.#bury(tenant)
    return due.map(({ id }) => id)
  }

  #change(verb: Verb, ref: TenantRef, change: Change = {}): Tenant {
    const tenant = this.#required(ref)
    if (decideOrThrow(verb, tenant) === 'repeat') return publicTenant(tenant)
    refuseOtherVersion(tenant, change.ifVersion)
    const effect = change.effect ?? effects[verb as keyof typeof effects]
    const after = this.#save(effect(tenant, this.#now()))
    this.#record({ event: eventOfVerb[verb], action: `tenant.${verb}`, tenant, reason: change.reason ?? null })
    return after
  }

  #bury(tenant: TenantRecord): Tenant {
    const hex = tenant.id.replaceAll('-', '')
    const names = { name: 'purged', slug: `purged-${hex}`, schemaName: `purged_${hex}` }
    const gone = { settings: {}, metadata: {}, ownerUserId: null, suspendReason: null, purgeAfter: null, ...NORMAL }
    const tombstone = this.#save({
      ...{ ...tenant, ...names, ...gone, status: 'purged' },
      ...{ statusBefore: null, purgedAt: this.#now().toISOString() },
    })
    this.#record({ event: 'tenant.purged', action: 'tenant.purge', tenant: tombstone })
    return tombstone
  }

  #required(ref: TenantRef): TenantRecord {
    this.#onUse()
    const key = tenantKey(ref)
    const found = this.#lookup(key)
    if (found === undefined) throw tenantNotFound(key)
    return found
  }

  #lookup({ column, value }: TenantKey): TenantRecord | undefined {
    return column === 'id' ? this.#records.get(value) : [...this.#records.values()].find(({ slug }) => slug === value)
  }

  #refuseTaken(slug: string, schemaName: string): void {
    for (const other of this.#records.values()) {
      if (other.slug === slug) throw new TenantryError('SLUG_TAKEN', `The slug ${slug} is taken.`, { field: 'slug' })
      if (other.schemaName === schemaName) {
        const message = `The schema name ${schemaName} is taken.`
        throw new TenantryError('SCHEMA_NAME_TAKEN', message, { field: 'schemaName' })
      }
    }
  }

  #save(tenant: TenantRecord): Tenant {
    // A copy, so that what a test holds does not change under it.
    const saved = structuredClone({ ...tenant, updatedAt: this.#now().toISOString(), version: tenant.version + 1 })
    this.#records.set(saved.id, saved)
    return publicTenant(saved)
  }

  #record(fact: Omit<TenantFact, 'actor' | 'at'>): void {
    const at = this.#now()
    this.#events.push({
      ...{ seq: String(this.#events.length + 1), id: newId(), type: fact.event, tenantId: fact.tenant?.id ?? null },
      ...{ payload: eventPayload({ ...fact, actor: 'library', at }), createdAt: at.toISOString() },
    })
  }

  #now(): Date {
    return new Date(this.#clock.now())
  }
}

interface Change {
  readonly ifVersion?: number | undefined
  readonly reason?: string | null
  readonly effect?: (tenant: TenantRecord, at: Date) => TenantRecord
}

const NORMAL = { mode: 'normal', modeReason: null, modeOperators: [] } as const

const blank: Omit<TenantRecord, 'id' | 'createdAt' | 'version' | keyof NewTenant> = {
  ...{ status: 'active', provisionedAt: null, suspendedAt: null, suspendReason: null, deletedAt: null },
  ...{ purgeAfter: null, purgedAt: null, statusBefore: null, archivedSchema: null, restoredAt: null, updatedAt: '' },
  ...{ ...NORMAL, modeSince: null },
}
