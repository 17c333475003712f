// Migrations over the fleet over the wire. Imports zod and nothing else that runs, so a browser client can use it, too.
import { z } from 'zod'
import { page, text, time } from './base.ts'

const ref = text(100).meta({ description: 'Slug or id.', example: 'acme-corp' })
const refs = z.array(ref).min(1).max(10_000)
const count = z.int().min(0)
const isolation = z.enum(['row', 'schema'])

export const MigrateSchema = z
  .strictObject({
    dryRun: z.boolean().optional().meta({ description: 'Says what would be done, and does nothing.' }),
    tenants: refs.optional().meta({ description: 'Only these.' }),
    filter: z.strictObject({ plan: text(100).optional(), isolation: isolation.optional() }).optional(),
    canary: refs.optional().meta({ description: 'These go first; the rest only when all of them are done.' }),
    waves: z
      .array(z.number().gt(0).max(1))
      .min(1)
      .max(100)
      .optional()
      .meta({ description: 'The shares of the fleet that each wave brings it to.', example: [0.01, 0.1, 1] }),
    pauseMs: count.max(86_400_000).optional().meta({ description: 'Between waves.' }),
    connections: z.int().min(1).max(1_000).optional(),
    batchSize: z.int().min(1).max(1_000).optional().meta({ description: 'How many tenants a transaction at most.' }),
    maxFailureRatio: z.number().min(0).max(1).optional(),
    lockTimeoutMs: z.int().min(1).max(3_600_000).optional(),
    lockRetries: count.max(1_000).optional(),
  })
  .meta({ id: 'Migrate' })

export const MigrateQuery = z.strictObject({
  wait: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional()
    .meta({ type: 'boolean', description: 'Answers when the run has ended, instead of when it has begun.' }),
})

const state = z.enum(['running', 'complete', 'stopped', 'failed', 'interrupted'])
const progress = { runId: z.string(), state, total: count, done: count, failed: count, wave: count }

export const MigrationProgressSchema = z
  .object({ ...progress, rate: z.number(), leftMs: z.number().nullable() })
  .meta({ id: 'MigrationProgress' })

export const MigrationRunSchema = z
  .object({
    ...progress,
    target: z.string().nullable(),
    dryRun: z.boolean(),
    shared: z.array(z.string()),
    upToDate: count,
    failures: z.array(
      z.object({
        tenantId: z.string(),
        slug: z.string(),
        code: z.string(),
        sqlState: z.string().nullable(),
        migration: z.string().nullable(),
        message: z.string(),
        attempts: count,
      }),
    ),
    startedAt: time,
    finishedAt: time.nullable(),
    durationMs: z.number(),
    reason: z.string().nullable(),
  })
  .meta({ id: 'MigrationRun' })
export const MigrationRunPageSchema = page(MigrationRunSchema).meta({ id: 'MigrationRunPage' })

export const FleetStatusSchema = z
  .object({
    target: z.string().nullable(),
    total: count,
    upToDate: count,
    pending: count,
    failed: count,
    versions: z.array(z.object({ migration: z.string().nullable(), tenants: count })),
    shared: z.object({ applied: count, pending: z.array(z.string()) }),
    run: MigrationRunSchema.nullable(),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'FleetStatus' })

export const DriftQuery = z.strictObject({
  tenants: text(10_000).optional().meta({ description: 'Only these: slugs or ids, separated by commas.' }),
  plan: text(100).optional(),
  isolation: isolation.optional(),
})

export const DriftReportSchema = z
  .object({
    target: z.string().nullable(),
    checked: count,
    drifted: z.array(
      z.object({
        tenantId: z.string(),
        slug: z.string(),
        schemaName: z.string(),
        differences: z.array(
          z.object({
            kind: z.string(),
            name: z.string(),
            change: z.enum(['missing', 'extra', 'different']),
            expected: z.string().nullable(),
            actual: z.string().nullable(),
            mend: z.string().nullable(),
            warning: z.string().nullable(),
          }),
        ),
      }),
    ),
    pending: count,
  })
  .meta({ id: 'DriftReport' })

export const MigrationEventsQuery = z.strictObject({
  run: text(100).optional().meta({ description: 'Only of this run; the stream ends with it.' }),
})
