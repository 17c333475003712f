// What adoption is made from, and the context that its stages work in.
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import type { TenantsOptions } from '../../tenants/options.ts'
import type { Adoption } from './adoption-store.ts'
import type { ApplyOptions } from './adopt.ts'
import type { AdoptPlan, AdoptStage } from './plan.ts'
import { type PlanFacts, readPlanFacts, type Stage, type StageContext } from './stages/context.ts'
import { REPLICA_STATE, type ReplicaState, Rest } from './stages/rest.ts'
import { AdoptSession } from './stages/session.ts'

export interface AdoptParts {
  readonly tenants: TenantsOptions
  /** A database of one connection, for the session that applies a plan. */
  readonly open: () => CentralDatabase
  /** The fingerprint that a plan of this database has now. */
  readonly fingerprintOf: (sql: CentralDatabase, plan: AdoptPlan) => Promise<string>
  /** Stages that are made elsewhere. */
  readonly stages?: readonly Stage[]
}

const BATCH_SIZE = 5_000
const LOCK_TIMEOUT_MS = 2_000
const LOCK_WAIT_MS = 60_000
const OBSERVE_MS = 86_400_000

/** Runs with a session of its own, which is closed behind it. */
export async function withSession<T>(
  { open }: AdoptParts,
  { adoption, options }: { readonly adoption: Adoption; readonly options: ApplyOptions },
  run: (session: AdoptSession) => Promise<T>,
): Promise<T> {
  const database = open()
  const { lockTimeoutMs = LOCK_TIMEOUT_MS, lockWaitMs = LOCK_WAIT_MS, signal } = options
  try {
    return await run(new AdoptSession({ database, adoptionId: adoption.id, lockTimeoutMs, lockWaitMs, signal }))
  } finally {
    await database.close()
  }
}

/** The context of a stage, with the catalogue as it is now. */
export async function contextOf(
  { tenants }: AdoptParts,
  { adoption, options }: { readonly adoption: Adoption; readonly options: ApplyOptions },
  session: AdoptSession,
): Promise<StageContext> {
  const facts = await factsOf(session.sql, adoption, tenants.roles)
  return {
    ...facts,
    ...{ session, tenants, batchSize: options.batchSize ?? BATCH_SIZE, rest: restOf(options, session) },
    observeMs: options.observeMs ?? OBSERVE_MS,
    progress: (progress) => options.onProgress?.(progress),
  }
}

function restOf({ throttle = 0, maxLagMs, signal, onProgress }: ApplyOptions, session: AdoptSession): Rest {
  const read = async (): Promise<ReplicaState> => {
    const [state] = await session.read<ReplicaState>(REPLICA_STATE)
    return state ?? { isVisible: true, written: 0, replayed: null, lagMs: 0 }
  }
  const onWait = (stage: AdoptStage, lagMs: number) =>
    onProgress?.({ stage, subject: 'waiting for replicas, milliseconds behind', done: lagMs, total: null })
  return new Rest({ throttle, maxLagMs, signal, read, onWait })
}

/** The catalogue for a plan, the default tenant as far as it is reserved. */
export async function factsOf(
  sql: Sql,
  { id, plan }: Pick<Adoption, 'id' | 'plan'>,
  roles: PlanFacts['roles'],
): Promise<PlanFacts> {
  return readPlanFacts(sql, { plan, adoptionId: id, defaultTenant: await defaultTenant(sql, { id, plan }), roles })
}

const NIL = '00000000-0000-0000-0000-000000000000'

async function defaultTenant(sql: Sql, { id, plan }: Pick<Adoption, 'id' | 'plan'>): Promise<string | null> {
  if (plan.root.kind !== 'default') return null
  const { rows } = await sql.query<{ id: string }>(
    'select tenant_id as id from tenantry.adopt_tenant where adoption_id = $1 and root_key is null and slug = $2',
    [id, plan.root.slug],
  )
  return rows[0]?.id ?? NIL
}
