// Signs contexts for programs that do not run this library: a service in another language, a job, a person with psql.
// Each is written to the audit log, without the token.
import { type Claims, type SigningKey, signContext } from '../../engine/context/context-token.ts'
import { bypassesMode } from '../../engine/context/scope.ts'
import type { Sql } from '../../engine/sql/database.ts'
import type { Clock } from '../../kernel/clock.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import { admit } from '../../tenants/admission.ts'
import type { Tenant, TenantRef } from '../../tenants/tenant.ts'

export interface TokenOptions {
  /** Who acts, as `tenantry.current_user_id()` will say; 1 to 255 characters. */
  readonly userId?: string
  /** Their role in the tenant, as `tenantry.current_tenant_role()` will say; 1 to 255 characters. */
  readonly role?: string
  /** How long it is good for, from 1 to 3600 seconds; default 60. Nothing takes it back before. */
  readonly ttlSeconds?: number
  /** Who asked, for the audit log; default `library`. */
  readonly actor?: string
}

/** A signed context, and what else a program needs to enter the tenant with it. */
export interface ContextToken {
  /** The value of the setting `tenantry.context`. Whoever holds it and the scoped login is in the tenant. */
  readonly token: string
  /** By the database's clock. */
  readonly expiresAt: Date
  /** What to SET LOCAL ROLE to: the login has no rights of its own. */
  readonly databaseRole: string
  /** The tenant's search_path: its own schema where it has one, then the shared ones. */
  readonly searchPath: readonly string[]
}

export interface TokensOptions {
  readonly database: Sql
  readonly tenants: { get(ref: TenantRef): Promise<Tenant> }
  readonly signingKey: SigningKey
  readonly appRole: string
  readonly sharedSchemas: readonly string[]
  readonly clock: Clock
  /** The database's clock minus ours. */
  readonly clockOffsetMs: number
}

export interface ContextTokens {
  sign(ref: TenantRef, options?: TokenOptions): Promise<ContextToken>
}

const DEFAULT_TTL_SECONDS = 60
const LONGEST_TTL_SECONDS = 3600
const LONGEST_CLAIM = 255

const RECORD = `insert into tenantry.audit_entry (id, actor, action, tenant_id, detail) values ($1, $2, 'context.signed', $3, $4)`

/** Signs with the key that the instance was read with. */
export function createContextTokens(options: TokensOptions): ContextTokens {
  return {
    async sign(ref, { userId, role, ttlSeconds = DEFAULT_TTL_SECONDS, actor = 'library' } = {}) {
      checkClaim('userId', userId)
      checkClaim('role', role)
      checkLifetime(ttlSeconds)
      // Read from the database, not from the cache: a token outlives what the cache would still let in.
      const tenant = await options.tenants.get(ref)
      const claims = { ...(userId !== undefined && { userId }), ...(role !== undefined && { role }) }
      admit({ ...tenant, provisioned: tenant.provisionedAt !== null, migrationVersion: 0 }, claims)
      refuseReadOnly(tenant, claims)
      const expiresAt = Math.floor((options.clock.now() + options.clockOffsetMs) / 1000) + ttlSeconds
      const detail = JSON.stringify({ ...claims, ttlSeconds })
      await options.database.query(RECORD, [newId(), actor, tenant.id, detail])
      return {
        token: signContext(options.signingKey, { tenantId: tenant.id, expiresAt, ...claims }),
        expiresAt: new Date(expiresAt * 1000),
        databaseRole: options.appRole,
        searchPath: [...(tenant.isolation === 'schema' ? [tenant.schemaName] : []), ...options.sharedSchemas],
      }
    },
  }
}

/** Whoever holds a context writes with it, whatever the mode has become. Throws TENANT_READ_ONLY. */
function refuseReadOnly(tenant: Tenant, claims: Claims): void {
  if (tenant.mode === 'normal' || bypassesMode(tenant, claims)) return
  throw new TenantryError('TENANT_READ_ONLY', `The tenant ${tenant.slug} is read-only, and a context can write.`)
}

// A zero byte cannot be text in PostgreSQL, and half a surrogate pair cannot be UTF-8.
function checkClaim(field: 'userId' | 'role', value: unknown): void {
  if (value === undefined) return
  const isText = typeof value === 'string' && value !== '' && value.length <= LONGEST_CLAIM
  if (isText && !/[\0\p{Surrogate}]/u.test(value)) return
  throw new TenantryError('INVALID_INPUT', `"${field}" must be text of 1 to ${LONGEST_CLAIM} characters.`, { field })
}

function checkLifetime(seconds: unknown): void {
  if (Number.isInteger(seconds) && Number(seconds) >= 1 && Number(seconds) <= LONGEST_TTL_SECONDS) return
  throw new TenantryError('INVALID_INPUT', `"ttlSeconds" must be a whole number from 1 to ${LONGEST_TTL_SECONDS}.`, {
    field: 'ttlSeconds',
  })
}
