// explain: what a tenant's statement costs under the real policy, and why.
import type { ExplainResult } from '../../../features/explain/explain.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import type { CommandRun, CommandSpec } from '../command.ts'
import { planLines } from '../plan-lines.ts'
import { requireAdminUrl } from '../target.ts'
import { plain } from '../text.ts'
import { sqlWords } from './sql.ts'

export const explainCommand: CommandSpec = {
  name: 'explain',
  group: 'Data:',
  summary: 'Show the plan of one statement as the tenant gets it, and what row-level security costs in it.',
  notes: [
    'The plan under the policy stands beside the one with the tenant as a plain filter. Indexes that the policy keeps',
    'from being used are named, with the rewrite. Everything is read-only and rolled back.',
  ],
  arguments: [
    ['[tenant]', 'slug or id; TENANTRY_TENANT where it is left out'],
    ['[statement]', 'SQL, in quotes'],
  ],
  options: [
    { flags: '--analyze', description: 'run the statement and measure; not for statements that write' },
    { flags: '--params <json>', description: 'values for $1, $2 …; without them the plan is the generic one' },
  ],
  examples: [
    { line: 'explain acme "select * from invoices"', explains: 'estimates' },
    { line: 'explain acme --analyze "select count(*) from invoices"', explains: 'times as well' },
    { line: `explain acme "select * from invoices where id = $1" --params '[7]'`, explains: 'with a value' },
  ],
  exits: {
    1: 'the statement has an error',
    3: 'no such tenant',
    4: 'the tenant cannot be entered, or the statement is refused',
    5: 'the database cannot be reached',
  },
  environment: [
    ['DATABASE_ADMIN_URL', 'database of the instance'],
    ['TENANTRY_TENANT', 'tenant to enter where none is named'],
  ],
  async run(run) {
    const adminUrl = requireAdminUrl(run.target, 'explain')
    const { ref, statement } = sqlWords(run)
    if (statement === undefined) {
      throw new TenantryError('USAGE', 'No statement is given.', { fix: 'Give it after the tenant, in quotes.' })
    }
    const params = paramsOf(run.input.text('params'))
    const options = { analyze: run.input.flag('analyze'), ...(params && { params }) }
    const tenantry = await run.composition.createTenantry({ adminUrl })
    try {
      const result = await tenantry.explain(ref, statement, options)
      if (run.json) run.output.json(result)
      else print(run, result)
      return undefined
    } finally {
      await tenantry.close()
    }
  },
}

function paramsOf(text: string | undefined): readonly unknown[] | undefined {
  if (text === undefined) return undefined
  const fix = `Give --params one JSON array in single quotes, like '[7, "open"]'.`
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    // The parser's own message quotes the value, so it is not kept as a cause.
    throw new TenantryError('INVALID_JSON', '--params is not valid JSON.', { field: 'params', fix })
  }
  if (Array.isArray(parsed)) return parsed as readonly unknown[]
  throw new TenantryError('INVALID_JSON', '--params is not a JSON array.', { field: 'params', fix })
}

function print({ output }: CommandRun, result: ExplainResult): void {
  const { tenant, underPolicy, withoutPolicy, verifications, findings } = result
  const open = result.generic ? ', parameters open' : ''
  output.line(output.style('bold', `As ${plain(tenant.slug)}, under the policy (${tenant.isolation}${open})`))
  for (const line of planLines(underPolicy.plan)) output.line(line)
  output.line()
  output.line(output.style('bold', 'Without the policy, the tenant as a plain filter'))
  if (withoutPolicy) for (const line of planLines(withoutPolicy.plan)) output.line(line)
  else output.line(`  not comparable: ${plain(result.notComparable ?? '')}`)
  output.line()
  for (const line of totals(result)) output.line(line)
  output.line(`Tenant verified ${verifications === 1 ? 'once' : `${verifications} times`} in the statement.`)
  for (const finding of findings) {
    output.line()
    const what =
      finding.index === undefined
        ? 'read whole, no index begins with tenant_id'
        : `index ${plain(finding.index)} is not used: ${plain(finding.because ?? '')} is not LEAKPROOF`
    output.line(output.style('yellow', `! ${plain(finding.table)}: ${what}`))
    output.line(`    ${plain(finding.fix)}`)
  }
}

function totals({ underPolicy, withoutPolicy }: ExplainResult): readonly string[] {
  const compare = (unit: string, under: number, without: number | undefined) => {
    if (without === undefined) return `${unit}: ${under}`
    const difference = under - without
    return `${unit}: ${under} under the policy, ${without} without (${difference < 0 ? '' : '+'}${difference.toFixed(2)})`
  }
  const lines = [compare('Cost', underPolicy.totalCost, withoutPolicy?.totalCost)]
  if (underPolicy.executionMs === undefined) return lines
  return [...lines, compare('Milliseconds', underPolicy.executionMs, withoutPolicy?.executionMs)]
}
