// What the schemas of all nouns are made of. Imports zod and nothing else that runs, so a browser client can use it, too.
import { z } from 'zod'

export const time = z.iso.datetime().meta({ example: '2026-03-01T09:30:00.000Z' })
export const json = z.record(z.string(), z.unknown()).meta({ type: 'object', additionalProperties: true })
export const text = (max: number) => z.string().min(1).max(max)

export const slug = z.string().meta({
  description: '2-100 lowercase letters, digits and hyphens; neither UUID-shaped nor punycode nor reserved.',
  pattern: '^[a-z0-9][a-z0-9-]{0,98}[a-z0-9]$',
  example: 'acme-corp',
})

const limitMessage = 'must be a whole number from 1 to 100'
export const limit = z
  .string()
  .regex(/^[0-9]{1,3}$/, limitMessage)
  .transform(Number)
  .refine((value) => value >= 1 && value <= 100, limitMessage)
  .optional()
  .meta({ type: 'integer', minimum: 1, maximum: 100, default: 20 })
export const cursor = text(500).optional().meta({ description: 'nextCursor of the page before.' })

/** A page of items, as every list answers. */
export const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable(), total: z.int() })
