// Invitations by e-mail, as the library, HTTP and the command line offer them.
import type { Sql } from '../../engine/sql/database.ts'
import type { OnBehalfOf, VerifiedUser } from '../../tenants/access.ts'
import type { JsonObject, Page, TenantRef } from '../../tenants/tenant.ts'
import type { ActOptions } from '../../tenants/tenants.ts'

export type InvitationState = 'pending' | 'accepted' | 'revoked' | 'expired'

export const invitationStates: readonly InvitationState[] = ['pending', 'accepted', 'revoked', 'expired']

/** An invitation; its token is in the link that was sent, and nowhere else. Times are ISO 8601 in UTC. */
export interface Invitation {
  readonly id: string
  readonly tenantId: string
  /** Lower case; only who has this address, verified, can accept. */
  readonly email: string
  readonly role: string
  readonly state: InvitationState
  readonly invitedBy: string | null
  readonly expiresAt: string
  readonly acceptedAt: string | null
  readonly acceptedBy: string | null
  readonly revokedAt: string | null
  readonly metadata: JsonObject
  readonly createdAt: string
}

/** An invitation with the token for its link; this is the only time anybody sees it. */
export interface NewInvitation extends Invitation {
  /** 43 characters of base64url: 32 random bytes. */
  readonly token: string
}

export interface InvitationActOptions extends ActOptions {
  /** Whose rank and permissions bound the role, now and again at acceptance. Default: central power. */
  readonly onBehalfOf?: OnBehalfOf
}

export interface CreateInvitation {
  readonly email: string
  /** Default `member`. */
  readonly role?: string
  /** Seconds; default 7 days, at most 90. */
  readonly ttlSeconds?: number
  readonly metadata?: JsonObject
}

export interface ListInvitations {
  /** 1-100, default 20. */
  readonly limit?: number
  readonly cursor?: string
  /** Part of the e-mail address, case-insensitive. */
  readonly search?: string
  readonly state?: InvitationState
}

/** What an acceptance made. */
export interface AcceptedInvitation {
  readonly invitation: Invitation
  readonly tenantId: string
  readonly userId: string
  readonly role: string
}

export interface AcceptOptions extends ActOptions {
  /** Runs in the transaction that accepts, with its central connection; what it throws undoes the acceptance. */
  readonly afterAccept?: (tx: Sql, accepted: AcceptedInvitation) => Promise<void>
  /** A transaction of asCentral() to accept in, instead of one of its own. */
  readonly within?: Sql
}

/** `tenantry.invitations`. */
export interface Invitations {
  /** Replaces a pending invitation of the same address: one is live at a time. */
  create(ref: TenantRef, input: CreateInvitation, options?: InvitationActOptions): Promise<NewInvitation>
  get(ref: TenantRef, id: string): Promise<Invitation>
  list(ref: TenantRef, options?: ListInvitations): Promise<Page<Invitation>>
  /** A new token and a new term for a pending or expired invitation; the old link is void. */
  resend(ref: TenantRef, id: string, options?: InvitationActOptions): Promise<NewInvitation>
  revoke(ref: TenantRef, id: string, options?: InvitationActOptions): Promise<Invitation>
  /**
   * Makes the user a member. Throws INVITATION_NOT_FOUND, INVITATION_EXPIRED, INVITATION_USED, INVITATION_REVOKED,
   * INVITATION_EMAIL_MISMATCH, RANK_TOO_LOW where the inviter could not give the role any more, and why the tenant may
   * not be entered.
   */
  accept(token: string, user: VerifiedUser, options?: AcceptOptions): Promise<AcceptedInvitation>
}
