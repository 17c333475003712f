// Reads memberships for their cache: the misses of one turn of the event loop in one query, and one query for all who
// wait for the same one. What was forgotten while its query ran is answered but not remembered.
import type { Sql } from '../../engine/sql/database.ts'
import type { Membership } from '../../tenants/access.ts'

/** A membership as it was read, or null for none. */
export interface LoadedMembership {
  readonly tenantId: string
  readonly userId: string
  readonly membership: Membership | null
  /** By the database's clock, which is the one that set its end; Infinity where it has none. */
  readonly lifeMs: number
}

export interface MembershipLoader {
  load(tenantId: string, userId: string): Promise<Membership | null>
  /** What is being read of a tenant, or of all of them, is not to be remembered. */
  forget(tenantId: string | undefined): void
}

interface Waiting {
  readonly tenantId: string
  readonly userId: string
  readonly promise: Promise<Membership | null>
  readonly resolve: (membership: Membership | null) => void
  readonly reject: (error: unknown) => void
}

interface MembershipRow {
  readonly position: number
  readonly role: string
  readonly rank: number
  readonly permissions: readonly string[]
  readonly source: Membership['source']
  readonly read_only: boolean
  readonly expires_at: Date | null
  readonly life_ms: number | null
}

const MAX_BATCH = 1_000

// The strongest way in that is still open, one row a question.
const SELECT = `
select asked.position::integer, m.role, m.rank, m.permissions, m.source, m.read_only, m.expires_at,
       (extract(epoch from m.expires_at - clock_timestamp()) * 1000)::float8 as life_ms
  from unnest($1::uuid[], $2::text[]) with ordinality as asked (tenant_id, user_id, position)
 cross join lateral (
   select * from tenantry.memberships_of(asked.tenant_id, asked.user_id) w
    where w.expires_at is null or w.expires_at > clock_timestamp() limit 1) m`

/** Opens a loader over the control plane's database; it tells each answer that may be remembered. */
export function openMembershipLoader(sql: Sql, loaded: (answer: LoadedMembership) => void): MembershipLoader {
  return new BatchingLoader(sql, loaded)
}

class BatchingLoader implements MembershipLoader {
  readonly #sql: Sql
  readonly #loaded: (answer: LoadedMembership) => void
  readonly #pending = new Map<string, Waiting>()
  /** What became stale while each running query ran: ids of tenants, or undefined for all of them. */
  readonly #flights = new Set<Set<string | undefined>>()
  #queue: Waiting[] = []

  constructor(sql: Sql, loaded: (answer: LoadedMembership) => void) {
    this.#sql = sql
    this.#loaded = loaded
  }

  load(tenantId: string, userId: string): Promise<Membership | null> {
    const key = tenantId + userId
    const pending = this.#pending.get(key)
    if (pending !== undefined) return pending.promise
    const waiting = waitFor(tenantId, userId)
    if (this.#queue.length === 0) setImmediate(() => this.#send())
    this.#queue.push(waiting)
    this.#pending.set(key, waiting)
    return waiting.promise
  }

  forget(tenantId: string | undefined): void {
    if (this.#flights.size === 0) return
    for (const stale of this.#flights) stale.add(tenantId)
    // Whoever asks from now on must not be given the answer of a query that began before. Those still in the queue are
    // sent after this, and stay shared.
    const queued = new Set(this.#queue)
    for (const [key, waiting] of this.#pending) if (!queued.has(waiting)) this.#pending.delete(key)
  }

  #send(): void {
    const queue = this.#queue
    this.#queue = []
    for (let at = 0; at < queue.length; at += MAX_BATCH) void this.#read(queue.slice(at, at + MAX_BATCH))
  }

  async #read(batch: readonly Waiting[]): Promise<void> {
    const stale = new Set<string | undefined>()
    this.#flights.add(stale)
    try {
      const answers = await this.#select(batch)
      for (const [at, waiting] of batch.entries()) {
        const answer = answers[at]
        if (answer === undefined) continue
        if (!stale.has(undefined) && !stale.has(answer.tenantId)) this.#loaded(answer)
        this.#settle(waiting).resolve(answer.membership)
      }
    } catch (error) {
      for (const waiting of batch) this.#settle(waiting).reject(error)
    } finally {
      this.#flights.delete(stale)
    }
  }

  async #select(batch: readonly Waiting[]): Promise<readonly LoadedMembership[]> {
    const { rows } = await this.#sql.query<MembershipRow>(SELECT, [
      batch.map(({ tenantId }) => tenantId),
      batch.map(({ userId }) => userId),
    ])
    const byPosition = new Map(rows.map((row) => [row.position, row]))
    return batch.map(({ tenantId, userId }, at) => {
      const row = byPosition.get(at + 1)
      const membership = row === undefined ? null : toMembership(row, { tenantId, userId })
      return { tenantId, userId, membership, lifeMs: row?.life_ms ?? Number.POSITIVE_INFINITY }
    })
  }

  /** Takes the waiting call off the list, unless a newer one for the same question took its place. */
  #settle(waiting: Waiting): Waiting {
    const key = waiting.tenantId + waiting.userId
    if (this.#pending.get(key) === waiting) this.#pending.delete(key)
    return waiting
  }
}

function waitFor(tenantId: string, userId: string): Waiting {
  let resolve: Waiting['resolve'] = () => {}
  let reject: Waiting['reject'] = () => {}
  const promise = new Promise<Membership | null>((...settle) => {
    ;[resolve, reject] = settle
  })
  return { tenantId, userId, promise, resolve, reject }
}

function toMembership(row: MembershipRow, who: Pick<Membership, 'tenantId' | 'userId'>): Membership {
  const { role, rank, permissions, source } = row
  const expiresAt = row.expires_at?.getTime() ?? null
  return Object.freeze({ ...who, role, rank, permissions, source, readOnly: row.read_only, expiresAt })
}
