// Who a request resolves to, as /api/current says it.
import { z } from 'zod'
import { slug } from './base.ts'

const refusal = z.object({ code: z.string().meta({ example: 'NOT_A_MEMBER' }) }).nullable()
const status = z.enum(['active', 'suspended', 'inactive', 'deleted', 'purged'])

export const CurrentSchema = z
  .object({
    tenant: z
      .object({ id: z.uuid(), slug, name: z.string(), status })
      .nullable()
      .meta({ description: 'The tenant that the request is bound to; null where it is bound to none.' }),
    resolver: z.string().nullable().meta({ example: 'subdomain' }),
    trust: z.enum(['proven', 'verified', 'claimed']).nullable(),
    caller: z.object({ kind: z.enum(['anonymous', 'user', 'key']), userId: z.string().optional() }),
    role: z.string().nullable().meta({ example: 'member' }),
    refusal: refusal.meta({ description: 'Why nothing was bound.' }),
    credentialRefusal: refusal.meta({ description: 'Why the credential that was sent was not accepted.' }),
  })
  .meta({ id: 'Current' })
