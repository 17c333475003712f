// Reads keys by their hashes: everything that is asked for in one turn, or while a query is under way, is one query,
// and there is one at a time. However many different texts are presented, that is all that reaches the database.
import type { Sql } from '../../engine/sql/database.ts'
import type { KeyPrincipal } from '../../tenants/access.ts'

export interface FoundKey {
  readonly principal: KeyPrincipal
  readonly tenantId: string | null
  /** Whether it is neither revoked nor expired, and its tenant, where it has one, active. */
  readonly works: boolean
  /** By the database's clock; null where it has no end. */
  readonly remainingMs: number | null
}

interface FoundRow {
  readonly hash: string
  readonly id: string
  readonly kind: 'service' | 'tenant'
  readonly tenant_id: string | null
  readonly prefix: string
  readonly permissions: readonly string[]
  readonly works: boolean
  readonly remaining_ms: number | null
}

const SELECT = `
  select encode(k.hash, 'base64') as hash, k.id, k.kind, k.tenant_id, k.prefix, k.permissions,
         k.revoked_at is null and coalesce(k.expires_at > clock_timestamp(), true)
           and (k.kind = 'service' or t.status = 'active') as works,
         extract(epoch from k.expires_at - clock_timestamp())::float8 * 1000 as remaining_ms
    from tenantry.api_key k left join tenantry.tenant t on t.id = k.tenant_id
   where k.kind <> 'admin' and k.hash in (select decode(asked, 'base64') from unnest($1::text[]) asked)`

const MAX_BATCH = 1_000

interface Waiting {
  readonly promise: Promise<FoundKey | undefined>
  readonly resolve: (found: FoundKey | undefined) => void
  readonly reject: (error: unknown) => void
}

export class KeyLoader {
  readonly #sql: Sql
  #waiting = new Map<string, Waiting>()
  #isRunning = false

  constructor(sql: Sql) {
    this.#sql = sql
  }

  /** The key of a hash, in base64; undefined where there is none. */
  load(hash: string): Promise<FoundKey | undefined> {
    const waiting = this.#waiting.get(hash) ?? waitFor()
    this.#waiting.set(hash, waiting)
    if (!this.#isRunning) {
      this.#isRunning = true
      setImmediate(() => void this.#run())
    }
    return waiting.promise
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0) {
      const batch = new Map([...this.#waiting].slice(0, MAX_BATCH))
      // Whoever asks from now on gets the answer of a later query: this one may miss what is changed meanwhile.
      for (const hash of batch.keys()) this.#waiting.delete(hash)
      await this.#read(batch)
    }
    this.#isRunning = false
  }

  async #read(batch: ReadonlyMap<string, Waiting>): Promise<void> {
    try {
      const { rows } = await this.#sql.query<FoundRow>(SELECT, [[...batch.keys()]])
      const found = new Map(rows.map((row) => [row.hash, toFound(row)]))
      for (const [hash, { resolve }] of batch) resolve(found.get(hash))
    } catch (error) {
      for (const { reject } of batch.values()) reject(error)
    }
  }
}

function toFound(row: FoundRow): FoundKey {
  const { id, prefix, kind, tenant_id: tenantId } = row
  // Frozen: one object serves all requests.
  const permissions = Object.freeze([...row.permissions])
  const principal: KeyPrincipal = Object.freeze({ keyId: id, prefix, kind, tenantId, permissions })
  return { principal, tenantId, works: row.works, remainingMs: row.remaining_ms }
}

function waitFor(): Waiting {
  let resolve: Waiting['resolve'] = () => {}
  let reject: Waiting['reject'] = () => {}
  const promise = new Promise<FoundKey | undefined>((...settle) => {
    ;[resolve, reject] = settle
  })
  return { promise, resolve, reject }
}
