// Runs of migrations as HTTP sees them: begun by one request, watched and stopped by others. A run of this process tells
// of itself; one of another process is read from its row, by one poll for all who watch.
import type {
  FleetMigrations,
  MigrateOptions,
  MigrationProgress,
  MigrationRun,
} from '../../features/migrations/fleet.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import { progressOf } from './migration-progress.ts'

export type RunEvent =
  | { readonly type: 'progress'; readonly runId: string; readonly data: MigrationProgress }
  | { readonly type: 'end'; readonly runId: string; readonly data: MigrationRun }
  /** The server stops; nothing more comes. */
  | { readonly type: 'close' }

export interface MigrationRunsOptions {
  readonly migrations: Pick<FleetMigrations, 'up' | 'retry' | 'runs' | 'stop'>
  readonly logger: Logger
  readonly isDraining: () => boolean
}

const POLL_MS = 1_000

interface OwnRun {
  readonly controller: AbortController
  readonly ended: Promise<MigrationRun>
  readonly progress: MigrationProgress
}

export interface BegunRun {
  /** As it was when it began, or ended at once. */
  readonly run: MigrationRun
  readonly isRunning: boolean
}

export class MigrationRuns {
  readonly #options: MigrationRunsOptions
  readonly #own = new Map<string, OwnRun>()
  readonly #listeners = new Set<(event: RunEvent) => void>()
  #timer: NodeJS.Timeout | undefined
  /** The newest run that is not this process's, as it was last seen. */
  #seen: { readonly run: MigrationRun; readonly at: number } | undefined
  #isPollFailing = false

  constructor(options: MigrationRunsOptions) {
    this.#options = options
  }

  /** Begins a run and answers as soon as it is under way; it goes on whoever goes away. Throws what it fails with at once. */
  async begin(verb: 'up' | 'retry', options: MigrateOptions): Promise<BegunRun> {
    const { ended, begun } = this.#start(verb, options)
    const first = await Promise.race([begun, ended])
    if (!('rate' in first)) return { run: first, isRunning: false }
    const run = await this.find(first.runId)
    if (run.state !== 'running') return { run, isRunning: false }
    // Its row is behind by up to a heartbeat.
    const { total, done, failed, wave } = first
    return { run: { ...run, total, done, failed, wave }, isRunning: true }
  }

  /** Begins a run and answers when it has ended. */
  async finish(verb: 'up' | 'retry', options: MigrateOptions): Promise<MigrationRun> {
    return this.#start(verb, options).ended
  }

  #start(verb: 'up' | 'retry', options: MigrateOptions) {
    const controller = new AbortController()
    let runId: string | undefined
    let hear: (progress: MigrationProgress) => void = () => {}
    const begun = new Promise<MigrationProgress>((resolve) => {
      hear = resolve
    })
    const onProgress = (progress: MigrationProgress): void => {
      runId = progress.runId
      this.#own.set(runId, { controller, ended, progress })
      hear(progress)
      if (this.#options.isDraining()) controller.abort()
      this.#tell({ type: 'progress', runId, data: progress })
    }
    const ended = this.#options.migrations[verb]({ ...options, signal: controller.signal, onProgress })
      .then((run) => {
        // Where there was nothing to do, no run was written down.
        if (runId !== undefined) this.#tellEnd(run)
        return run
      })
      .finally(() => {
        if (runId !== undefined) this.#own.delete(runId)
      })
    ended.catch((error: unknown) => {
      // Before it was under way, whoever began it is told.
      if (runId !== undefined) this.#options.logger.error('a run of migrations failed', { runId, ...told(error) })
    })
    return { ended, begun }
  }

  /** Newest first. */
  all(): Promise<readonly MigrationRun[]> {
    return this.#options.migrations.runs()
  }

  /** Throws MIGRATION_RUN_NOT_FOUND. */
  async find(runId: string): Promise<MigrationRun> {
    const run = (await this.all()).find((each) => each.runId === runId)
    if (run !== undefined) return run
    throw new TenantryError('MIGRATION_RUN_NOT_FOUND', 'There is no such run of migrations.')
  }

  /**
   * Stops a run after the transactions under way; repeatable. Of this process's own it answers the end, of another's how it
   * was when it was told. Throws MIGRATION_RUN_NOT_FOUND.
   */
  async stop(runId: string, actor: string): Promise<MigrationRun> {
    const own = this.#own.get(runId)
    const run = await this.#options.migrations.stop(runId, { actor })
    if (own === undefined) return run
    // It need not look for what it was told.
    own.controller.abort()
    return own.ended
  }

  /** Hears of all runs from now on, until the returned function is called. */
  watch(listener: (event: RunEvent) => void): () => void {
    this.#listeners.add(listener)
    for (const { progress } of this.#own.values()) {
      listener({ type: 'progress', runId: progress.runId, data: progress })
    }
    if (this.#seen !== undefined) this.#tellSeen(this.#seen.run, listener)
    if (this.#timer === undefined) this.#poll(0)
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      clearTimeout(this.#timer)
      this.#timer = undefined
      this.#seen = undefined
    }
  }

  #tellEnd(run: MigrationRun): void {
    // The poll does not tell of it again.
    if (this.#listeners.size > 0) this.#seen = { run, at: performance.now() }
    this.#tell({ type: 'end', runId: run.runId, data: run })
  }

  #tell(event: RunEvent): void {
    for (const listener of [...this.#listeners]) listener(event)
  }

  #tellSeen(run: MigrationRun, listener: (event: RunEvent) => void): void {
    if (run.state === 'running' && !this.#own.has(run.runId)) {
      listener({ type: 'progress', runId: run.runId, data: progressOf(run, undefined) })
    }
  }

  #poll(afterMs: number): void {
    // Kept while a poll is under way, too: who begins to watch then starts no second one.
    const timer = setTimeout(() => {
      void this.#look()
        .catch((error: unknown) => this.#warn(error))
        .finally(() => {
          if (this.#timer === timer) this.#poll(POLL_MS)
        })
    }, afterMs)
    timer.unref()
    this.#timer = timer
  }

  async #look(): Promise<void> {
    if (this.#options.isDraining()) return this.#tell({ type: 'close' })
    const [run] = await this.all()
    this.#isPollFailing = false
    if (this.#listeners.size === 0) return
    const before = this.#seen
    if (run === undefined || this.#own.has(run.runId)) return
    const at = performance.now()
    this.#seen = { run, at }
    const last = before?.run.runId === run.runId ? before : undefined
    if (run.state === 'running') {
      this.#tell({ type: 'progress', runId: run.runId, data: progressOf(run, last && { ...last, now: at }) })
    } else if (last?.run.state === 'running' || (before !== undefined && last === undefined)) {
      this.#tell({ type: 'end', runId: run.runId, data: run })
    }
  }

  #warn(error: unknown): void {
    if (!this.#isPollFailing) this.#options.logger.warn('runs of migrations cannot be read', told(error))
    this.#isPollFailing = true
  }
}

const told = (error: unknown): { readonly reason: string } => ({
  reason: error instanceof TenantryError ? error.code : error instanceof Error ? error.name : 'unknown',
})
