// Columns that take another one's place, over the wire. Imports zod and nothing else that runs.
import { z } from 'zod'
import { page, text } from './base.ts'

const identifier = text(63)
const expression = text(10_000)
const count = z.int().min(0)

export const ColumnChangeSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,39}$/, 'must be up to 40 small letters, digits and underscores, a letter first')
      .meta({ example: 'total_in_cents' }),
    table: identifier.meta({ example: 'invoice' }),
    schema: identifier.optional().meta({ description: 'Of a table that tenants share; default public.' }),
    set: z.enum(['shared', 'tenant']).optional(),
    from: identifier.meta({ description: 'The column that goes.', example: 'total' }),
    to: z.strictObject({
      name: identifier.meta({ example: 'total_cents' }),
      type: text(255).meta({ example: 'bigint' }),
      notNull: z.boolean().optional(),
      references: z
        .strictObject({ table: identifier, column: identifier, tenantColumn: identifier.optional() })
        .optional(),
    }),
    forward: expression.meta({ description: 'SQL of the new value.', example: '(total * 100)::bigint' }),
    back: expression.meta({ description: 'SQL of the old value.', example: 'total_cents / 100.0' }),
  })
  .meta({ id: 'ColumnChange' })

const lockTimeoutMs = z.int().min(1).max(3_600_000).optional()
const lockRetries = count.max(1_000).optional()
const pace = { batchMs: z.int().min(1).max(60_000).optional(), pauseMs: count.max(3_600_000).optional(), lockRetries }

export const ExpandSchema = z
  .strictObject({ change: ColumnChangeSchema, lockTimeoutMs, lockRetries })
  .meta({ id: 'ExpandColumn' })
export const ChangeStepSchema = z.strictObject({ lockTimeoutMs, lockRetries }).meta({ id: 'ChangeStep' })
export const BackfillSchema = z.strictObject(pace).meta({ id: 'BackfillColumn' })
export const BackfillChangeSchema = z
  .strictObject({ change: ColumnChangeSchema, ...pace })
  .meta({ id: 'BackfillChange', description: 'Of tenant schemas, which a migration expanded.' })

const progress = { targets: count, done: count, filled: count }

export const ChangeStatusSchema = z
  .object({
    name: z.string(),
    phase: z.enum(['expanded', 'backfilled', 'validated', 'switched', 'contracted']),
    ...progress,
    failures: z.array(z.object({ tenantId: z.uuid().nullable(), code: z.string(), sqlState: z.string().nullable() })),
  })
  .meta({ id: 'ChangeStatus' })
export const ChangePageSchema = page(ChangeStatusSchema).meta({ id: 'ChangePage' })

/** The lines of a backfill: how far it is, then one of the other two, so that an answer that was cut off is known. */
export const BackfillLineSchema = z
  .union([
    z.object({ progress: z.object(progress) }),
    z.object({ done: z.literal(true), status: ChangeStatusSchema }),
    z.object({ done: z.literal(false), problem: z.record(z.string(), z.unknown()) }),
  ])
  .meta({ id: 'BackfillLine' })
