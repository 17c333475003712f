// subdomain: the one label in front of a base domain. Anybody can write it.
import { isValidSlug } from '../../../kernel/identifiers.ts'
import type { TenantRef } from '../../../tenants/tenant.ts'
import type { Resolver, TenancyRequest } from '../resolution.ts'

export interface SubdomainResolverOptions {
  readonly priority: number
  /** In the form of hostName. */
  readonly baseDomains: readonly string[]
  readonly reserved: ReadonlySet<string>
  readonly hostOf: (request: TenancyRequest) => string | undefined
}

/** Names the tenant whose slug stands directly under one of the base domains. */
export function subdomainResolver(options: SubdomainResolverOptions): Resolver {
  return {
    ...{ name: 'subdomain', priority: options.priority, trust: 'claimed' },
    resolve(request) {
      const host = options.hostOf(request)
      const slug = host === undefined ? undefined : slugOfHost(host, options)
      return slug === undefined ? NOBODY : [{ slug }]
    },
  }
}

const NOBODY: readonly TenantRef[] = []

/** The slug that a host stands for, or undefined. */
export function slugOfHost(
  host: string,
  { baseDomains, reserved }: Pick<SubdomainResolverOptions, 'baseDomains' | 'reserved'>,
): string | undefined {
  if (baseDomains.includes(host)) return undefined
  for (const base of baseDomains) {
    if (!host.endsWith(base) || host[host.length - base.length - 1] !== '.') continue
    const label = host.slice(0, -base.length - 1)
    if (!label.includes('.') && label !== 'www' && !reserved.has(label) && isValidSlug(label)) return label
  }
  return undefined
}
