// The environment variables that override the configuration file, each with its meaning: the command line prints this
// table, and docs/configuration.md is compared with it.
import { TenantryError } from '../../kernel/errors.ts'

export interface ConfigVariable {
  readonly name: string
  /** Where its value goes, dotted. */
  readonly path: string
  readonly kind: 'text' | 'list' | 'number' | 'boolean'
  readonly meaning: string
}

const variable = (kind: ConfigVariable['kind']) => (name: string, path: string, meaning: string) => ({
  ...{ name, path, kind, meaning },
})
const text = variable('text')
const list = variable('list')
const number = variable('number')
const boolean = variable('boolean')

/** Every variable that stands for one key. Lists are separated by commas. */
export const configVariables: readonly ConfigVariable[] = [
  text('DATABASE_ADMIN_URL', 'adminUrl', 'login of the control plane; direct, not through a pooler'),
  text('DATABASE_URL', 'databaseUrl', 'scoped login, where it is not to be the one Tenantry makes'),
  text('DATABASE_PUBLIC_URL', 'credentials.serverUrl', 'where tenants reach the database themselves'),
  text('TENANTRY_POOLER', 'pooler', '`auto`, `none` or `transaction`: what DATABASE_URL leads through'),
  text('TENANTRY_ISOLATION', 'isolation', '`row` or `schema`: how new tenants are kept apart'),
  boolean('TENANTRY_AUTO_PROVISION', 'autoProvision', 'whether creating a tenant also provisions it'),
  text('TENANTRY_MIGRATIONS', 'migrations', 'folder with shared/ and tenant/'),
  list('TENANTRY_SHARED_SCHEMAS', 'sharedSchemas', "schemas that every tenant's search_path ends with"),
  list('TENANTRY_RESERVED_SLUGS', 'reservedSlugs', 'slugs no tenant may take'),
  number('TENANTRY_PURGE_AFTER_DAYS', 'purgeAfterDays', 'days a deleted tenant can be restored'),
  number('TENANTRY_MAX_CLIENTS', 'maxClients', 'most connections that belong to one scope at a time'),
  number('TENANTRY_SHARED_CONNECTIONS', 'sharedConnections', 'shared pipelined connections'),
  number('TENANTRY_STATEMENT_TIMEOUT_MS', 'statementTimeoutMs', "longest time a tenant's statement may run"),
  number('TENANTRY_REGISTRY_TTL_MS', 'registryTtlMs', 'how long a cached tenant is served unasked'),
  number('TENANTRY_VERIFY_EVERY_MS', 'verifyEveryMs', 'how often isolation is verified'),
  boolean('TENANTRY_MIGRATE_ON_START', 'migrateOnStart', 'whether a start applies pending shared migrations'),
  number('TENANTRY_WARM_SCHEMAS', 'warmSchemas', 'how many tenant schemas are kept ready'),
  boolean('TENANTRY_CHECK_POLICIES', 'checkPolicies', 'whether a start compares the policies of all tables'),
  text(
    'TENANTRY_RESOLUTION_PRESET',
    'resolution.preset',
    '`boundary`, `nself` or `lexigram`: their order of resolvers',
  ),
  list('TENANTRY_RESOLVERS', 'resolution.resolvers', 'resolvers to ask, by name'),
  text('TENANTRY_HEADER_NAME', 'resolution.headerName', "header that carries a tenant's id"),
  text('TENANTRY_SLUG_HEADER_NAME', 'resolution.slugHeaderName', "header that carries a tenant's slug"),
  list('TENANTRY_SUBDOMAIN_PATTERN', 'resolution.subdomainPattern', 'base domains whose subdomains name tenants'),
  text('TENANTRY_PATH_PATTERN', 'resolution.pathPattern', 'path with {tenant} where it names one'),
  text('TENANTRY_JWT_CLAIM_KEY', 'resolution.jwtClaimKey', 'claim that names the tenant, dotted where it is nested'),
  number('TENANTRY_VALIDATOR_CACHE_TTL', 'resolution.validatorCacheTtl', 'seconds that a tenant is served from memory'),
  list('TENANTRY_TRUSTED_PROXIES', 'resolution.trustedProxies', 'networks whose X-Forwarded-Host is believed'),
  list('TENANTRY_PUBLIC_PATHS', 'resolution.public', 'paths that bind a claimed tenant for anybody'),
  text('TENANTRY_JWKS_URL', 'resolution.jwt.jwksUrl', 'where the issuer publishes its keys'),
  text('TENANTRY_JWT_ISSUER', 'resolution.jwt.issuer', 'issuer that tokens must name'),
  list('TENANTRY_JWT_AUDIENCE', 'resolution.jwt.audience', 'audiences of which a token must name one'),
  list('TENANTRY_JWT_ALGORITHMS', 'resolution.jwt.algorithms', 'algorithms that are allowed'),
  number('TENANTRY_JWT_CLOCK_SKEW', 'resolution.jwt.clockToleranceSeconds', 'seconds that clocks may differ'),
]

/** Variables that choose among the resolvers of hosts, as nself's TENANT_ROUTING_METHOD and TENANT_SUBDOMAIN_WILDCARD. */
export const routingVariables = [
  {
    name: 'TENANTRY_ROUTING_METHOD',
    meaning: '`subdomain`, `custom_domain` or `both`: which hosts name tenants; the other resolver is not asked',
  },
  {
    name: 'TENANTRY_SUBDOMAIN_WILDCARD',
    meaning: '`true`: every subdomain of a base domain names a tenant; `false`: none does, only looked-up hosts',
  },
] as const

// Read by other parts of the package, and by its tests.
const ELSEWHERE = /^TENANTRY_(URL|KEY|TENANT|ADMIN_KEY|DATA_DIR|DEBUG|CONFIG|SOAK|TEST_\w+|PORT\w*|SERVICE_\w+)$/

export type Environment = Readonly<Record<string, string | undefined>>

/** A value from the environment and where it goes. */
export interface Override {
  readonly name: string
  readonly path: readonly string[]
  readonly value: unknown
}

/** What the environment overrides. An empty variable is one that was not set. Throws CONFIGURATION_INVALID. */
export function overridesOf(env: Environment): readonly Override[] {
  return configVariables.flatMap(({ name, path, kind }) => {
    const value = env[name]
    return value === undefined || value === '' ? [] : [{ name, path: path.split('.'), value: parse(name, kind, value) }]
  })
}

/** Variables that look like ours and mean nothing: most likely misspelt. */
export function unknownVariables(env: Environment): readonly string[] {
  const known = new Set<string>([...configVariables, ...routingVariables].map(({ name }) => name))
  return Object.keys(env).filter((name) => name.startsWith('TENANTRY_') && !known.has(name) && !ELSEWHERE.test(name))
}

/** Which resolvers of hosts the routing variables switch on and off. */
export function hostRoutingOf(env: Environment): Readonly<Partial<Record<'subdomain' | 'customDomain', boolean>>> {
  const method = env['TENANTRY_ROUTING_METHOD'] || undefined
  const wildcard = env['TENANTRY_SUBDOMAIN_WILDCARD'] || undefined
  if (method !== undefined && !['subdomain', 'custom_domain', 'both'].includes(method)) {
    throw invalid('TENANTRY_ROUTING_METHOD', 'must be subdomain, custom_domain or both')
  }
  const byMethod =
    method === undefined ? {} : { subdomain: method !== 'custom_domain', customDomain: method !== 'subdomain' }
  if (wildcard === undefined) return byMethod
  const isWild = parse('TENANTRY_SUBDOMAIN_WILDCARD', 'boolean', wildcard) === true
  if (!isWild && method === 'subdomain') {
    throw invalid('TENANTRY_SUBDOMAIN_WILDCARD', 'is false, while TENANTRY_ROUTING_METHOD leaves only subdomains')
  }
  return { ...byMethod, subdomain: isWild && method !== 'custom_domain' }
}

function parse(name: string, kind: ConfigVariable['kind'], value: string): unknown {
  if (kind === 'text') return value
  if (kind === 'list') {
    return value
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
  }
  if (kind === 'number') {
    if (/^\d{1,12}$/.test(value)) return Number(value)
    throw invalid(name, 'must be a whole number')
  }
  if (value === 'true' || value === '1') return true
  if (value === 'false' || value === '0') return false
  throw invalid(name, 'must be true or false')
}

function invalid(name: string, what: string): TenantryError {
  return new TenantryError('CONFIGURATION_INVALID', `${name} ${what}.`, {
    field: name,
    fix: `Correct ${name}, or unset it.`,
  })
}
