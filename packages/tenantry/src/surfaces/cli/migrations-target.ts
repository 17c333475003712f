// Migrations of the fleet as commands reach them: over HTTP, where the run goes on in the server, or in this process.
import { setTimeout } from 'node:timers/promises'
import type {
  DriftReport,
  FleetMigrations,
  FleetSelection,
  FleetStatus,
  MigrateOptions,
  MigrationProgress,
  MigrationRun,
} from '../../features/migrations/fleet.ts'
import type { Page, TenantRef } from '../../tenants/tenant.ts'
import type { ServerEvent } from './event-stream.ts'
import type { Api } from './http-target.ts'

/** Before a stream that was cut off is opened again. */
const AGAIN_MS = 500

export type RunVerb = 'up' | 'retry'

/** The operations on migrations that every target has. */
export interface TargetMigrations {
  status(): Promise<FleetStatus>
  /** Resolves when the run has ended, also where `signal` stopped it. */
  run(verb: RunVerb, options: Omit<MigrateOptions, 'actor'>): Promise<MigrationRun>
  drift(selection: FleetSelection): Promise<DriftReport>
  /** Of whichever process it is. */
  stop(runId: string): Promise<MigrationRun>
  runs(): Promise<Page<MigrationRun>>
}

/** In the database itself. */
export function migrationsActingAs(actor: string, migrations: FleetMigrations): TargetMigrations {
  return {
    status: () => migrations.status(),
    run: (verb, options) => migrations[verb]({ ...options, actor }),
    drift: (selection) => migrations.drift(selection),
    stop: (runId) => migrations.stop(runId, { actor }),
    runs: async () => {
      const items = await migrations.runs()
      return { items, nextCursor: null, total: items.length }
    },
  }
}

/** What a target over HTTP needs: answers, and streams of events. */
export interface Connection {
  readonly api: Api
  readonly events: (path: string) => AsyncIterable<ServerEvent>
}

/** Over HTTP. */
export function migrationsOver(connection: Connection): TargetMigrations {
  const { api } = connection
  return {
    status: () => api('api/migrations'),
    runs: () => api('api/migrations/runs'),
    stop: (runId) => api(`${one(runId)}/stop`, { method: 'POST', body: {} }),
    drift: ({ tenants, filter = {} }) => {
      const query = new URLSearchParams({ ...filter, ...(tenants && { tenants: tenants.map(nameOf).join(',') }) })
      return api(`api/migrations/drift?${query.toString()}`)
    },
    run: async (verb, { signal, onProgress, ...body }) => {
      const run = await api<MigrationRun>(`api/migrations/${verb}`, { method: 'POST', body })
      if (run.state !== 'running') return run
      const forget = stopWith(api, run.runId, signal)
      try {
        return await watchToEnd(connection, run.runId, onProgress)
      } finally {
        forget()
      }
    },
  }
}

const nameOf = (ref: TenantRef): string => (typeof ref === 'string' ? ref : 'id' in ref ? ref.id : ref.slug)

/** Stops the run in the server when the signal comes. */
function stopWith(api: Api, runId: string, signal: AbortSignal | undefined): () => void {
  const stop = (): void => {
    // That it stopped, or could not be, shows where the run is watched.
    api(`${one(runId)}/stop`, { method: 'POST', body: {} }).catch(() => {})
  }
  if (signal?.aborted === true) stop()
  signal?.addEventListener('abort', stop, { once: true })
  return () => signal?.removeEventListener('abort', stop)
}

async function watchToEnd(
  { api, events }: Connection,
  runId: string,
  onProgress: ((progress: MigrationProgress) => void) | undefined,
): Promise<MigrationRun> {
  // A proxy may cut a stream at any time; the server, not the stream, says whether the run has ended.
  for (;;) {
    for await (const { event, data } of events(`api/migrations/events?run=${encodeURIComponent(runId)}`)) {
      if (event === 'progress') onProgress?.(JSON.parse(data) as MigrationProgress)
      if (event === 'end') return JSON.parse(data) as MigrationRun
    }
    const run = await api<MigrationRun>(one(runId))
    if (run.state !== 'running') return run
    await setTimeout(AGAIN_MS)
  }
}

const one = (runId: string): string => `api/migrations/runs/${encodeURIComponent(runId)}`
