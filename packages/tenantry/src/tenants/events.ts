// What happened, written by the transaction that makes it true: an event for subscribers (the outbox) and an audit
// entry for people. Payloads carry ids, slug and plan, never settings.
import type { Sql } from '../engine/sql/database.ts'
import { newId } from '../kernel/ids.ts'
import type { Page, Tenant } from './tenant.ts'
import type { TenantEvent } from './tenants.ts'

export interface TenantFact {
  /** Past tense, for the event: `tenant.suspended`. */
  readonly event: string
  /** The act, for the audit log: `tenant.suspend`. */
  readonly action: string
  /** Null for what belongs to no tenant. */
  readonly tenant: Pick<Tenant, 'id' | 'slug' | 'plan'> | null
  readonly actor: string
  readonly at: Date
  readonly reason?: string | null
  readonly detail?: Readonly<Record<string, unknown>>
}

const insertFact = `
with outbox as (
  insert into tenantry.event (id, type, tenant_id, payload, created_at) values ($1, $3, $5, $8, $9)
)
insert into tenantry.audit_entry (id, action, tenant_id, actor, reason, detail, at) values ($2, $4, $5, $6, $7, $10, $9)`

/** What subscribers are told of a fact. */
export function eventPayload({ tenant, reason = null, detail }: TenantFact): TenantEvent['payload'] {
  const named = tenant === null ? {} : { slug: tenant.slug, plan: tenant.plan }
  return { ...named, ...detail, ...(reason === null ? {} : { reason }) }
}

/** Writes the event and the audit entry of one fact. */
export async function recordFact(tx: Sql, fact: TenantFact): Promise<void> {
  const { tenant, detail = {} } = fact
  await tx.query(insertFact, [
    newId(),
    newId(),
    fact.event,
    fact.action,
    tenant?.id ?? null,
    fact.actor,
    fact.reason ?? null,
    JSON.stringify(eventPayload(fact)),
    fact.at,
    JSON.stringify(detail),
  ])
}

const insertEntry = `
insert into tenantry.audit_entry (id, action, tenant_id, actor, reason, detail, at) values ($1, $2, $3, $4, $5, $6, $7)`

/** Writes an audit entry alone: what two trails record is still one event. */
export async function recordEntry(tx: Sql, entry: Omit<TenantFact, 'event'>): Promise<void> {
  const { action, tenant, actor, reason = null, detail = {}, at } = entry
  await tx.query(insertEntry, [newId(), action, tenant?.id ?? null, actor, reason, JSON.stringify(detail), at])
}

interface EventRow {
  readonly seq: string
  readonly id: string
  readonly type: string
  readonly tenant_id: string | null
  readonly payload: Readonly<Record<string, unknown>>
  readonly created_at: Date
}

export interface EventQuery {
  readonly limit: number
  readonly after: string
  readonly tenantId: string | null
  readonly type: string | null
}

const matching = `($1::uuid is null or tenant_id = $1) and ($2::text is null or type = $2)`

/** A page of the outbox, oldest first. */
export async function readEvents(sql: Sql, query: EventQuery): Promise<Page<TenantEvent>> {
  const filter = [query.tenantId, query.type]
  const { rows } = await sql.query<EventRow>(
    `select seq, id, type, tenant_id, payload, created_at from tenantry.event
      where ${matching} and seq > $3 order by seq limit $4`,
    [...filter, query.after, query.limit + 1],
  )
  const { rows: counted } = await sql.query<{ total: number }>(
    `select count(*)::integer as total from tenantry.event where ${matching}`,
    filter,
  )
  const items = rows.slice(0, query.limit).map(toEvent)
  return {
    items,
    nextCursor: rows.length > query.limit ? (items.at(-1)?.seq ?? null) : null,
    total: counted[0]?.total ?? 0,
  }
}

function toEvent(row: EventRow): TenantEvent {
  return {
    seq: row.seq,
    id: row.id,
    type: row.type,
    tenantId: row.tenant_id,
    payload: row.payload,
    createdAt: row.created_at.toISOString(),
  }
}
