// Columns that take another one's place, over HTTP: begun by whoever may send SQL, brought on by name.
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { BackfillOptions, ColumnChange } from '../../features/changes/change.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { App, Env } from './app.ts'
import { backfillLines } from './backfill-lines.ts'
import type { ControlPlane } from './control-plane.ts'
import {
  BackfillChangeSchema,
  BackfillLineSchema,
  BackfillSchema,
  ChangePageSchema,
  ChangeStatusSchema,
  ChangeStepSchema,
  ExpandSchema,
} from './contract/changes.ts'
import { endpoint } from './endpoint.ts'
import { bodyOf, paramOf } from './input.ts'
import { bodyFailures, failures, json, mount, type Route, secured } from './route.ts'

type Parts = Pick<ControlPlane, 'changes' | 'logger'>

const tag = 'Changes'

export function changesRoutes(app: App, { changes, logger }: Parts): void {
  const list = { id: 'listChanges', tag, summary: 'How far each change is, by name' }
  endpoint(app, { on: 'GET /api/changes', ...list, answer: ChangePageSchema }, async () => {
    const items = await changes.list()
    return { items, nextCursor: null, total: items.length }
  })
  const get = { id: 'getChange', tag, summary: 'How far a change is' }
  endpoint(app, { on: 'GET /api/changes/{change}', ...get, answer: ChangeStatusSchema }, (c) =>
    changes.status(paramOf(c, 'change')),
  )
  const expand = { id: 'expandColumn', tag, summary: 'Add the new column to a shared table, and keep both in step' }
  const added = { body: ExpandSchema, answer: ChangeStatusSchema }
  endpoint(app, { on: 'POST /api/changes', ...expand, ...added }, async (c) => {
    const { change, ...options } = await bodyOf(c, ExpandSchema)
    return changes.expand(change, { ...options, actor: c.get('actor') })
  })
  mountSteps(app, changes)
  mountBackfills(app, { changes, logger })
}

const steps = {
  validate: 'Prove NOT NULL and the foreign key of the new column, and bind them',
  switch: 'Prove that both columns say the same, and make the old one optional',
  contract: 'Drop the old column',
} as const

function mountSteps(app: App, changes: ControlPlane['changes']): void {
  for (const verb of ['validate', 'switch', 'contract'] as const) {
    const about = { id: `${verb}Column`, tag, summary: steps[verb] }
    const body = { body: ChangeStepSchema, isBodyOptional: true, answer: ChangeStatusSchema }
    endpoint(app, { on: `POST /api/changes/{change}/${verb}`, ...about, ...body }, async (c) => {
      const options = await bodyOf(c, ChangeStepSchema, { optional: true })
      return changes[verb](paramOf(c, 'change'), { ...options, actor: c.get('actor') })
    })
  }
}

const params = z.object({ change: z.string().meta({ description: 'Name.', example: 'total_in_cents' }) })
const lines = {
  200: {
    description: 'How far it is, as it goes; the last line says how it ended.',
    content: { 'application/x-ndjson': { schema: BackfillLineSchema } },
  },
}

function mountBackfills(app: App, parts: Parts): void {
  const common = { method: 'post' as const, tags: [tag], security: secured }
  const description =
    'One JSON object a line. It stops after the batch under way when the client goes away; what is filled stays so.'
  const responses = { ...lines, ...failures(...bodyFailures, 409) }
  const named: Route = {
    ...{ ...common, description, responses, path: '/api/changes/{change}/backfill', operationId: 'backfillColumn' },
    summary: 'Fill the new column of the rows that were there before',
    request: { params, body: { required: false, content: json(BackfillSchema) } },
  }
  mount(app, named, async (c) => {
    const options = await bodyOf(c, BackfillSchema, { optional: true })
    return backfill(c, parts, { change: paramOf(c, 'change'), options })
  })
  const defined: Route = {
    ...{ ...common, description, responses, path: '/api/changes/backfill', operationId: 'backfillChange' },
    summary: 'Fill the new column of tenant schemas, which a migration has expanded',
    request: { body: { required: true, content: json(BackfillChangeSchema) } },
  }
  mount(app, defined, async (c) => {
    const { change, ...options } = await bodyOf(c, BackfillChangeSchema)
    return backfill(c, parts, { change, options })
  })
}

interface Asked {
  readonly change: string | ColumnChange
  readonly options: BackfillOptions
}

async function backfill(c: Context<Env>, { changes, logger }: Parts, { change, options }: Asked): Promise<Response> {
  const actor = c.get('actor')
  const stream = await backfillLines(
    (watch) => changes.backfill(change, { ...options, ...watch, actor }),
    (error) => {
      const code = error instanceof TenantryError ? error.code : 'INTERNAL'
      logger.error('a backfill failed', { requestId: c.get('requestId'), code })
    },
  )
  return c.body(stream, 200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
}
