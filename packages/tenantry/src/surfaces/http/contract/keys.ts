// What goes over the wire of API keys. Imports zod and nothing else that runs, so a browser client can use it, too.
import { z } from 'zod'
import { cursor, limit, page, text, time } from './base.ts'

const permissions = z
  .array(
    text(200).meta({
      description: 'Such as `members:read`, `members:*` or `*`; the write of a noun includes its read.',
    }),
  )
  .min(1)
  .max(100)
  .meta({ example: ['members:read', 'members:write'] })

export const ApiKeySchema = z
  .object({
    id: z.uuid(),
    tenantId: z.uuid().nullable().meta({ description: 'Null for a service key, which is good for every tenant.' }),
    name: z.string().meta({ example: 'nightly import' }),
    prefix: z
      .string()
      .meta({ description: 'The first characters of the key; safe to show.', example: 'tn_key_4xQ9Za' }),
    permissions: z.array(z.string()),
    createdBy: z.string().meta({ example: 'user:42' }),
    createdAt: time,
    expiresAt: time.nullable(),
    lastUsedAt: time.nullable().meta({ description: 'By the minute.' }),
    revokedAt: time.nullable(),
    replacedBy: z.uuid().nullable().meta({ description: 'The key that a rotation made in its place.' }),
  })
  .meta({ id: 'ApiKey' })

export const NewApiKeySchema = ApiKeySchema.extend({ key: z.string() }).meta({
  id: 'NewApiKey',
  description: 'Answered once; only a hash of the key is stored.',
})

export const ApiKeyPageSchema = page(ApiKeySchema).meta({ id: 'ApiKeyPage' })

const LONGEST_TTL = 10 * 31_536_000

export const CreateApiKeySchema = z
  .strictObject({
    name: text(100),
    permissions,
    ttlSeconds: z.int().min(1).max(LONGEST_TTL).optional().meta({ description: 'No end where it is left out.' }),
  })
  .meta({ id: 'CreateApiKey' })

export const RotateApiKeySchema = z
  .strictObject({
    graceSeconds: z
      .int()
      .min(0)
      .max(31_536_000)
      .optional()
      .meta({ description: 'How long the key that is replaced still works; a day where it is left out.' }),
  })
  .meta({ id: 'RotateApiKey' })

export const ListApiKeysQuery = z.strictObject({
  limit,
  cursor,
  search: text(255).optional().meta({ description: 'Part of name or prefix, case-insensitive.' }),
})
