// Puts the parts together into what `tenantry.invitations` offers. Each change is one transaction under the tenant's row
// lock, so that a role cannot be given by somebody who is losing their own at that moment.
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import type { Clock } from '../../kernel/clock.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { OnBehalfOf } from '../../tenants/access.ts'
import { admit } from '../../tenants/admission.ts'
import {
  actorOf,
  type Authority,
  readAuthority,
  readRole,
  refuseOutranked,
  refuseUncovered,
} from '../../tenants/authority.ts'
import { recordFact } from '../../tenants/events.ts'
import { inTenantTransaction } from '../../tenants/lock.ts'
import { tenantKey } from '../../tenants/reference.ts'
import { getTenant } from '../../tenants/registry.ts'
import type { Tenant, TenantRef } from '../../tenants/tenant.ts'
import { acceptInvitation } from './accept-invitation.ts'
import type { CreateInvitation, Invitation, InvitationActOptions, Invitations, NewInvitation } from './invitation.ts'
import { checkCreate, checkId, checkList } from './invitation-input.ts'
import {
  type InvitationRow,
  insertInvitation,
  listInvitations,
  markRevoked,
  readInvitation,
  readPending,
  renewInvitation,
  toInvitation,
} from './invitation-store.ts'
import { hashOf, newToken } from './invitation-token.ts'

export interface InvitationsOptions {
  readonly database: CentralDatabase
  readonly clock: Clock
  /** How long to wait for another change of the tenant before TENANT_BUSY. Default: 10 s. */
  readonly lockTimeoutMs?: number
  /** Runs once a member was made, so that this process need not wait for its own notification. */
  readonly onChange?: (tenantId: string) => void
}

/**
 * The invitations of an instance.
 *
 * @example
 * ```ts
 * const invitations = createInvitations({ database, clock: systemClock })
 * const { token } = await invitations.create('acme-corp', { email: 'ada@example.com', role: 'admin' })
 * ```
 */
export function createInvitations(options: InvitationsOptions): Invitations {
  return {
    create: (ref, input, act = {}) => create(options, ref, { input, act }),
    get: async (ref, id) => {
      const { id: tenantId } = await getTenant(options.database, ref)
      return toInvitation(await readInvitation(options.database, tenantId, checkId(id)), options.clock.now())
    },
    list: async (ref, query = {}) => {
      const checked = { ...checkList(query), now: options.clock.now() }
      return listInvitations(options.database, (await getTenant(options.database, ref)).id, checked)
    },
    resend: (ref, id, act = {}) => resend(options, ref, { id, act }),
    revoke: (ref, id, act = {}) => revoke(options, ref, { id, act }),
    accept: (token, user, act = {}) => acceptInvitation(options, token, { user, act }),
  }
}

async function create(
  options: InvitationsOptions,
  ref: TenantRef,
  { input, act }: { readonly input: CreateInvitation; readonly act: InvitationActOptions },
): Promise<NewInvitation> {
  const { ttlSeconds, ...given } = checkCreate(input)
  const issued = issue(options, ttlSeconds * 1000)
  return inTenantTransaction(options, tenantKey(ref), async (tx, tenant) => {
    refuseClosed(tenant)
    const authority = await inviting(tx, tenant, { role: given.role, act })
    const pending = await readPending(tx, tenant.id, given.email)
    if (pending !== undefined) {
      await refuseHigher(tx, authority, pending)
      await markRevoked(tx, pending.id, issued.issuedAt)
    }
    const row = { id: newId(), tenantId: tenant.id, ...given, ...inviterOf(act.onBehalfOf), ...issued.stored }
    const made = await insertInvitation(tx, row)
    const replaces = pending === undefined ? {} : { replaces: pending.id }
    await record(options, tx, { verb: 'create', tenant, row: made, act, detail: replaces })
    return { ...toInvitation(made, options.clock.now()), token: issued.token }
  })
}

interface Named {
  readonly id: string
  readonly act: InvitationActOptions
}

async function resend(options: InvitationsOptions, ref: TenantRef, { id, act }: Named): Promise<NewInvitation> {
  checkId(id)
  return inTenantTransaction(options, tenantKey(ref), async (tx, tenant) => {
    refuseClosed(tenant)
    const before = await readInvitation(tx, tenant.id, id)
    await inviting(tx, tenant, { role: before.role, act })
    refuseEnded(before)
    const issued = issue(options, before.expires_at.getTime() - before.issued_at.getTime())
    const row = await renewInvitation(tx, { id, ...inviterOf(act.onBehalfOf), ...issued.stored })
    await record(options, tx, { verb: 'resend', tenant, row, act })
    return { ...toInvitation(row, options.clock.now()), token: issued.token }
  })
}

async function revoke(options: InvitationsOptions, ref: TenantRef, { id, act }: Named): Promise<Invitation> {
  checkId(id)
  return inTenantTransaction(options, tenantKey(ref), async (tx, tenant) => {
    const authority = await readAuthority(tx, tenant.id, act.onBehalfOf)
    refuseUncovered(authority, 'invitations:write')
    const before = await readInvitation(tx, tenant.id, id)
    await refuseHigher(tx, authority, before)
    const now = options.clock.now()
    if (before.state === 'revoked') return toInvitation(before, now)
    refuseEnded(before)
    const row = await markRevoked(tx, id, new Date(now))
    await record(options, tx, { verb: 'revoke', tenant, row, act })
    return toInvitation(row, now)
  })
}

/** The power of who invites, over this role. Throws NOT_A_MEMBER, PERMISSION_DENIED, ROLE_NOT_FOUND, RANK_TOO_LOW. */
async function inviting(
  tx: Sql,
  tenant: Tenant,
  { role, act }: { readonly role: string; readonly act: InvitationActOptions },
): Promise<Authority | undefined> {
  const authority = await readAuthority(tx, tenant.id, act.onBehalfOf)
  refuseUncovered(authority, 'invitations:write')
  refuseOutranked(authority, await readRole(tx, tenant.id, role))
  return authority
}

/** Nobody takes an invitation back that they could not have given; one to a role that is gone is anybody's. */
async function refuseHigher(tx: Sql, authority: Authority | undefined, row: InvitationRow): Promise<void> {
  if (authority === undefined) return
  const role = await readRole(tx, row.tenant_id, row.role).catch((error: unknown) => {
    if (error instanceof TenantryError && error.code === 'ROLE_NOT_FOUND') return undefined
    throw error
  })
  if (role !== undefined) refuseOutranked(authority, role)
}

function refuseEnded({ state }: InvitationRow): void {
  if (state === 'accepted') throw new TenantryError('INVITATION_USED', 'The invitation was accepted already.')
  if (state === 'revoked') throw new TenantryError('INVITATION_REVOKED', 'The invitation was revoked.')
}

function refuseClosed(tenant: Tenant): void {
  admit({ ...tenant, provisioned: tenant.provisionedAt !== null, migrationVersion: 0 })
}

function inviterOf(onBehalfOf: OnBehalfOf | undefined) {
  if (onBehalfOf === undefined) return { invitedBy: null, bounds: null }
  if ('permissions' in onBehalfOf) return { invitedBy: null, bounds: onBehalfOf.permissions }
  return { invitedBy: onBehalfOf.userId, bounds: null }
}

function issue({ clock }: InvitationsOptions, ttlMs: number) {
  const token = newToken()
  const issuedAt = new Date(clock.now())
  const expiresAt = new Date(issuedAt.getTime() + ttlMs)
  return { token, issuedAt, stored: { tokenHash: hashOf(token), issuedAt, expiresAt } }
}

const past = { create: 'created', resend: 'resent', revoke: 'revoked' } as const

interface Change {
  readonly verb: keyof typeof past
  readonly tenant: Tenant
  readonly row: InvitationRow
  readonly act: InvitationActOptions
  readonly detail?: Readonly<Record<string, unknown>>
}

// Never the address: events and audit entries outlive the tenant.
async function record({ clock }: InvitationsOptions, tx: Sql, change: Change): Promise<void> {
  const { verb, tenant, row, act } = change
  const detail = { invitationId: row.id, role: row.role, invitedBy: row.invited_by, ...change.detail }
  const fact = { event: `invitation.${past[verb]}`, action: `invitation.${verb}`, tenant, actor: actorOf(act), detail }
  await recordFact(tx, { ...fact, at: new Date(clock.now()) })
}
