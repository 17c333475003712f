// One run over the fleet: canary, waves, batches on several connections, and what to do about each failure.
import { setTimeout as delay } from 'node:timers/promises'
import type { CentralDatabase } from '../../../engine/sql/database.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import type { MigrationProgress, MigrationRunState } from '../fleet.ts'
import { needsCommit } from '../migration-session.ts'
import { type Chosen, lockTenants, readPending, writeFailure } from './fleet-store.ts'
import type { Heartbeat } from './lease.ts'
import { type Cause, causeOf, kindOf, lockedCause } from './outcome.ts'
import { Progress } from './progress.ts'
import type { RunNumbers } from './run-options.ts'
import { holdRun, type RunTally } from './run-store.ts'
import type { TenantSchema } from './state-store.ts'
import type { TenantTarget } from './tenant-target.ts'

export interface FleetRunOptions {
  readonly database: CentralDatabase
  readonly runId: string
  readonly target: TenantTarget
  /** Of the reference: whoever is proven to be at it is done. */
  readonly chain: string
  readonly chosen: Chosen
  /** Ids, in their order. */
  readonly canary: readonly string[]
  readonly numbers: RunNumbers
  readonly batchSize: number
  readonly upToDate: number
  readonly signal: AbortSignal | undefined
  readonly onProgress: ((progress: MigrationProgress) => void) | undefined
  readonly heartbeat: Heartbeat
  /** How long the server may be away in the middle of a run. */
  readonly outageMs: number
}

export interface RunOutcome {
  readonly state: Exclude<MigrationRunState, 'running'>
  readonly reason: string | null
}

/** Ends the run; thrown inside of it only. */
class Stop extends Error {
  readonly outcome: RunOutcome
  constructor(state: RunOutcome['state'], reason: string, cause?: unknown) {
    super(reason, { cause })
    this.outcome = { state, reason }
  }
}

const COUNTED_FROM = 10
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000

export class FleetRun {
  readonly #options: FleetRunOptions
  readonly #progress: Progress
  readonly #done = new Set<string>()
  readonly #failed = new Set<string>()
  /** Deleted since they were listed. */
  readonly #gone = new Set<string>()
  /** How often a tenant's locks were found taken. */
  readonly #locked = new Map<string, number>()
  #batchSize: number
  /** Each file in a transaction of its own: one was seen to need what another did to be committed. */
  #isSeparate = false
  #total = 0
  #wave = 0
  #stop: Stop | undefined

  constructor(options: FleetRunOptions) {
    this.#options = options
    this.#batchSize = options.batchSize
    this.#progress = new Progress({ runId: options.runId, tally: () => this.tally, tell: options.onProgress })
  }

  get tally(): RunTally {
    const [total, wave, { upToDate }] = [this.#total, this.#wave, this.#options]
    return { total, upToDate, done: this.#done.size, failed: this.#failed.size, wave }
  }

  /** Runs to its end; every failure of a tenant is written down and not thrown. */
  async run(): Promise<RunOutcome> {
    try {
      await this.#rounds()
      return { state: this.#failed.size > 0 ? 'failed' : 'complete', reason: null }
    } catch (error) {
      if (error instanceof Stop) return error.outcome
      throw error
    } finally {
      this.#progress.close()
    }
  }

  /** Tells the end. */
  tellEnd(state: MigrationRunState): void {
    this.#progress.tell(state)
  }

  async #rounds(): Promise<void> {
    const { canary, numbers } = this.#options
    const first = await this.#pending()
    this.#progress.tell('running')
    await this.#runCanary(first.filter(({ id }) => canary.includes(id)).sort(by(({ id }) => canary.indexOf(id))))
    for (const [at, share] of numbers.waves.entries()) {
      if (at > 0 && numbers.pauseMs > 0) await this.#pauseBetweenWaves(numbers.pauseMs)
      this.#wave = at + 1
      await this.#runWave(share)
    }
    if ((await this.#pending()).length > 0) throw new Stop('stopped', 'Its last wave does not reach all tenants.')
  }

  async #runCanary(canary: readonly TenantSchema[]): Promise<void> {
    for (const tenant of canary) {
      await this.#runAll([tenant])
      if (this.#failed.size > 0) throw new Stop('failed', `The canary ${tenant.slug} failed.`)
    }
  }

  /** Brings the fleet to the share; the last wave goes on until nobody is left, those who came meanwhile included. */
  async #runWave(share: number): Promise<void> {
    for (;;) {
      const pending = await this.#pending()
      const quota = share === 1 ? pending.length : Math.ceil(share * this.#total) - this.#done.size - this.#failed.size
      if (pending.length === 0 || quota <= 0) return
      await this.#runAll(pending.slice(0, quota))
    }
  }

  /** Whom this run has yet to bring to an end: one query. */
  async #pending(): Promise<readonly TenantSchema[]> {
    const { database, chain, chosen } = this.#options
    const all = await this.#whileAway(() => readPending(database, chain, chosen))
    const pending = all.filter(({ id }) => !this.#failed.has(id))
    for (const { id } of pending) this.#done.delete(id)
    this.#total = this.#done.size + this.#failed.size + pending.length
    return pending
  }

  /** Each of them ends done, or failed; those whose locks are taken are tried again after the others. */
  async #runAll(tenants: readonly TenantSchema[]): Promise<void> {
    let left = tenants
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      await this.#runOnce(left)
      left = left.filter(({ id }) => this.#isLeft(id))
      if (left.length === 0) return
      await this.#pause(pauseMs)
    }
  }

  #isLeft(id: string): boolean {
    return !this.#done.has(id) && !this.#failed.has(id) && !this.#gone.has(id)
  }

  async #runOnce(tenants: readonly TenantSchema[]): Promise<void> {
    let at = 0
    const work = async () => {
      while (at < tenants.length) {
        this.#refuseStopped()
        const batch = tenants.slice(at, at + this.#batchSize)
        at += batch.length
        await this.#runBatch(batch).catch((error: unknown) => {
          throw this.#stopAll(error instanceof Stop ? error : new Stop('failed', 'The run itself failed.', error))
        })
      }
    }
    const workers = Math.min(this.#options.numbers.connections, tenants.length)
    const ends = await Promise.allSettled(Array.from({ length: workers }, work))
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }

  async #runBatch(batch: readonly TenantSchema[]): Promise<void> {
    const wasSeparate = this.#isSeparate
    try {
      await this.#whileAway(() => this.#apply(batch))
    } catch (error) {
      if (error instanceof Stop) throw error
      if (kindOf(error) === 'full') this.#batchSize = Math.max(1, Math.floor(batch.length / 2))
      if (needsCommit(error)) {
        this.#isSeparate = true
        this.#batchSize = 1
      }
      const [only] = batch
      if (batch.length === 1 && only !== undefined) {
        if (needsCommit(error) && !wasSeparate) return this.#runBatch(batch)
        return this.#takeFailure(only, error)
      }
      // One of them failed, and all were rolled back: each by itself shows which.
      for (const tenant of batch) {
        this.#refuseStopped()
        await this.#runBatch([tenant])
      }
    }
  }

  async #apply(batch: readonly TenantSchema[]): Promise<void> {
    const { database, runId, numbers, heartbeat, target } = this.#options
    const ids = batch.map(({ id }) => id)
    const { busy, isDone } = await database.transaction(async (tx) => {
      const [, held, { locked, busy }] = await Promise.all([
        tx.query(`set local lock_timeout = ${numbers.lockTimeoutMs}`),
        holdRun(tx, runId),
        lockTenants(tx, ids),
      ])
      heartbeat.hear(held)
      const isDone = await target.apply(tx, locked, { isSeparate: this.#isSeparate })
      const there = new Set([...locked.map(({ id }) => id), ...busy])
      for (const id of ids) if (!there.has(id)) this.#gone.add(id)
      return { busy, isDone }
    })
    if (!isDone) return this.#apply(batch)
    for (const { id } of batch) if (!busy.includes(id) && !this.#gone.has(id)) this.#count(id, this.#done)
    for (const tenant of batch) if (busy.includes(tenant.id)) await this.#takeLock(tenant)
  }

  async #takeFailure(tenant: TenantSchema, error: unknown): Promise<void> {
    if (kindOf(error) === 'locked') await this.#takeLock(tenant)
    else await this.#fail(tenant, causeOf(error))
  }

  async #takeLock(tenant: TenantSchema): Promise<void> {
    const attempts = (this.#locked.get(tenant.id) ?? 0) + 1
    this.#locked.set(tenant.id, attempts)
    if (attempts > this.#options.numbers.lockRetries) await this.#fail(tenant, lockedCause(attempts))
  }

  async #fail(tenant: TenantSchema, cause: Cause): Promise<void> {
    const { database, runId, numbers } = this.#options
    await this.#whileAway(() =>
      database.transaction(async (tx) => {
        await holdRun(tx, runId)
        await writeFailure(tx, runId, { tenantId: tenant.id, ...cause })
      }),
    )
    this.#count(tenant.id, this.#failed)
    const tried = this.#done.size + this.#failed.size
    if (tried < COUNTED_FROM || this.#failed.size / tried <= numbers.maxFailureRatio) return
    throw this.#stopAll(new Stop('failed', `Of ${tried} tenants ${this.#failed.size} failed.`))
  }

  #count(id: string, among: Set<string>): void {
    among.add(id)
    this.#progress.update()
  }

  /** Stops every connection after what it has under way. */
  #stopAll(stop: Stop): Stop {
    this.#stop ??= stop
    return this.#stop
  }

  #refuseStopped(): void {
    if (this.#stop !== undefined) throw this.#stop
    const { signal, heartbeat } = this.#options
    if (heartbeat.isLost) throw this.#stopAll(takenOver())
    if (signal?.aborted === true || heartbeat.isToStop) throw this.#stopAll(new Stop('stopped', 'It was told to stop.'))
  }

  async #pauseBetweenWaves(ms: number): Promise<void> {
    // Nothing else is told until it is over.
    this.#progress.tell('running')
    await this.#pause(ms)
  }

  async #pause(ms: number): Promise<void> {
    this.#refuseStopped()
    const { signal, heartbeat } = this.#options
    const signals = signal === undefined ? [heartbeat.ended] : [signal, heartbeat.ended]
    await delay(ms, undefined, { signal: AbortSignal.any(signals) }).catch(() => {})
    this.#refuseStopped()
  }

  /** Tries again while the server is away: what was being committed then is looked up, because it is in the state or not. */
  async #whileAway<T>(run: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + this.#options.outageMs
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        return await run()
      } catch (error) {
        const kind = kindOf(error)
        if (kind === 'lost') throw this.#stopAll(takenOver())
        if (kind !== 'away') throw error
        if (performance.now() > deadline) throw this.#stopAll(awayFor(error))
        await this.#pause(pauseMs)
      }
    }
  }
}

const takenOver = () => new Stop('interrupted', 'Another process took the run over.')

function awayFor(error: unknown): Stop {
  const why = error instanceof TenantryError ? error.message : 'The database is away.'
  return new Stop('failed', why)
}

const by =
  <T>(key: (item: T) => number) =>
  (a: T, b: T) =>
    key(a) - key(b)
