// The rows of keys, without the admin's. Whose they are is part of every statement: a tenant's id, or null for service
// keys, so that no id of one tenant's key reaches another's.
import type { Sql } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { Permission } from '../../tenants/access.ts'
import { checkFilter, checkLimit, readTenantCursor, tenantCursor } from '../../tenants/paging.ts'
import type { Page } from '../../tenants/tenant.ts'
import type { ApiKey, ListApiKeys } from './api-key.ts'

export interface KeyRow {
  readonly id: string
  readonly tenant_id: string | null
  readonly name: string
  readonly prefix: string
  readonly permissions: readonly Permission[]
  readonly created_by: string
  readonly created_at: Date
  readonly ttl_seconds: number | null
  readonly expires_at: Date | null
  readonly last_used_at: Date | null
  readonly revoked_at: Date | null
  readonly successor_id: string | null
  readonly has_ended: boolean
}

const columns = `id, tenant_id, name, prefix, permissions, created_by, created_at, ttl_seconds, expires_at, last_used_at,
  revoked_at, successor_id, (revoked_at is not null or coalesce(expires_at <= now(), false)) as has_ended`

const mine = `kind <> 'admin' and tenant_id is not distinct from $1::uuid`
const matching = `${mine} and ($2::text is null
  or position(lower($2) in lower(name)) > 0 or position(lower($2) in lower(prefix)) > 0)`

export interface InsertKey {
  readonly id: string
  readonly tenantId: string | null
  readonly prefix: string
  readonly hash: Buffer
  readonly name: string
  readonly permissions: readonly Permission[]
  readonly createdBy: string
  readonly ttlSeconds: number | null
}

export async function insertKey(sql: Sql, key: InsertKey): Promise<ApiKey> {
  const { rows } = await sql.query<KeyRow>(
    `insert into tenantry.api_key (id, kind, tenant_id, prefix, hash, name, permissions, created_by, ttl_seconds, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9::integer, now() + $9::integer * interval '1 second') returning ${columns}`,
    [
      ...[key.id, key.tenantId === null ? 'service' : 'tenant', key.tenantId, key.prefix, key.hash, key.name],
      ...[key.permissions, key.createdBy, key.ttlSeconds],
    ],
  )
  return toApiKey(onlyKey(rows))
}

/** The row of a key, held for a change where `lock` says so. Throws KEY_NOT_FOUND. */
export async function readKey(
  sql: Sql,
  { tenantId, id }: { readonly tenantId: string | null; readonly id: string },
  lock: '' | 'for update' = '',
): Promise<KeyRow> {
  const { rows } = await sql.query<KeyRow>(
    `select ${columns} from tenantry.api_key where ${mine} and id = $2 ${lock}`,
    [tenantId, id],
  )
  if (rows[0] !== undefined) return rows[0]
  const whose = tenantId === null ? 'No service key' : 'No key of this tenant'
  throw new TenantryError('KEY_NOT_FOUND', `${whose} has the id ${id}.`)
}

/** A page of keys, newest first, ended ones included. */
export async function listKeys(sql: Sql, tenantId: string | null, options: ListApiKeys): Promise<Page<ApiKey>> {
  const limit = checkLimit(options.limit)
  const filter = [tenantId, checkFilter('search', options.search)]
  const { rows } = await sql.query<KeyRow>(
    `select ${columns} from tenantry.api_key where ${matching} and ($3::uuid is null or id < $3)
      order by id desc limit $4`,
    [...filter, readTenantCursor(options.cursor), limit + 1],
  )
  const { rows: counted } = await sql.query<{ total: number }>(
    `select count(*)::integer as total from tenantry.api_key where ${matching}`,
    filter,
  )
  const items = rows.slice(0, limit).map(toApiKey)
  const last = items.at(-1)
  return {
    items,
    nextCursor: rows.length > limit && last !== undefined ? tenantCursor(last) : null,
    total: counted[0]?.total ?? 0,
  }
}

/** Ends a key for good; one that was revoked before keeps its time. */
export async function revokeKey(sql: Sql, id: string): Promise<ApiKey> {
  const { rows } = await sql.query<KeyRow>(
    `update tenantry.api_key set revoked_at = coalesce(revoked_at, now()) where id = $1 returning ${columns}`,
    [id],
  )
  return toApiKey(onlyKey(rows))
}

/** Notes the successor of a key, and brings its end forward; never back. */
export async function replaceKey(
  sql: Sql,
  {
    id,
    successorId,
    graceSeconds,
  }: { readonly id: string; readonly successorId: string; readonly graceSeconds: number },
): Promise<ApiKey> {
  const { rows } = await sql.query<KeyRow>(
    `update tenantry.api_key
        set successor_id = $2, expires_at = least(expires_at, now() + $3::integer * interval '1 second'),
            revoked_at = case when $3::integer = 0 then now() else revoked_at end
      where id = $1 returning ${columns}`,
    [id, successorId, graceSeconds],
  )
  return toApiKey(onlyKey(rows))
}

export function toApiKey(row: KeyRow): ApiKey {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    name: row.name,
    prefix: row.prefix,
    permissions: row.permissions,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at?.toISOString() ?? null,
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
    revokedAt: row.revoked_at?.toISOString() ?? null,
    replacedBy: row.successor_id,
  }
}

function onlyKey(rows: readonly KeyRow[]): KeyRow {
  const row = rows[0]
  if (row === undefined) throw new Error('a key that this transaction holds was not returned')
  return row
}
