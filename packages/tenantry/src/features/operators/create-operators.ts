// Who the operators of an instance are, and how one of them takes up central power: for a while, for a reason, with a
// token of its own. There is no switch in memory: each token is asked of the database, each time.
import { createHash, randomBytes } from 'node:crypto'
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import type { Clock } from '../../kernel/clock.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import { recordFact, type TenantFact } from '../../tenants/events.ts'
import { oneOf } from '../../tenants/field-checks.ts'
import { checkLimit, readTenantCursor, tenantCursor } from '../../tenants/paging.ts'
import type { Page } from '../../tenants/tenant.ts'
import type { ActOptions } from '../../tenants/tenants.ts'
import { type ElevateInput, type Elevation, type Operator, type Operators, operatorRoles } from './operator.ts'
import { checkMinutes, checkReason, checkUserId, idOrNone } from './operator-input.ts'
import {
  type ElevationRow,
  elevationColumns,
  endElevationsOf,
  lockOperator,
  only,
  type OperatorRow,
  toElevation,
  toOperator,
} from './operator-store.ts'
import { endAccessesOf } from './support-store.ts'

export interface OperatorsOptions {
  readonly database: CentralDatabase
  readonly clock: Clock
}

const LONGEST_ELEVATION_MINUTES = 60
const DEFAULT_ELEVATION_MINUTES = 15
const TOKEN = /^tn_op_[0-9a-f]{64}$/

const actorOf = ({ actor = 'library' }: ActOptions = {}): string => actor

/**
 * The operators of an instance.
 *
 * @example
 * ```ts
 * const operators = createOperators({ database, clock: systemClock })
 * await operators.set({ userId: 'user-1', role: 'super-admin' })
 * const { token } = await operators.elevate({ userId: 'user-1', reason: 'ticket 4711' })
 * ```
 */
export function createOperators(options: OperatorsOptions): Operators {
  const { database } = options
  return {
    set: async (input, act) => set(options, input, actorOf(act)),
    remove: async (userId, act) => remove(options, checkUserId(userId), actorOf(act)),
    list: async () =>
      (await database.query<OperatorRow>('select * from tenantry.operator order by user_id')).rows.map(toOperator),
    elevate: async (input, act) => elevate(options, input, actorOf(act)),
    release: async (id, act) => release(options, idOrNone(id), actorOf(act)),
    elevations: async (query = {}) => listElevations(database, query),
    authenticate: async (token) => authenticate(database, token),
  }
}

const UPSERT = `
insert into tenantry.operator (user_id, role) values ($1, $2)
    on conflict (user_id) do update set role = excluded.role
returning *`

async function set(
  options: OperatorsOptions,
  input: { readonly userId: string; readonly role: string },
  actor: string,
): Promise<Operator> {
  const userId = checkUserId(input.userId)
  const role = oneOf(operatorRoles)(input.role, 'role')
  return options.database.transaction(async (tx) => {
    const before = await lockOperator(tx, userId)
    if (before?.role === role) return before
    const { rows } = await tx.query<OperatorRow>(UPSERT, [userId, role])
    // Whoever is super-admin no longer has none of its power left.
    const ended = role === 'super-admin' ? [] : await endElevationsOf(tx, userId)
    await record(options, tx, { verb: 'set', actor, detail: { userId, role, ...countOf('elevationsEnded', ended) } })
    return toOperator(only(rows))
  })
}

const LEAVE_MODES = `
update tenantry.tenant set mode_operators = array_remove(mode_operators, $1), updated_at = now(), version = version + 1
 where $1 = any (mode_operators)`

async function remove(options: OperatorsOptions, userId: string, actor: string): Promise<Operator> {
  return options.database.transaction(async (tx) => {
    // Tenants first, as whoever opens a support access does.
    await tx.query(LEAVE_MODES, [userId])
    const operator = await lockOperator(tx, userId)
    if (operator === undefined) throw missing(userId)
    await tx.query('delete from tenantry.operator where user_id = $1', [userId])
    const elevations = await endElevationsOf(tx, userId)
    const accesses = await endAccessesOf(tx, { userId, actor, at: new Date(options.clock.now()) })
    const detail = {
      ...{ userId, role: operator.role },
      ...countOf('elevationsEnded', elevations),
      ...countOf('accessesEnded', accesses),
    }
    await record(options, tx, { verb: 'remove', actor, detail })
    return operator
  })
}

const countOf = (name: string, ended: readonly unknown[]) => (ended.length === 0 ? {} : { [name]: ended.length })

function missing(userId: string): TenantryError {
  return new TenantryError('OPERATOR_NOT_FOUND', `The user ${userId} is no operator.`)
}

async function elevate(options: OperatorsOptions, input: ElevateInput, actor: string) {
  const userId = checkUserId(input.userId)
  const reason = checkReason(input.reason)
  const minutes = checkMinutes(input.minutes ?? DEFAULT_ELEVATION_MINUTES, LONGEST_ELEVATION_MINUTES)
  const token = `tn_op_${randomBytes(32).toString('hex')}`
  const elevation = await options.database.transaction(async (tx) => {
    // Held, so that removing the operator comes before or after, and ends this one then.
    const operator = await lockOperator(tx, userId)
    if (operator?.role !== 'super-admin') {
      throw new TenantryError('OPERATOR_REQUIRED', 'Only a super-admin can take up central power.')
    }
    const { rows } = await tx.query<ElevationRow>(
      `insert into tenantry.elevation (id, user_id, reason, token_hash, expires_at)
       values ($1, $2, $3, $4, now() + make_interval(mins => $5)) returning ${elevationColumns}`,
      [newId(), userId, reason, hashOf(token), minutes],
    )
    const opened = toElevation(only(rows))
    const detail = { elevationId: opened.id, userId, expiresAt: opened.expiresAt }
    await record(options, tx, { verb: 'elevate', actor, reason, detail })
    return opened
  })
  return { ...elevation, token }
}

async function release(options: OperatorsOptions, id: string, actor: string): Promise<Elevation> {
  return options.database.transaction(async (tx) => {
    const { rows } = await tx.query<ElevationRow & { readonly open: boolean }>(
      `select ${elevationColumns}, ended_at is null and expires_at > now() as open
         from tenantry.elevation where id = $1 for update`,
      [id],
    )
    const [found] = rows
    if (found === undefined) throw new TenantryError('ELEVATION_NOT_FOUND', 'There is no such elevation.')
    if (!found.open) return toElevation(found)
    const ended = await tx.query<ElevationRow>(
      `update tenantry.elevation set ended_at = now() where id = $1 returning ${elevationColumns}`,
      [id],
    )
    await record(options, tx, { verb: 'release', actor, detail: { elevationId: id, userId: found.user_id } })
    return toElevation(only(ended.rows))
  })
}

async function listElevations(
  sql: Sql,
  query: { readonly limit?: number; readonly cursor?: string },
): Promise<Page<Elevation>> {
  const limit = checkLimit(query.limit)
  const { rows } = await sql.query<ElevationRow>(
    `select ${elevationColumns} from tenantry.elevation where $1::uuid is null or id < $1 order by id desc limit $2`,
    [readTenantCursor(query.cursor), limit + 1],
  )
  const counted = await sql.query<{ total: number }>('select count(*)::integer as total from tenantry.elevation')
  const items = rows.slice(0, limit).map(toElevation)
  const last = items.at(-1)
  return {
    items,
    nextCursor: rows.length > limit && last !== undefined ? tenantCursor(last) : null,
    total: counted.rows[0]?.total ?? 0,
  }
}

// The operator's own row is asked, too: what ends with the role ends even where a row of it was left open.
const AUTHENTICATE = `
select ${elevationColumns} from tenantry.elevation e
 where e.token_hash = $1 and e.ended_at is null and e.expires_at > now()
   and exists (select from tenantry.operator o where o.user_id = e.user_id and o.role = 'super-admin')`

async function authenticate(sql: Sql, token: unknown): Promise<Elevation | null> {
  if (typeof token !== 'string' || !TOKEN.test(token)) return null
  const { rows } = await sql.query<ElevationRow>(AUTHENTICATE, [hashOf(token)])
  return rows[0] === undefined ? null : toElevation(rows[0])
}

/** A fast hash is enough: the token holds 256 random bits. */
const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest()

interface Change extends Pick<TenantFact, 'actor' | 'detail'> {
  readonly verb: 'set' | 'remove' | 'elevate' | 'release'
  readonly reason?: string
}

const past = { set: 'set', remove: 'removed', elevate: 'elevated', release: 'released' } as const

async function record({ clock }: OperatorsOptions, tx: Sql, { verb, ...change }: Change): Promise<void> {
  const at = new Date(clock.now())
  await recordFact(tx, { event: `operator.${past[verb]}`, action: `operator.${verb}`, tenant: null, at, ...change })
}
