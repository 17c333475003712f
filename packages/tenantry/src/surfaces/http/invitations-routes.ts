// Invitations by e-mail. A token is answered once, to whoever sends the link; no cache may keep the answer.
import type { Context } from 'hono'
import type { Invitations } from '../../features/invitations/invitation.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { VerifiedUser } from '../../tenants/access.ts'
import { actingFor, callingUser } from './acting.ts'
import type { App, Env } from './app.ts'
import { NothingSchema } from './contract.ts'
import {
  AcceptedInvitationSchema,
  AcceptInvitationSchema,
  CreateInvitationSchema,
  InvitationPageSchema,
  InvitationSchema,
  ListInvitationsQuery,
  NewInvitationSchema,
} from './contract/invitations.ts'
import { endpoint } from './endpoint.ts'
import { bodyOf, paramOf, queryOf, tenantOf } from './input.ts'

const ALL = '/api/tenants/{tenant}/invitations'
const ONE = `${ALL}/{invitation}` as const
const tag = 'Invitations'
const secret = { tag, answer: NewInvitationSchema, isSecret: true, status: 201 as const }
const verb = { body: NothingSchema, isBodyOptional: true }

const idOf = (c: Context<Env>) => paramOf(c, 'invitation')

export function invitationsRoutes(app: App, invitations: Invitations): void {
  sending(app, invitations)
  reading(app, invitations)
  accepting(app, invitations)
}

function sending(app: App, invitations: Invitations): void {
  const create = { ...secret, summary: 'Make an invitation, in place of a pending one of the same address' }
  endpoint(app, { ...create, on: `POST ${ALL}`, id: 'createInvitation', body: CreateInvitationSchema }, async (c) =>
    invitations.create(tenantOf(c), await bodyOf(c, CreateInvitationSchema), actingFor(c)),
  )
  const resend = { ...secret, ...verb, summary: 'Make a new token for an invitation; the old link is void' }
  endpoint(app, { ...resend, on: `POST ${ONE}/resend`, id: 'resendInvitation' }, async (c) => {
    await bodyOf(c, NothingSchema, { optional: true })
    return invitations.resend(tenantOf(c), idOf(c), actingFor(c))
  })
  const revoke = { ...verb, tag, answer: InvitationSchema, summary: 'Make an invitation void' }
  endpoint(app, { ...revoke, on: `POST ${ONE}/revoke`, id: 'revokeInvitation' }, async (c) => {
    await bodyOf(c, NothingSchema, { optional: true })
    return invitations.revoke(tenantOf(c), idOf(c), actingFor(c))
  })
}

function reading(app: App, invitations: Invitations): void {
  const list = { tag, summary: 'List invitations, without their tokens', query: ListInvitationsQuery }
  endpoint(app, { ...list, on: `GET ${ALL}`, id: 'listInvitations', answer: InvitationPageSchema }, (c) =>
    invitations.list(tenantOf(c), queryOf(c, ListInvitationsQuery)),
  )
  const one = { tag, summary: 'Read an invitation, without its token', answer: InvitationSchema }
  endpoint(app, { ...one, on: `GET ${ONE}`, id: 'getInvitation' }, (c) => invitations.get(tenantOf(c), idOf(c)))
}

function accepting(app: App, invitations: Invitations): void {
  const accept = { tag, body: AcceptInvitationSchema, answer: AcceptedInvitationSchema, id: 'acceptInvitation' }
  const summary = 'Accept an invitation: a user for themselves, or a trusted backend for the user it vouches for'
  endpoint(app, { ...accept, on: 'POST /api/invitations/accept', summary }, async (c) => {
    const { token, ...named } = await bodyOf(c, AcceptInvitationSchema)
    return invitations.accept(token, guestOf(c, named), { actor: c.get('actor') })
  })
}

/** Who accepts: the user that asks, as their token says it, or the one that a trusted backend names. */
function guestOf(c: Context<Env>, { userId, ...named }: Partial<VerifiedUser>): VerifiedUser {
  const user = callingUser(c)
  if (user === undefined) {
    if (userId !== undefined) return { userId, ...named }
    throw new TenantryError('INVALID_INPUT', 'The field "userId" is missing: no user asks, so one must be named.', {
      field: 'userId',
    })
  }
  const field = Object.entries({ userId, ...named }).find(([, value]) => value !== undefined)?.[0]
  if (field === undefined) return user
  throw new TenantryError('INVALID_INPUT', `The field "${field}" is the token's to say.`, { field })
}
