// What every act on members and roles shares: one transaction under the tenant's row, in which the power of whoever it is
// on behalf of is read anew, and the rules that bound it.
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import type { Clock } from '../../kernel/clock.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { covers, type OnBehalfOf, type Permission } from '../../tenants/access.ts'
import {
  actorOf,
  type Authority,
  readAuthority,
  readMembership,
  readRole,
  refuseUncovered,
  type RoleRights,
} from '../../tenants/authority.ts'
import { recordFact } from '../../tenants/events.ts'
import { inTenantTransaction } from '../../tenants/lock.ts'
import { tenantKey } from '../../tenants/reference.ts'
import type { Tenant, TenantRef } from '../../tenants/tenant.ts'
import { refuseUpdate } from '../../tenants/update.ts'
import type { Member, MemberActOptions } from './member.ts'
import { checkOnBehalfOf } from './member-input.ts'

export interface MembersOptions {
  readonly database: CentralDatabase
  readonly clock: Clock
  /** How long an act waits for another one on the same tenant before TENANT_BUSY. Default: 10 s. */
  readonly lockTimeoutMs?: number
  /** Runs after a change has been committed, so that this process need not wait for its own notification. */
  readonly onChange?: (tenantId: string) => void
}

/** An act under way. */
export interface Act {
  readonly tx: Sql
  readonly tenant: Tenant
  /** Undefined for central power. */
  readonly authority: Authority | undefined
  readonly onBehalfOf: OnBehalfOf | undefined
  /** The user on whose behalf it is; undefined for keys and central power. */
  readonly userId: string | undefined
  readonly actor: string
  readonly at: Date
}

export interface Asked {
  readonly options: MemberActOptions | undefined
  /** What somebody needs for this act; null where the act itself looks. */
  readonly needed: Permission | null
}

/**
 * Runs an act under the tenant's row. Throws TENANT_NOT_FOUND, TENANT_DELETED, TENANT_PURGED, TENANT_BUSY, NOT_A_MEMBER
 * and PERMISSION_DENIED.
 */
export async function inAct<T>(
  options: MembersOptions,
  ref: TenantRef,
  asked: Asked & { readonly run: (act: Act) => Promise<T> },
): Promise<T> {
  const { options: given = {}, needed, run } = asked
  const onBehalfOf = checkOnBehalfOf(given.onBehalfOf)
  const at = new Date(options.clock.now())
  let tenantId = ''
  const result = await inTenantTransaction(options, tenantKey(ref), async (tx, tenant) => {
    tenantId = tenant.id
    refuseUpdate(tenant, undefined)
    const authority = needed === null ? undefined : await readAuthority(tx, tenant.id, onBehalfOf)
    if (needed !== null) refuseUncovered(authority, needed)
    return run({ tx, tenant, authority, onBehalfOf, userId: userOf(onBehalfOf), actor: actorOf(given), at })
  })
  options.onChange?.(tenantId)
  return result
}

function userOf(onBehalfOf: OnBehalfOf | undefined): string | undefined {
  return onBehalfOf !== undefined && 'userId' in onBehalfOf ? onBehalfOf.userId : undefined
}

/** Throws RANK_TOO_LOW where the member, by their own role or by an organization's, ranks above who acts. */
export async function refuseSenior({ tx, tenant, authority }: Act, member: Member): Promise<void> {
  if (authority === undefined) return
  const reach = [await readRole(tx, tenant.id, member.role), await readMembership(tx, tenant.id, member.userId)].filter(
    (rights) => rights !== null,
  )
  if (reach.every((rights) => isWithin(authority, rights))) return
  throw new TenantryError('RANK_TOO_LOW', 'The member ranks above who acts.')
}

function isWithin({ rank, permissions }: Authority, rights: Pick<RoleRights, 'rank' | 'permissions'>): boolean {
  // A key has no rank, so it reaches those who may do nothing that it may not.
  return rank === null ? rights.permissions.every((each) => covers(permissions, each)) : rights.rank <= rank
}

/** Throws RANK_TOO_LOW where somebody would give themselves more than their own role has. */
export function refuseSelfRaise(act: Act, userId: string, { from, to }: { from: RoleRights; to: RoleRights }): void {
  if (act.authority === undefined || act.userId !== userId) return
  const isRaise = to.rank > from.rank || !to.permissions.every((each) => covers(from.permissions, each))
  if (isRaise) throw new TenantryError('RANK_TOO_LOW', 'Nobody raises their own role.')
}

/** Writes the event and the audit entry of what happened to a member or a role. */
export function record(act: Act, action: string, detail: Readonly<Record<string, unknown>>): Promise<void> {
  const { tx, tenant, actor, at } = act
  return recordFact(tx, { event: pastTense(action), action, tenant, actor, at, detail })
}

const eventOf: Readonly<Record<string, string>> = {
  'member.add': 'member.added',
  'member.invite': 'member.invited',
  'member.accept': 'member.accepted',
  'member.update': 'member.updated',
  'member.suspend': 'member.suspended',
  'member.activate': 'member.activated',
  'member.revoke': 'member.revoked',
  'member.bootstrap_owner': 'member.added',
  'member.transfer_ownership': 'member.ownership_transferred',
  'role.create': 'role.created',
  'role.update': 'role.updated',
  'role.delete': 'role.deleted',
  'tenant.update': 'tenant.updated',
}

function pastTense(action: string): string {
  return eventOf[action] ?? action
}
