// Requests for tests of resolution, and the ports that answer from memory.
import type { TenancyRequest } from '../../src/features/resolution/resolution.ts'
import { createResolution, type ResolutionPorts } from '../../src/features/resolution/create-resolution.ts'
import type { ResolutionSettings } from '../../src/features/resolution/settings.ts'
import { TenantryError } from '../../src/kernel/errors.ts'
import type { KeyPrincipal, Membership } from '../../src/tenants/access.ts'
import type { CachedTenant } from '../../src/tenants/admission.ts'
import type { TenantRef, TenantStatus } from '../../src/tenants/tenant.ts'

export interface RequestParts {
  readonly method?: string
  readonly target?: string
  readonly host?: string
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly hasTwoHosts?: boolean
  readonly remoteAddress?: string
}

/** A request as a bridge hands it over. */
export function requestOf(parts: RequestParts = {}): TenancyRequest {
  const headers: Readonly<Record<string, string | undefined>> = {
    host: parts.host ?? 'app.example.com',
    ...parts.headers,
  }
  return {
    method: parts.method ?? 'GET',
    target: parts.target ?? '/',
    header: (name) => headers[name],
    hasTwoHosts: parts.hasTwoHosts ?? false,
    remoteAddress: parts.remoteAddress,
    raw: undefined,
  }
}

export const tenantIds = {
  acme: '01890000-0000-7000-8000-000000000001',
  beta: '01890000-0000-7000-8000-000000000002',
  paused: '01890000-0000-7000-8000-000000000003',
} as const

const tenantOf = (slug: keyof typeof tenantIds, status: TenantStatus = 'active'): CachedTenant => ({
  ...{ id: tenantIds[slug], slug, status, isolation: 'row', schemaName: `tenant_${slug}`, provisioned: true },
  ...{ migrationVersion: 0, plan: null, mode: 'normal' as const, modeOperators: [] },
})

const tenants = [tenantOf('acme'), tenantOf('beta'), tenantOf('paused', 'suspended')]

/** acme and beta, and paused, which is suspended. */
export const tenantsInMemory: ResolutionPorts['tenants'] = {
  recall: (ref) => find(ref) ?? null,
  lookup: async (ref) => {
    const tenant = find(ref)
    if (tenant === undefined) throw new TenantryError('TENANT_NOT_FOUND', 'No such tenant.')
    return tenant
  },
}

function find(ref: TenantRef): CachedTenant | undefined {
  const text = typeof ref === 'string' ? ref : 'slug' in ref ? ref.slug : ref.id
  return tenants.find(({ id, slug }) => id === text.toLowerCase() || slug === text)
}

export const membershipOf = (tenantId: string, userId: string, expiresAt: number | null = null): Membership => ({
  ...{ tenantId, userId, role: 'member', rank: 40, permissions: ['notes:read'], source: 'member' },
  ...{ readOnly: false, expiresAt },
})

/** anna is a member of acme, ben of beta. */
export const membersInMemory: NonNullable<ResolutionPorts['members']> = {
  peek: (tenantId, userId) => {
    const isMember =
      (userId === 'anna' && tenantId === tenantIds.acme) || (userId === 'ben' && tenantId === tenantIds.beta)
    return isMember ? membershipOf(tenantId, userId) : null
  },
  lookup: () => Promise.reject(new Error('answers from memory')),
}

export const keysInMemory: NonNullable<ResolutionPorts['keys']> = {
  peek: (presented) => {
    const shared = { keyId: 'k', prefix: presented.slice(0, 8), permissions: ['*'] }
    const known: Readonly<Record<string, KeyPrincipal>> = {
      tn_admin_1: { ...shared, kind: 'admin', tenantId: null },
      tn_service_1: { ...shared, kind: 'service', tenantId: null },
      tn_key_acme: { ...shared, kind: 'tenant', tenantId: tenantIds.acme },
    }
    return known[presented] ?? null
  },
  lookup: () => Promise.reject(new Error('answers from memory')),
}

/** A resolution over the tenants, members and keys above; the user is whom the header x-user names. */
export function resolutionInMemory(settings: ResolutionSettings = {}, ports: Partial<ResolutionPorts> = {}) {
  return createResolution(
    { user: byHeader, subdomainPattern: 'app.example.com', ...settings },
    { tenants: tenantsInMemory, members: membersInMemory, keys: keysInMemory, reservedSlugs: undefined, ...ports },
  )
}

const byHeader: NonNullable<ResolutionSettings['user']> = (request) => {
  const userId = request.header('x-user')
  return userId === undefined ? undefined : { userId }
}
