// Migrations over the fleet: where it stands, runs that go on in the server, and what was changed by hand.
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { FleetMigrations, FleetSelection, MigrateOptions } from '../../features/migrations/fleet.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { App, Env } from './app.ts'
import {
  DriftQuery,
  DriftReportSchema,
  FleetStatusSchema,
  MigrateQuery,
  MigrateSchema,
  MigrationEventsQuery,
  MigrationProgressSchema,
  MigrationRunPageSchema,
  MigrationRunSchema,
} from './contract/migrations.ts'
import { NothingSchema } from './contract.ts'
import { endpoint } from './endpoint.ts'
import { bodyOf, paramOf, queryOf } from './input.ts'
import { streamRuns } from './migration-events.ts'
import { MigrationRuns } from './migration-runs.ts'
import { bodyFailures, failures, json, mount, type Route, secured } from './route.ts'

const tag = 'Migrations'
const common = { tags: [tag], security: secured }

export interface MigrationsRoutesOptions {
  readonly migrations: FleetMigrations
  readonly logger: Logger
  readonly isDraining: () => boolean
}

export function migrationsRoutes(app: App, { migrations, logger, isDraining }: MigrationsRoutesOptions): void {
  const runs = new MigrationRuns({ migrations, logger, isDraining })
  mountReads(app, migrations)
  for (const verb of ['up', 'retry'] as const) mountStart(app, runs, verb)
  mountRuns(app, runs)
  mountEvents(app, runs)
}

function mountReads(app: App, migrations: FleetMigrations): void {
  const status = { id: 'getMigrations', tag, summary: 'Where the fleet stands', answer: FleetStatusSchema }
  endpoint(app, { on: 'GET /api/migrations', ...status }, () => migrations.status())
  const drift = {
    id: 'getMigrationDrift',
    tag,
    summary: 'Compare tenants with the reference',
    answer: DriftReportSchema,
  }
  endpoint(app, { on: 'GET /api/migrations/drift', ...drift, query: DriftQuery }, (c) =>
    migrations.drift(selectionOf(queryOf(c, DriftQuery))),
  )
}

function selectionOf({ tenants, ...filter }: z.output<typeof DriftQuery>): FleetSelection {
  const named = tenants?.split(',').map((ref) => ref.trim())
  return { filter, ...(named !== undefined && { tenants: named }) }
}

const summaries = {
  up: 'Bring shared tables and tenants to the newest migration',
  retry: 'Try the tenants again whose last attempt failed',
}

function mountStart(app: App, runs: MigrationRuns, verb: 'up' | 'retry'): void {
  const run = json(MigrationRunSchema)
  const route: Route = {
    ...common,
    method: 'post',
    path: `/api/migrations/${verb}`,
    operationId: verb === 'up' ? 'migrateUp' : 'retryMigrations',
    summary: summaries[verb],
    request: { query: MigrateQuery, body: { required: false, content: json(MigrateSchema) } },
    responses: {
      200: { description: 'The run, which is over: a dry run, nothing to do, or `wait=true`.', content: run },
      202: { description: 'The run, which goes on in the server.', content: run },
      ...failures(...bodyFailures, 404, 409),
    },
  }
  mount(app, route, async (c) => {
    const { wait = false } = queryOf(c, MigrateQuery)
    const options: MigrateOptions = { ...(await bodyOf(c, MigrateSchema, { optional: true })), actor: c.get('actor') }
    if (wait || options.dryRun === true) return c.json(await runs.finish(verb, options))
    const begun = await runs.begin(verb, options)
    return c.json(begun.run, begun.isRunning ? 202 : 200)
  })
}

function mountRuns(app: App, runs: MigrationRuns): void {
  const all = { id: 'listMigrationRuns', tag, summary: 'The runs there were, newest first' }
  endpoint(app, { on: 'GET /api/migrations/runs', ...all, answer: MigrationRunPageSchema }, async () => {
    const items = await runs.all()
    return { items, nextCursor: null, total: items.length }
  })
  const one = { id: 'getMigrationRun', tag, summary: 'One run, with the tenants that failed' }
  endpoint(app, { on: 'GET /api/migrations/runs/{id}', ...one, answer: MigrationRunSchema }, (c) => runs.find(idOf(c)))
  const stop = { id: 'stopMigrationRun', tag, summary: 'Stop a run after the transactions that are under way' }
  const body = { body: NothingSchema, isBodyOptional: true, answer: MigrationRunSchema }
  endpoint(app, { on: 'POST /api/migrations/runs/{id}/stop', ...stop, ...body }, async (c) => {
    await bodyOf(c, NothingSchema, { optional: true })
    return runs.stop(idOf(c), c.get('actor'))
  })
}

const idOf = (c: Context<Env>): string => paramOf(c, 'id')

function mountEvents(app: App, runs: MigrationRuns): void {
  const route: Route = {
    ...common,
    method: 'get',
    path: '/api/migrations/events',
    operationId: 'watchMigrations',
    summary: 'Runs as they go: events `progress` and `end`, of this server’s runs and of other processes’',
    request: { query: MigrationEventsQuery },
    responses: {
      200: {
        description: 'Server-sent events; data is a MigrationProgress or a MigrationRun.',
        content: { 'text/event-stream': { schema: z.union([MigrationProgressSchema, MigrationRunSchema]) } },
      },
      ...failures(400, 401, 404),
    },
  }
  mount(app, route, async (c) => {
    const { run } = queryOf(c, MigrationEventsQuery)
    // Asked before the stream begins: after that no status can say it.
    await (run === undefined ? runs.all() : runs.find(run))
    return streamRuns(c, runs, run)
  })
}
