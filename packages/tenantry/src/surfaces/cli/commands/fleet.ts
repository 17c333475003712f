// fleet: one read-only statement in every active tenant, as a line of JSON a row.
import { type Actions, actionOf, wordOf } from '../actions.ts'
import type { CommandRun, CommandSpec } from '../command.ts'
import type { TargetFleet } from '../fleet-target.ts'
import { withTarget } from '../open-target.ts'
import { filterOf } from './migrate-options.ts'

const actions: Actions<TargetFleet> = {
  query: { words: ['statement'], options: ['reason', 'filter', 'sum', 'order', 'limit'], act: query },
}

export const fleetCommand: CommandSpec = {
  name: 'fleet',
  group: 'Data:',
  summary: 'Read from all active tenants at once, each under its own policies.',
  notes: ['Each row is printed as a line of JSON with the tenant in it. The reason goes into the audit log first.'],
  arguments: [
    ['<action>', 'query'],
    ['[statement]', 'one statement that only reads'],
  ],
  options: [
    { flags: '--reason <text>', description: 'why; it is written to the audit log' },
    { flags: '--filter <what...>', description: 'only tenants of plan=<plan> or isolation=<row or schema>' },
    { flags: '--sum <column...>', description: 'add these columns up over rows that are equal in all others' },
    { flags: '--order <column...>', description: 'sort by these columns; --order=-total is descending' },
    { flags: '--limit <n>', description: 'so many rows' },
  ],
  examples: [
    { line: "fleet query 'select total from invoices' --reason audit --sum total", explains: 'one sum over all' },
    {
      line: "fleet query 'select count(*) as open from invoices' --reason 'weekly report'",
      explains: 'a row a tenant',
    },
  ],
  exits: { 1: 'a tenant did not answer; the rows of the others are true', 5: 'no target' },
  async run(run) {
    const action = actionOf(run, 'fleet', actions)
    await withTarget(run, ({ fleet }) => action.act(run, fleet))
    return undefined
  },
}

async function query(run: CommandRun, fleet: TargetFleet): Promise<void> {
  const { input, output } = run
  const [sum, order] = [input.texts('sum'), input.texts('order')]
  const limit = input.integer('limit', { least: 0, most: Number.MAX_SAFE_INTEGER })
  const rows = fleet.query(input.text('reason') ?? '', wordOf(run, 1, 'statement'), {
    filter: Object.assign({}, ...input.texts('filter').map(filterOf)) as object,
    merge: {
      ...(sum.length > 0 && { sum }),
      ...(order.length > 0 && { order }),
      ...(limit !== undefined && { limit }),
    },
  })
  for await (const row of rows) output.line(JSON.stringify(row))
  output.note(`${rows.tenants.answered} tenants answered.`)
}
