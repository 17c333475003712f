// What goes over the wire, as zod schemas: strict for input, open for answers, which may grow. Imports zod and nothing else that runs, so a browser client can use it, too.
import { z } from 'zod'
import { cursor, json, limit, page, slug, text, time } from './contract/base.ts'

const isolation = z.enum(['row', 'schema'])
const mode = z.enum(['normal', 'read_only', 'maintenance'])
const status = z.enum(['active', 'suspended', 'inactive', 'deleted', 'purged'])

export const TenantSchema = z
  .object({
    id: z.uuid(),
    slug,
    name: z.string(),
    status,
    isolation,
    schemaName: z.string(),
    mode,
    modeReason: z.string().nullable(),
    modeSince: time.nullable(),
    modeOperators: z.array(z.string()).readonly(),
    plan: z.string().nullable(),
    ownerUserId: z.string().nullable(),
    settings: json,
    metadata: json,
    provisionedAt: time.nullable(),
    suspendedAt: time.nullable(),
    suspendReason: z.string().nullable(),
    deletedAt: time.nullable(),
    purgeAfter: time.nullable(),
    purgedAt: time.nullable(),
    createdAt: time,
    updatedAt: time,
    version: z.int(),
  })
  .meta({ id: 'Tenant' })

export const CreateTenantSchema = z
  .strictObject({
    name: text(255).meta({ example: 'ACME Corp' }),
    slug: slug.optional(),
    schemaName: z.string().optional(),
    plan: text(100).optional(),
    isolation: isolation.optional(),
    provision: z.boolean().optional(),
    ownerUserId: text(255).optional(),
    settings: json.optional(),
    metadata: json.optional(),
  })
  .meta({ id: 'CreateTenant' })

export const UpdateTenantSchema = z
  .strictObject({
    name: text(255).optional(),
    plan: text(100).nullable().optional(),
    ownerUserId: text(255).nullable().optional(),
    settings: json.optional(),
    metadata: json.optional(),
  })
  .meta({ id: 'UpdateTenant' })

export const SuspendSchema = z.strictObject({ reason: text(500).optional() }).meta({ id: 'Suspend' })
export const SetModeSchema = z
  .strictObject({
    mode,
    reason: text(500).optional(),
    operators: z
      .array(text(255))
      .max(100)
      .optional()
      .meta({ description: 'Ids of users whom the mode does not hold for.' }),
  })
  .meta({ id: 'SetMode' })
export const PurgeSchema = z
  .strictObject({ confirm: z.string().meta({ description: "The tenant's slug, typed out." }) })
  .meta({ id: 'Purge' })
/** Verbs without arguments: no body at all, or an empty object. */
export const NothingSchema = z.strictObject({}).meta({ id: 'Nothing' })

export const ListTenantsQuery = z.strictObject({
  limit,
  cursor,
  status: status.optional(),
  search: text(255).optional().meta({ description: 'Part of slug or name, case-insensitive.' }),
  plan: text(100).optional(),
})

export const ListEventsQuery = z.strictObject({
  limit,
  cursor,
  type: text(100).optional().meta({ example: 'tenant.created' }),
  tenant: text(100).optional().meta({ description: 'Slug or id.' }),
})

export const EventSchema = z
  .object({
    seq: z.string(),
    id: z.uuid(),
    type: z.string(),
    tenantId: z.uuid().nullable(),
    payload: json,
    createdAt: time,
  })
  .meta({ id: 'Event' })

export const TenantPageSchema = page(TenantSchema).meta({ id: 'TenantPage' })
export const EventPageSchema = page(EventSchema).meta({ id: 'EventPage' })

export const ProvisionResultSchema = z
  .object({
    provisioned: z.boolean(),
    schemaName: z.string(),
    tableCount: z.int(),
    message: z.string().meta({ example: 'already provisioned' }),
  })
  .meta({ id: 'ProvisionResult' })

const username = z.string().meta({
  description: '1-63 lowercase letters, digits and underscores, not starting with a digit.',
  pattern: '^[a-z_][a-z0-9_]{0,62}$',
  example: 'acme_reports',
})
const newPassword = z
  .string()
  .meta({ description: '12-256 characters in the Unicode form NFKC; made where it is left out.' })

export const CreateCredentialSchema = z
  .strictObject({
    username: username.optional(),
    password: newPassword.optional(),
    connectionLimit: z.int().min(1).max(10_000).optional(),
  })
  .meta({ id: 'CreateCredential' })

export const RotateCredentialSchema = z
  .strictObject({
    password: newPassword.optional(),
    graceSeconds: z
      .int()
      .min(0)
      .max(31_536_000)
      .optional()
      .meta({ description: 'How long the login that is replaced still works; a day where it is left out.' }),
  })
  .meta({ id: 'RotateCredential' })

export const DirectCredentialSchema = z
  .object({
    username,
    password: z.string(),
    schemaName: z.string(),
    connectionString: z.string(),
    tenantId: z.uuid(),
  })
  .meta({ id: 'DirectCredential', description: 'Answered once; the password is stored nowhere.' })

export const CredentialInfoSchema = z
  .object({
    username,
    name: z.string().meta({ description: 'Stays the same through rotations.' }),
    state: z.enum(['active', 'replaced', 'expired', 'revoked', 'disabled']),
    createdAt: time,
    expiresAt: time.nullable(),
    revokedAt: time.nullable(),
  })
  .meta({ id: 'CredentialInfo' })

export const CredentialPageSchema = page(CredentialInfoSchema).meta({ id: 'CredentialPage' })

const counts = z.record(z.string(), z.int())
export const StatsSchema = z
  .object({
    total: z.int(),
    byStatus: counts,
    byPlan: counts,
    byIsolation: counts,
    unprovisioned: z.int(),
  })
  .meta({ id: 'Stats' })

const half = z.enum(['catalogue', 'probes'])
export const VerifySchema = z
  .strictObject({
    only: half.optional(),
    readOnly: z.boolean().optional(),
    allowSkipped: z.boolean().optional(),
    sampleSchemas: z.int().min(0).max(100_000).optional(),
  })
  .meta({ id: 'Verify' })

export const VerifyReportSchema = z
  .object({
    ok: z.boolean(),
    checks: z.array(
      z.object({
        name: z.string(),
        ok: z.boolean(),
        subject: z.string().optional(),
        fix: z.string().optional(),
        severity: z.string().optional(),
        skipped: z.string().optional(),
        ran: z.array(z.string()).optional(),
      }),
    ),
    instance: z.string(),
    database: z.string(),
    serverVersion: z.string(),
    tenantryVersion: z.string(),
    startedAt: time,
    finishedAt: time,
    only: half.nullable(),
    readOnly: z.boolean(),
    allowSkipped: z.boolean(),
    fingerprint: z.string().nullable(),
    parts: z.record(z.string(), z.string()).nullable(),
    changed: z.array(z.string()).nullable(),
    signature: z.string(),
  })
  .meta({ id: 'VerifyReport' })

const health = z.enum(['up', 'degraded', 'down'])
export const HealthSchema = z
  .object({
    status: health,
    parts: z.record(z.string(), z.object({ status: health, latencyMs: z.number().optional() })),
  })
  .meta({ id: 'Health' })

export const ReadySchema = z.object({ status: z.literal('ready') }).meta({ id: 'Ready' })

export const ProblemSchema = z
  .object({
    type: z.string().meta({ example: 'urn:tenantry:problem:tenant-not-found' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().meta({ example: 'TENANT_NOT_FOUND' }),
    fix: z.string(),
    retryable: z.boolean(),
    requestId: z.string(),
    instance: z.string(),
    field: z.string().optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details.' })

export type Problem = z.infer<typeof ProblemSchema>
