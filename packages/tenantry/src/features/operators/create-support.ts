// Support access: an operator's membership of one tenant, for a while and a reason. It only reads unless it was opened to
// write, and whoever belongs to the tenant can see that it is there.
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import type { Clock } from '../../kernel/clock.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import { flag } from '../../tenants/field-checks.ts'
import { inTenantTransaction } from '../../tenants/lock.ts'
import { checkLimit, readTenantCursor, tenantCursor } from '../../tenants/paging.ts'
import { tenantKey } from '../../tenants/reference.ts'
import { getTenant } from '../../tenants/registry.ts'
import type { Page, TenantRef } from '../../tenants/tenant.ts'
import type { OpenSupport, Support, SupportAccess } from './operator.ts'
import { checkMinutes, checkReason, checkUserId, idOrNone } from './operator-input.ts'
import { lockOperator, only } from './operator-store.ts'
import { type AccessRow, accessColumns, recordAccess, toAccess } from './support-store.ts'

export interface SupportOptions {
  readonly database: CentralDatabase
  readonly clock: Clock
}

const LONGEST_ACCESS_MINUTES = 1440
const DEFAULT_ACCESS_MINUTES = 60

/**
 * The support accesses of an instance.
 *
 * @example
 * ```ts
 * const support = createSupport({ database, clock: systemClock })
 * const { id } = await support.open('acme-corp', { userId: 'user-7', reason: 'ticket 4711', minutes: 30 })
 * await support.end('acme-corp', id)
 * ```
 */
export function createSupport(options: SupportOptions): Support {
  return {
    open: async (ref, input, { actor = 'library' } = {}) => open(options, ref, { input, actor }),
    list: async (ref, query = {}) => list(options.database, ref, query),
    end: async (ref, id, { actor = 'library' } = {}) => end(options, ref, { id: idOrNone(id), actor }),
  }
}

interface Opening {
  readonly input: OpenSupport
  readonly actor: string
}

async function open(options: SupportOptions, ref: TenantRef, { input, actor }: Opening): Promise<SupportAccess> {
  const userId = checkUserId(input.userId)
  const reason = checkReason(input.reason)
  const minutes = checkMinutes(input.minutes ?? DEFAULT_ACCESS_MINUTES, LONGEST_ACCESS_MINUTES)
  const mayWrite = flag(input.write ?? false, 'write')
  return inTenantTransaction(options, tenantKey(ref), async (tx, tenant) => {
    if (tenant.status === 'purged') throw new TenantryError('TENANT_PURGED', 'The tenant was purged.')
    if (tenant.status === 'deleted') {
      throw new TenantryError('TENANT_DELETED', `The tenant ${tenant.slug} is deleted.`)
    }
    if ((await lockOperator(tx, userId)) === undefined) {
      throw new TenantryError('OPERATOR_REQUIRED', 'Support access is for operators, and the user is none.')
    }
    const { rows } = await tx.query<AccessRow>(
      `insert into tenantry.support_access as a (id, tenant_id, user_id, reason, may_write, opened_by, expires_at)
       values ($1, $2, $3, $4, $5, $6, now() + make_interval(mins => $7)) returning ${accessColumns}`,
      [newId(), tenant.id, userId, reason, mayWrite, actor, minutes],
    )
    const access = toAccess(only(rows))
    await recordAccess(tx, { verb: 'open', tenant, access, actor, at: new Date(options.clock.now()) })
    return access
  })
}

interface Ending {
  readonly id: string
  readonly actor: string
}

async function end(options: SupportOptions, ref: TenantRef, { id, actor }: Ending): Promise<SupportAccess> {
  return inTenantTransaction(options, tenantKey(ref), async (tx, tenant) => {
    const { rows } = await tx.query<AccessRow & { readonly open: boolean }>(
      `select ${accessColumns}, a.ended_at is null and a.expires_at > now() as open
         from tenantry.support_access a where a.id = $1 and a.tenant_id = $2 for update`,
      [id, tenant.id],
    )
    const [found] = rows
    if (found === undefined) {
      throw new TenantryError('SUPPORT_ACCESS_NOT_FOUND', `The tenant ${tenant.slug} has no such support access.`)
    }
    if (!found.open) return toAccess(found)
    const ended = await tx.query<AccessRow>(
      `update tenantry.support_access a set ended_at = now() where a.id = $1 returning ${accessColumns}`,
      [id],
    )
    const access = toAccess(only(ended.rows))
    await recordAccess(tx, { verb: 'end', tenant, access, actor, at: new Date(options.clock.now()) })
    return access
  })
}

const matching = `a.tenant_id = $1
  and ($2::boolean is null or (a.ended_at is null and a.expires_at > now()) = $2)`

async function list(
  sql: Sql,
  ref: TenantRef,
  query: { readonly limit?: number; readonly cursor?: string; readonly open?: boolean },
): Promise<Page<SupportAccess>> {
  const limit = checkLimit(query.limit)
  const after = readTenantCursor(query.cursor)
  const isOpen = query.open === undefined ? null : flag(query.open, 'open')
  const filter = [(await getTenant(sql, ref)).id, isOpen]
  const { rows } = await sql.query<AccessRow>(
    `select ${accessColumns} from tenantry.support_access a
      where ${matching} and ($3::uuid is null or a.id < $3) order by a.id desc limit $4`,
    [...filter, after, limit + 1],
  )
  const counted = await sql.query<{ total: number }>(
    `select count(*)::integer as total from tenantry.support_access a where ${matching}`,
    filter,
  )
  const items = rows.slice(0, limit).map(toAccess)
  const last = items.at(-1)
  return {
    items,
    nextCursor: rows.length > limit && last !== undefined ? tenantCursor(last) : null,
    total: counted.rows[0]?.total ?? 0,
  }
}
