// Rows of organizations and how they are found and locked. Whoever changes an organization, its members or its teams holds
// its row first, and the row of a tenant after that.
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import { constraintOf, sqlStateOf } from '../../engine/sql/database-errors.ts'
import type { Clock } from '../../kernel/clock.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { recordFact, type TenantFact } from '../../tenants/events.ts'
import type { JsonObject } from '../../tenants/tenant.ts'
import type { Organization, OrganizationRef } from './organization.ts'
import { keyOf, organizationNotFound } from './organization-input.ts'

export interface OrganizationsOptions {
  readonly database: CentralDatabase
  readonly clock: Clock
  readonly reservedSlugs: readonly string[]
  /** How long to wait for another change of the organization before TENANT_BUSY. Default: 10 s. */
  readonly lockTimeoutMs?: number
  /** Runs for each tenant whose members a change may concern, so that this process need not wait for its notification. */
  readonly onChange?: (tenantId: string) => void
}

const LOCK_NOT_AVAILABLE = '55P03'
const DEFAULT_LOCK_TIMEOUT_MS = 10_000

export interface OrganizationRow {
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly metadata: JsonObject
  readonly created_at: Date
  readonly updated_at: Date
}

export const organizationColumns = 'id, slug, name, metadata, created_at, updated_at'

export function toOrganization(row: OrganizationRow): Organization {
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    metadata: row.metadata,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }
}

/** Throws ORGANIZATION_NOT_FOUND. */
export async function findOrganization(sql: Sql, ref: OrganizationRef): Promise<Organization> {
  return readRow(sql, ref, '')
}

async function readRow(sql: Sql, ref: OrganizationRef, suffix: string): Promise<Organization> {
  const key = keyOf(ref)
  if (key === undefined) throw organizationNotFound()
  const text = `select ${organizationColumns} from tenantry.organization where ${key.column} = $1 ${suffix}`
  const { rows } = await sql.query<OrganizationRow>(text, [key.value])
  if (rows[0] !== undefined) return toOrganization(rows[0])
  throw organizationNotFound()
}

/**
 * Runs a change in a transaction that holds the organization's row; its tenants are told after that.
 * Throws ORGANIZATION_NOT_FOUND, TENANT_BUSY.
 */
export async function inOrganization<T>(
  options: OrganizationsOptions,
  ref: OrganizationRef,
  run: (tx: Sql, organization: Organization) => Promise<T>,
): Promise<T> {
  const { result, tenantIds } = await options.database.transaction(async (tx) => {
    await tx.query(`set local lock_timeout = ${options.lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS}`)
    const organization = await readRow(tx, ref, 'for update').catch((error: unknown) => {
      throw sqlStateOf(error) === LOCK_NOT_AVAILABLE ? busy(error) : error
    })
    const before = await tenantsOf(tx, organization.id)
    const result = await run(tx, organization)
    return { result, tenantIds: new Set([...before, ...(await tenantsOf(tx, organization.id))]) }
  })
  for (const id of tenantIds) options.onChange?.(id)
  return result
}

async function tenantsOf(tx: Sql, organizationId: string): Promise<readonly string[]> {
  const { rows } = await tx.query<{ id: string }>(
    'select tenant_id as id from tenantry.organization_tenant where organization_id = $1',
    [organizationId],
  )
  return rows.map(({ id }) => id)
}

function busy(cause: unknown): TenantryError {
  const details = { cause, sqlState: LOCK_NOT_AVAILABLE }
  return new TenantryError('TENANT_BUSY', 'Another operation holds the organization.', details)
}

/** SLUG_TAKEN for the violation of this constraint, any other error as it is. */
export function slugTaken(error: unknown, constraint: string): unknown {
  if (constraintOf(error) !== constraint) return error
  return new TenantryError('SLUG_TAKEN', 'The slug is taken.', {
    ...{ field: 'slug', cause: error, fix: 'Choose another slug.' },
  })
}

export interface OrganizationFact extends Pick<TenantFact, 'event' | 'action'> {
  readonly organization: Pick<Organization, 'id' | 'slug'>
  /** The tenant it concerns, if it is one. */
  readonly tenant?: TenantFact['tenant']
  readonly actor: string | undefined
  readonly detail?: Readonly<Record<string, unknown>>
}

/** Writes the event and the audit entry of a change. */
export async function recordChange(clock: Clock, tx: Sql, fact: OrganizationFact): Promise<void> {
  const { organization, tenant = null, actor = 'library', event, action } = fact
  const detail = { organizationId: organization.id, organization: organization.slug, ...fact.detail }
  await recordFact(tx, { event, action, tenant, actor, detail, at: new Date(clock.now()) })
}
