// The shape of the configuration: every key there is, and nothing else.
import { z } from 'zod'
import type { TenantrySettings } from '../../composition/settings.ts'
import type { Resolver } from '../../features/resolution/resolution.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { nearest } from './key-style.ts'

const text = z.string().min(1)
const texts = z.array(text)
const textOrTexts = z.union([text, texts])
const count = z.int().min(0)
/** What only code can give: a file in TypeScript, never YAML. */
const code = <T>(methods?: readonly (keyof T & string)[]) =>
  z.custom<T>(
    (value) =>
      methods === undefined
        ? typeof value === 'function'
        : typeof value === 'object' &&
          value !== null &&
          methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function'),
    'must be given in code (tenantry.config.ts)',
  )

type Settings = Required<TenantrySettings>
type Resolution = Required<Settings['resolution']>

const milliseconds = z.int().min(0)

const JwtSchema = z.strictObject({
  issuer: textOrTexts,
  audience: textOrTexts,
  jwksUrl: text.optional(),
  jwks: z.looseObject({ keys: z.array(z.record(z.string(), z.unknown())) }).optional(),
  publicKey: text.optional(),
  secret: text.optional(),
  algorithms: texts.optional(),
  clockToleranceSeconds: z.int().min(0).max(300).optional(),
  userIdClaim: textOrTexts.optional(),
  emailClaim: textOrTexts.optional(),
  emailVerifiedClaim: textOrTexts.optional(),
  jwksTimeoutMs: milliseconds.optional(),
  jwksCooldownMs: milliseconds.optional(),
  jwksMaxAgeMs: milliseconds.optional(),
  jwksMaxStaleMs: milliseconds.optional(),
})

const ResolutionSchema = z.strictObject({
  preset: z.enum(['boundary', 'nself', 'lexigram']).optional(),
  resolvers: z.array(z.union([text, code<Resolver>(['resolve'])])).optional(),
  priorities: z.record(z.string(), z.int()).optional(),
  headerName: text.optional(),
  slugHeaderName: text.optional(),
  subdomainPattern: textOrTexts.optional(),
  pathPattern: text.optional(),
  jwtClaimKey: textOrTexts.optional(),
  validatorCacheTtl: z.int().min(1).optional(),
  jwt: JwtSchema.optional(),
  customDomain: z
    .strictObject({
      lookup: code<Resolution['customDomain']['lookup']>(),
      cacheTtlMs: milliseconds.optional(),
      negativeTtlMs: milliseconds.optional(),
      maxLookupsPerSecond: z.int().min(1).optional(),
    })
    .optional(),
  session: z.strictObject({ cookieName: text.optional(), verify: code<Resolution['session']['verify']>() }).optional(),
  trustedProxies: texts.optional(),
  membership: code<Resolution['membership']>(['lookup']).optional(),
  public: z.union([texts, code<Extract<Resolution['public'], (...args: never[]) => unknown>>()]).optional(),
  user: code<Resolution['user']>().optional(),
})

const MigrationFolderSchema = z.strictObject({
  folder: text,
  format: z.enum(['tenantry', 'drizzle', 'prisma', 'kysely', 'knex']).optional(),
})

const MigrationsSchema = z.strictObject({
  shared: MigrationFolderSchema.optional(),
  tenant: MigrationFolderSchema.optional(),
})

export const ConfigSchema = z.strictObject({
  databaseUrl: text.optional(),
  adminUrl: text.optional(),
  embedded: z
    .union([
      z.boolean(),
      z.strictObject({
        dataDir: text.optional(),
        port: z.int().min(0).max(65_535).optional(),
        durable: z.boolean().optional(),
      }),
    ])
    .optional(),
  pooler: z.enum(['auto', 'none', 'transaction']).optional(),
  isolation: z.enum(['row', 'schema']).optional(),
  autoProvision: z.boolean().optional(),
  migrations: z.union([text, MigrationsSchema]).optional(),
  sharedSchemas: texts.optional(),
  reservedSlugs: texts.optional(),
  purgeAfterDays: count.optional(),
  maxClients: z.int().min(1).optional(),
  sharedConnections: count.optional(),
  statementTimeoutMs: z.int().min(1).optional(),
  registryTtlMs: count.optional(),
  verifyEveryMs: z.int().min(1_000).optional(),
  migrateOnStart: z.boolean().optional(),
  warmSchemas: z.int().min(0).max(1_000).optional(),
  checkPolicies: z.boolean().optional(),
  credentials: z
    .strictObject({
      serverUrl: text.optional(),
      sink: code<NonNullable<Settings['credentials']['sink']>>(['put']).optional(),
    })
    .optional(),
  participants: z.array(z.custom<Settings['participants'][number]>()).optional(),
  logger: code<Settings['logger']>(['info', 'warn', 'error']).optional(),
  resolution: ResolutionSchema.optional(),
})

/** The configuration, checked. Throws UNKNOWN_FIELD and CONFIGURATION_INVALID, naming the key and never its value. */
export function checkConfig(content: unknown, sourceOf: (field: string) => string): z.output<typeof ConfigSchema> {
  const result = ConfigSchema.safeParse(content)
  if (result.success) return result.data
  // A key that does not exist explains most of what else is missing.
  const { issues } = result.error
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]
  const path = (issue?.path ?? []).map(String)
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys
    const field = [...path, key].join('.')
    const meant = nearest(key, keysAt(path))
    const fix = meant === undefined ? undefined : `Did you mean ${[...path, meant].join('.')}?`
    throw new TenantryError('UNKNOWN_FIELD', `There is no key "${field}" in the configuration (${sourceOf(field)}).`, {
      field,
      ...(fix === undefined ? {} : { fix }),
    })
  }
  const field = path.join('.')
  const what =
    field === '' ? 'The configuration must be one object' : `The key "${field}" is not valid: ${issue?.message ?? ''}`
  throw new TenantryError('CONFIGURATION_INVALID', `${what} (${sourceOf(field)}).`, { field })
}

/** The keys that the schema has under a path. */
function keysAt(path: readonly string[]): readonly string[] {
  let schema: z.ZodType | undefined = ConfigSchema
  for (const name of path)
    schema = objectsIn(schema).find((each) => name in each.shape)?.shape[name] as z.ZodType | undefined
  return objectsIn(schema).flatMap((each) => Object.keys(each.shape))
}

function objectsIn(schema: z.ZodType | undefined): readonly z.ZodObject[] {
  if (schema instanceof z.ZodObject) return [schema]
  if (schema instanceof z.ZodOptional) return objectsIn(schema.unwrap() as z.ZodType)
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => objectsIn(option as z.ZodType))
  return []
}
