// Invitations, as they go over the wire. Imports zod and nothing else that runs, so a browser client can use it, too.
import { z } from 'zod'
import { cursor, json, limit, page, text, time } from './base.ts'

const state = z.enum(['pending', 'accepted', 'revoked', 'expired'])

export const InvitationSchema = z
  .object({
    id: z.uuid(),
    tenantId: z.uuid(),
    email: z.string(),
    role: z.string(),
    state,
    invitedBy: z.string().nullable(),
    expiresAt: time,
    acceptedAt: time.nullable(),
    acceptedBy: z.string().nullable(),
    revokedAt: time.nullable(),
    metadata: json,
    createdAt: time,
  })
  .meta({ id: 'Invitation' })

export const NewInvitationSchema = InvitationSchema.extend({
  token: z.string().meta({ description: 'For the link that is sent; answered once and stored nowhere.' }),
}).meta({ id: 'NewInvitation' })

export const CreateInvitationSchema = z
  .strictObject({
    email: text(320).meta({ example: 'ada@example.com' }),
    role: text(63).optional().meta({ example: 'member' }),
    ttlSeconds: z.int().min(1).max(7_776_000).optional().meta({ description: 'Default 7 days, at most 90.' }),
    metadata: json.optional(),
  })
  .meta({ id: 'CreateInvitation' })

export const ListInvitationsQuery = z.strictObject({
  limit,
  cursor,
  search: text(255).optional().meta({ description: 'Part of the e-mail address, case-insensitive.' }),
  state: state.optional(),
})

export const InvitationPageSchema = page(InvitationSchema).meta({ id: 'InvitationPage' })

export const AcceptInvitationSchema = z
  .strictObject({
    token: text(200),
    userId: text(255)
      .optional()
      .meta({ description: 'Who accepts; only where no user asks, but who vouches for one.' }),
    email: text(320).optional(),
    emailVerified: z.boolean().optional(),
  })
  .meta({ id: 'AcceptInvitation' })

export const AcceptedInvitationSchema = z
  .object({ invitation: InvitationSchema, tenantId: z.uuid(), userId: z.string(), role: z.string() })
  .meta({ id: 'AcceptedInvitation' })
