// Reads over many tenants, and what is kept of each in numbers, over the wire. Imports zod and nothing else that runs.
import { z } from 'zod'
import { cursor, limit, page, text, time } from './base.ts'

const columns = z.array(text(63)).max(100).optional()

export const FleetFilterSchema = z.strictObject({
  plan: text(255).optional(),
  isolation: z.enum(['row', 'schema']).optional(),
})

export const FleetQuerySchema = z
  .strictObject({
    reason: text(500).optional().meta({ example: 'ticket 4711' }),
    sql: z.string().min(1).max(100_000).meta({ example: 'select count(*) as invoices from invoice' }),
    values: z.array(z.unknown()).max(1000).optional(),
    filter: FleetFilterSchema.optional(),
    merge: z
      .strictObject({ sum: columns, order: columns, limit: z.int().min(1).max(1_000_000_000).optional() })
      .optional(),
    concurrency: z.int().min(1).max(16).optional(),
  })
  .meta({ id: 'FleetQuery', description: 'Without a reason it is refused, by REASON_REQUIRED.' })

/** The lines of the answer: rows, then one of the other two, so that an answer that was cut off is known for one. */
export const FleetLineSchema = z
  .union([
    z.object({ row: z.record(z.string(), z.unknown()) }),
    z.object({
      done: z.literal(true),
      answered: z.int(),
      failed: z.array(z.object({ tenantId: z.uuid(), code: z.string(), detail: z.string() })),
    }),
    z.object({ done: z.literal(false), problem: z.record(z.string(), z.unknown()) }),
  ])
  .meta({ id: 'FleetLine' })

export const TenantStatisticsQuery = z.strictObject({
  plan: text(255).optional(),
  isolation: z.enum(['row', 'schema']).optional(),
  search: text(255).optional().meta({ description: 'Part of the slug.' }),
  limit,
  cursor,
})

const count = z.int().min(0)

export const TenantStatisticsSchema = z
  .object({
    tenantId: z.uuid(),
    slug: z.string(),
    status: z.string(),
    plan: z.string().nullable(),
    isolation: z.enum(['row', 'schema']),
    members: count,
    activeMembers: count,
    organizations: count,
    keys: count,
    rows: count.meta({ description: 'Counted in shared tables; PostgreSQL’s estimate in a schema of its own.' }),
    sizeBytes: count.meta({ description: 'With indexes; of a shared table the share, by rows.' }),
    lastActivityAt: time,
    createdAt: time,
  })
  .meta({ id: 'TenantStatistics' })

export const TenantStatisticsPageSchema = page(TenantStatisticsSchema)
  .extend({
    refreshedAt: time.nullable().meta({ description: 'When they were counted; null where they never were.' }),
    ageMs: count.nullable().meta({ description: 'How long ago that was.' }),
  })
  .meta({ id: 'TenantStatisticsPage' })

export const RefreshedSchema = z.object({ tenants: count }).meta({ id: 'RefreshedStatistics' })
