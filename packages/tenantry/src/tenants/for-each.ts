// Work over many tenants: the registry decides who they are, never the catalogue, and the failure of one does not stop
// the others.
import type { Sql } from '../engine/sql/database.ts'
import { TenantryError } from '../kernel/errors.ts'
import { admit, type CachedTenant } from './admission.ts'
import { type TenantRow, tenantColumns, toTenant } from './record.ts'
import type { Isolation, Tenant } from './tenant.ts'

export interface TenantFilter {
  readonly plan?: string
  readonly isolation?: Isolation
}

export interface ForEachOptions {
  readonly database: Sql
  readonly filter?: TenantFilter
  /** Asked just before each run, so that a tenant suspended since it was listed is refused. */
  readonly lookup: (tenantId: string) => Promise<CachedTenant>
  readonly run: (tenant: Tenant) => Promise<void>
  /** How many run at a time. Default: 4. */
  readonly concurrency?: number
  /** Takes up no further tenant once it is aborted; those under way are waited for. */
  readonly signal?: AbortSignal
}

export interface ForEachResult {
  /** Ids of the tenants whose run ended well. */
  readonly succeeded: readonly string[]
  readonly failed: readonly ForEachFailure[]
}

export interface ForEachFailure {
  readonly tenantId: string
  readonly error: unknown
}

const PAGE = 500

const selectPage = `
select ${tenantColumns} from tenantry.tenant
 where status = 'active' and provisioned_at is not null and ($1::uuid is null or id > $1)
   and ($2::text is null or plan = $2) and ($3::text is null or isolation = $3)
 order by id limit ${PAGE}`

/**
 * Runs a function for every active, provisioned tenant and reports how each run ended.
 * Throws INVALID_INPUT for a concurrency that is none, and what the database throws while the tenants are listed.
 */
export async function forEachTenant(options: ForEachOptions): Promise<ForEachResult> {
  const { concurrency = 4 } = options
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new TenantryError('INVALID_INPUT', '"concurrency" must be a whole number from 1.', { field: 'concurrency' })
  }
  const succeeded: string[] = []
  const failed: ForEachFailure[] = []
  const tenants = listReady(options.database, options.filter)
  const work = async () => {
    // The workers share one generator: each takes the next tenant when it has ended its last one.
    for (let next = await tenants.next(); next.done !== true; next = await tenants.next()) {
      if (options.signal?.aborted) return
      const tenant = next.value
      try {
        admit(await options.lookup(tenant.id))
        await options.run(tenant)
        succeeded.push(tenant.id)
      } catch (error) {
        failed.push({ tenantId: tenant.id, error })
      }
    }
  }
  const workers = await Promise.allSettled(Array.from({ length: concurrency }, work))
  for (const worker of workers) if (worker.status === 'rejected') throw worker.reason
  return { succeeded, failed }
}

async function* listReady(database: Sql, { plan, isolation }: TenantFilter = {}): AsyncGenerator<Tenant, undefined> {
  for (let after: string | null = null; ; ) {
    const { rows }: { rows: TenantRow[] } = await database.query<TenantRow>(selectPage, [after, plan, isolation])
    yield* rows.map(toTenant)
    const last = rows.at(-1)
    if (rows.length < PAGE || last === undefined) return
    after = last.id
  }
}
