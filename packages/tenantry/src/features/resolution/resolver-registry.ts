// The resolvers of an instance, by name and in the order of their numbers.
import { TenantryError } from '../../kernel/errors.ts'
import { reservedSlugs } from '../../kernel/identifiers.ts'
import { claimReader } from './claim.ts'
import { hostName } from './host.ts'
import type { Resolver, TenancyRequest } from './resolution.ts'
import { customDomainResolver } from './resolvers/custom-domain.ts'
import { headerResolver } from './resolvers/header.ts'
import { jwtResolver } from './resolvers/jwt.ts'
import { keyResolver } from './resolvers/key.ts'
import { pathResolver } from './resolvers/path.ts'
import { type ReadSession, sessionReader, sessionResolver } from './resolvers/session.ts'
import { subdomainResolver } from './resolvers/subdomain.ts'
import { presets, type ResolutionSettings } from './settings.ts'

/** What the resolvers of the settings stand on. */
export interface ResolverParts {
  /** The host of a request, with its proxies in mind. */
  readonly hostOf?: (request: TenancyRequest) => string | undefined
  readonly readSession?: ReadSession | undefined
  /** Default: names of hosts and paths such as `www`, `api`, `admin`. */
  readonly reservedSlugs?: readonly string[] | undefined
}

type Maker = (settings: ResolutionSettings, parts: ResolverParts, priority: number) => Resolver

const numbers: Readonly<Record<string, number>> = {
  jwt: 10,
  key: 15,
  header: 20,
  customDomain: 25,
  subdomain: 30,
  path: 40,
  session: 50,
}

/** What a resolver cannot do without, as the setting is called. */
const needs: Readonly<Record<string, keyof ResolutionSettings>> = {
  jwt: 'jwt',
  customDomain: 'customDomain',
  subdomain: 'subdomainPattern',
  session: 'session',
}

const makers: Readonly<Record<string, Maker>> = {
  jwt: (settings, _parts, priority) => {
    const claim = settings.jwtClaimKey ?? presetOf(settings)?.jwtClaimKey ?? 'tenant_id'
    return jwtResolver({ priority, readClaim: claimReader(claim, 'resolution.jwtClaimKey') })
  },
  key: (_settings, _parts, priority) => keyResolver(priority),
  header: ({ headerName = 'x-tenant-id', slugHeaderName = 'x-tenant-slug' }, _parts, priority) =>
    headerResolver({ priority, headerName, slugHeaderName }),
  customDomain: (settings, { hostOf = plainHost }, priority) =>
    customDomainResolver({ priority, hostOf, baseDomains: baseDomainsOf(settings), ...needed(settings.customDomain) }),
  subdomain: (settings, { hostOf = plainHost, reservedSlugs: reserved = reservedSlugs }, priority) =>
    subdomainResolver({ priority, hostOf, baseDomains: baseDomainsOf(settings), reserved: new Set(reserved) }),
  path: ({ pathPattern: pattern = '/tenants/{tenant}/' }, _parts, priority) => pathResolver({ priority, pattern }),
  session: (settings, { readSession }, priority) =>
    sessionResolver({ priority, read: readSession ?? sessionReader(needed(settings.session)) }),
}

/**
 * An ordered set of resolvers.
 *
 * @example
 * ```ts
 * const resolvers = ResolverRegistry.fromConfig({ resolvers: ['header', 'path'], headerName: 'x-org' })
 * resolvers.register({
 *   name: 'query',
 *   priority: 45,
 *   trust: 'claimed',
 *   resolve: ({ target }) => new URL(target, 'http://localhost').searchParams.getAll('tenant'),
 * })
 * console.log(resolvers.ordered().map(({ name }) => name)) // ['header', 'path', 'query']
 * ```
 */
export class ResolverRegistry {
  #ordered: readonly Resolver[] = []

  /** The resolvers of the settings. Throws RESOLVER_UNKNOWN and CONFIGURATION_INVALID. */
  static fromConfig(settings: ResolutionSettings, parts: ResolverParts = {}): ResolverRegistry {
    const registry = new ResolverRegistry()
    const priorities = { ...presetOf(settings)?.priorities, ...settings.priorities }
    for (const chosen of chosenOf(settings)) {
      const own = typeof chosen === 'string' ? undefined : chosen
      const name = typeof chosen === 'string' ? chosen : chosen.name
      const priority = priorities[name] ?? own?.priority ?? numbers[name] ?? 0
      registry.register(own === undefined ? make(name, settings, { parts, priority }) : withPriority(own, priority))
    }
    refuseUnknownNames(settings, registry)
    return registry
  }

  /** Adds a resolver. Throws CONFIGURATION_INVALID for a name that is there already and for a number outside 0-1000. */
  register(resolver: Resolver): void {
    const { name, priority } = resolver
    if (this.#ordered.some((other) => other.name === name)) throw invalid(`There are two resolvers called ${name}.`)
    if (!Number.isInteger(priority) || priority < 0 || priority > 1000) {
      throw invalid(`The priority of the resolver ${name} is no whole number from 0 to 1000.`)
    }
    // Equal numbers keep the order in which they came.
    this.#ordered = [...this.#ordered, resolver].sort((one, other) => one.priority - other.priority)
  }

  /** All resolvers, the lowest number first. */
  ordered(): readonly Resolver[] {
    return this.#ordered
  }
}

/** The base domains of the settings, in the form in which hosts are compared. Throws CONFIGURATION_INVALID. */
function baseDomainsOf({ subdomainPattern = [] }: ResolutionSettings): readonly string[] {
  const patterns = typeof subdomainPattern === 'string' ? [subdomainPattern] : subdomainPattern
  return patterns.map((pattern) => {
    const base = hostName(pattern.replace(/^(?:\*|\{tenant\}|\{tenant_id\})\./, ''))
    if (base === undefined) throw invalid('"subdomainPattern" is no domain.', 'resolution.subdomainPattern')
    return base
  })
}

function presetOf({ preset }: ResolutionSettings) {
  if (preset === undefined) return undefined
  if (Object.hasOwn(presets, preset)) return presets[preset]
  throw invalid(`There is no preset of this name; there are ${Object.keys(presets).join(', ')}.`, 'resolution.preset')
}

/** The resolvers that settings choose: those they list, else each that they make possible. */
export function chosenOf(settings: ResolutionSettings): readonly (string | Resolver)[] {
  if (settings.resolvers !== undefined) return settings.resolvers
  const names = Object.keys(presetOf(settings)?.priorities ?? numbers)
  return names.filter((name) => !lacks(name, settings))
}

function lacks(name: string, settings: ResolutionSettings): boolean {
  const need = needs[name]
  return need !== undefined && settings[need] === undefined
}

function make(
  name: string,
  settings: ResolutionSettings,
  { parts, priority }: { parts: ResolverParts; priority: number },
): Resolver {
  const maker = Object.hasOwn(makers, name) ? makers[name] : undefined
  if (maker === undefined) throw unknown(Object.keys(makers))
  if (lacks(name, settings)) {
    throw invalid(`The resolver ${name} needs the setting "${needs[name]}".`, `resolution.${needs[name]}`)
  }
  return maker(settings, parts, priority)
}

function withPriority(resolver: Resolver, priority: number): Resolver {
  if (resolver.priority === priority) return resolver
  // Not spread: it may be an object of a class, whose methods are not its own.
  return {
    ...{ name: resolver.name, trust: resolver.trust, priority },
    resolve: (request, caller) => resolver.resolve(request, caller),
  }
}

/** A number for a resolver that does not exist would be a spelling mistake that nobody hears of. */
function refuseUnknownNames({ priorities = {} }: ResolutionSettings, registry: ResolverRegistry): void {
  const known = new Set([...Object.keys(makers), ...registry.ordered().map(({ name }) => name)])
  if (!Object.keys(priorities).every((name) => known.has(name))) throw unknown([...known])
}

function unknown(known: readonly string[]): TenantryError {
  return new TenantryError(
    'RESOLVER_UNKNOWN',
    `A resolver of the settings does not exist; there are ${known.join(', ')}.`,
    {
      field: 'resolution.resolvers',
    },
  )
}

function invalid(message: string, field = 'resolution.resolvers'): TenantryError {
  return new TenantryError('CONFIGURATION_INVALID', message, { field })
}

const plainHost = (request: TenancyRequest) => hostName(request.header('host') ?? '')

/** A setting that `lacks` has found to be there. */
function needed<T>(setting: T | undefined): T {
  if (setting === undefined) throw invalid('A resolver lacks its setting.')
  return setting
}
