// Fleet reads of a target: the library's own rows, or the lines that a server answers with.
import type { Fleet, FleetQueryOptions, FleetRow, FleetRows } from '../../features/fleet/fleet.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { TenantFilter } from '../../tenants/for-each.ts'
import type { PageQuery } from '../http/list-page.ts'
import { type StatisticsPage, statisticsPage } from '../http/statistics-page.ts'
import { answerLines, errorFrom, type OpenLines } from './answer-lines.ts'
import type { Api } from './http-target.ts'
import { queryText } from './query-text.ts'

export interface StatisticsQuery extends PageQuery {
  readonly filter: TenantFilter
}

/** The reads that every target has. */
export interface TargetFleet extends Pick<Fleet, 'query'> {
  statistics(query: StatisticsQuery): Promise<StatisticsPage>
  refreshStatistics(): Promise<{ readonly tenants: number }>
}

/** The reads, on record under this actor. */
export function fleetActingAs(actor: string, fleet: Fleet): TargetFleet {
  return {
    query: (reason, sql, options) => fleet.query(reason, sql, { ...options, actor }),
    statistics: async ({ filter, ...query }) => statisticsPage(await fleet.statistics({ filter }), query),
    refreshStatistics: async () => ({ tenants: await fleet.refreshStatistics() }),
  }
}

export function fleetOver(api: Api, open: OpenLines): TargetFleet {
  return {
    query: (reason, sql, options = {}) => new RemoteRows(open, { reason, sql, options }),
    statistics: ({ filter, ...query }) => api(`api/stats/tenants${queryText({ ...filter, ...query })}`),
    refreshStatistics: () => api('api/stats/refresh', { method: 'POST', body: {} }),
  }
}

interface Question {
  readonly reason: string
  readonly sql: string
  readonly options: FleetQueryOptions
}

type Line =
  | { readonly row: FleetRow }
  | { readonly done: true; readonly answered: number; readonly failed: readonly Failed[] }

interface Failed {
  readonly tenantId: string
  readonly code: string
  readonly detail: string
}

class RemoteRows implements FleetRows {
  tenants: FleetRows['tenants'] = { answered: 0, failed: [] }
  readonly #open: OpenLines
  readonly #question: Question

  constructor(open: OpenLines, question: Question) {
    this.#open = open
    this.#question = question
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FleetRow, undefined> {
    const { reason, sql, options } = this.#question
    const { values, filter, merge, concurrency, signal } = options
    const body = { ...(reason !== '' && { reason }), sql, values, filter, merge, concurrency }
    const stream = await this.#open('api/fleet/query', body, signal)
    for await (const line of answerLines<Line>(stream, signal)) {
      if ('row' in line) {
        yield line.row
        continue
      }
      this.tenants = { answered: line.answered, failed: line.failed.map(failureFrom) }
      if (line.failed.length > 0) throw incomplete(line)
    }
  }
}

const failureFrom = ({ tenantId, code, detail }: Failed) => ({ tenantId, error: errorFrom(code, detail) })

function incomplete({ answered, failed }: { readonly answered: number; readonly failed: readonly Failed[] }) {
  const all = answered + failed.length
  return new TenantryError(
    'FLEET_INCOMPLETE',
    `${failed.length} of ${all} tenants did not answer: the rows are not all.`,
  )
}
