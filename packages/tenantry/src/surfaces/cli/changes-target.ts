// Changes of columns as commands reach them: over HTTP, where the work goes on in the server, or in this process.
import type {
  BackfillOptions,
  BackfillProgress,
  ChangeOptions,
  Changes,
  ChangeStatus,
  ColumnChange,
} from '../../features/changes/change.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { Page } from '../../tenants/tenant.ts'
import { answerLines, cutOff, type OpenLines } from './answer-lines.ts'
import type { Api } from './http-target.ts'

export type ChangeStep = 'validate' | 'switch' | 'contract'
type StepOptions = Omit<ChangeOptions, 'actor'>

/** The operations on changes that every target has. */
export interface TargetChanges {
  list(): Promise<Page<ChangeStatus>>
  status(name: string): Promise<ChangeStatus>
  expand(change: ColumnChange, options: StepOptions): Promise<ChangeStatus>
  /** Resolves when all is filled, or what could be, also where `signal` stopped it. */
  backfill(change: string | ColumnChange, options: Omit<BackfillOptions, 'actor'>): Promise<ChangeStatus>
  step(verb: ChangeStep, name: string, options: StepOptions): Promise<ChangeStatus>
}

/** In the database itself. */
export function changesActingAs(actor: string, changes: Changes): TargetChanges {
  return {
    list: async () => {
      const items = await changes.list()
      return { items, nextCursor: null, total: items.length }
    },
    status: (name) => changes.status(name),
    expand: (change, options) => changes.expand(change, { ...options, actor }),
    backfill: (change, options) => changes.backfill(change, { ...options, actor }),
    step: (verb, name, options) => changes[verb](name, { ...options, actor }),
  }
}

/** Over HTTP. */
export function changesOver(api: Api, open: OpenLines): TargetChanges {
  const post = (path: string, body: object): Promise<ChangeStatus> => api(path, { method: 'POST', body })
  return {
    list: () => api('api/changes'),
    status: (name) => api(one(name)),
    expand: (change, options) => post('api/changes', { change, ...options }),
    backfill: (change, options) => backfillOver(api, open, { change, options }),
    step: (verb, name, options) => post(`${one(name)}/${verb}`, options),
  }
}

/** A path that leads nowhere else: "." and ".." are no names. */
function one(name: string): string {
  if (name !== '.' && name !== '..') return `api/changes/${encodeURIComponent(name)}`
  throw new TenantryError('INVALID_INPUT', 'There is no change of that name.', { field: 'name' })
}

type Line = { readonly progress: BackfillProgress } | { readonly done: true; readonly status: ChangeStatus }

interface Asked {
  readonly change: string | ColumnChange
  readonly options: Omit<BackfillOptions, 'actor'>
}

async function backfillOver(api: Api, open: OpenLines, { change, options }: Asked): Promise<ChangeStatus> {
  const { signal, onProgress, ...pace } = options
  const [path, body] =
    typeof change === 'string' ? [`${one(change)}/backfill`, pace] : ['api/changes/backfill', { change, ...pace }]
  try {
    for await (const line of answerLines<Line>(await open(path, body, signal), signal)) {
      if ('progress' in line) onProgress?.(line.progress)
      else return line.status
    }
  } catch (error) {
    if (signal?.aborted !== true) throw error
    // The server stops when nobody listens any more; what is filled stays so.
    return api(one(typeof change === 'string' ? change : change.name))
  }
  throw cutOff()
}
