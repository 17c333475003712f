// path: a segment of the path. Anybody can write it.
import { TenantryError } from '../../../kernel/errors.ts'
import type { TenantRef } from '../../../tenants/tenant.ts'
import { pathOf } from '../host.ts'
import type { Resolver } from '../resolution.ts'

/** Names the tenant that stands where the pattern has `{tenant}`. Throws CONFIGURATION_INVALID for a bad pattern. */
export function pathResolver({ priority, pattern }: { priority: number; pattern: string }): Resolver {
  const segments = segmentsOf(pattern)
  const place = segments.indexOf(TENANT)
  return {
    ...{ name: 'path', priority, trust: 'claimed' },
    resolve(request) {
      const path = pathOf(request.target)
      const sent = path.split('/', segments.length)
      const given = path.includes('%') ? sent.map(decoded) : sent
      for (const [index, segment] of segments.entries()) if (index !== place && segment !== given[index]) return NOBODY
      const tenant = given[place]
      return tenant === undefined || tenant === '' ? NOBODY : [tenant]
    },
  }
}

const TENANT = '{tenant}'
const NOBODY: readonly TenantRef[] = []

function segmentsOf(pattern: string): readonly string[] {
  const segments = pattern.replace('{tenant_id}', TENANT).replace(/\/$/, '').split('/')
  const places = segments.filter((segment) => segment.includes('{') || segment.includes('}'))
  if (pattern.startsWith('/') && places.length === 1 && places[0] === TENANT) return segments
  throw new TenantryError('CONFIGURATION_INVALID', '"pathPattern" has no place for the tenant.', {
    field: 'resolution.pathPattern',
    fix: 'Write it as "/tenants/{tenant}/": one segment that is {tenant}, the others as they are.',
  })
}

/** Routers decode segments, so they are read decoded here, too; what cannot be decoded stays, and is nobody's slug. */
function decoded(segment: string): string {
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
