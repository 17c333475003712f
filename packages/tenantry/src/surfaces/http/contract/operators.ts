// Operators, their elevations and support accesses over the wire. Imports zod and nothing else that runs.
import { z } from 'zod'
import { cursor, limit, page, text, time } from './base.ts'

const role = z.enum(['super-admin', 'support'])
const reason = text(500).meta({ example: 'ticket 4711' })

export const OperatorSchema = z.object({ userId: z.string(), role, createdAt: time }).meta({ id: 'Operator' })
export const OperatorPageSchema = page(OperatorSchema).meta({ id: 'OperatorPage' })
export const SetOperatorSchema = z.strictObject({ role }).meta({ id: 'SetOperator' })

export const ElevationSchema = z
  .object({
    id: z.uuid(),
    userId: z.string(),
    reason: z.string(),
    createdAt: time,
    expiresAt: time,
    endedAt: time.nullable(),
  })
  .meta({ id: 'Elevation' })
export const ElevationPageSchema = page(ElevationSchema).meta({ id: 'ElevationPage' })
export const NewElevationSchema = ElevationSchema.extend({
  token: z.string().meta({ description: 'tn_op_…, for Authorization: Bearer. Answered once.' }),
}).meta({ id: 'NewElevation' })
export const ElevateSchema = z
  .strictObject({ reason: reason.optional(), minutes: z.int().min(1).max(60).optional() })
  .meta({ id: 'Elevate', description: 'Without a reason it is refused, by REASON_REQUIRED.' })
export const ListElevationsQuery = z.strictObject({ limit, cursor })

export const SupportAccessSchema = z
  .object({
    id: z.uuid(),
    tenantId: z.uuid(),
    userId: z.string(),
    reason: z.string(),
    mayWrite: z.boolean(),
    openedBy: z.string(),
    createdAt: time,
    expiresAt: time,
    endedAt: time.nullable(),
  })
  .meta({ id: 'SupportAccess' })
export const SupportAccessPageSchema = page(SupportAccessSchema).meta({ id: 'SupportAccessPage' })
export const OpenSupportSchema = z
  .strictObject({
    userId: text(255),
    reason: reason.optional(),
    minutes: z.int().min(1).max(1440).optional(),
    write: z.boolean().optional(),
  })
  .meta({ id: 'OpenSupport', description: 'Without a reason it is refused, by REASON_REQUIRED.' })
export const ListSupportQuery = z.strictObject({
  limit,
  cursor,
  open: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional()
    .meta({ type: 'boolean', description: 'Only those that are open, or only those that are not.' }),
})
