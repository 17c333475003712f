// Why a plan under row-level security costs more than it would have to: indexes it cannot use, and tables it reads from
// end to end. Pure.
import { quoteIdentifier } from '../../kernel/identifiers.ts'
import type { IndexKey, RelationFacts } from './catalogue.ts'
import { nodesOf, type PlanNode } from './plan.ts'

/** Something in the plan that can be made cheaper. */
export interface ExplainFinding {
  /** `index-disabled`: a condition that an index could take waits for the policy. `no-tenant-index`: the table is read whole. */
  readonly kind: 'index-disabled' | 'no-tenant-index'
  /** Schema and table, quoted where needed. */
  readonly table: string
  /** The index that cannot be used. */
  readonly index?: string
  /** The operator or function that is not LEAKPROOF. */
  readonly because?: string
  /** Whether the plan without the policy uses that index. */
  readonly usedWithoutPolicy?: boolean
  /** How to write the condition, or which index to make. */
  readonly fix: string
}

export function findingsOf(
  plan: PlanNode,
  relations: readonly RelationFacts[],
  usedWithoutPolicy: ReadonlySet<string>,
): readonly ExplainFinding[] {
  const findings = nodesOf(plan).flatMap((node) => {
    const facts = relations.find(({ schema, name }) => schema === node.Schema && name === node['Relation Name'])
    if (!facts?.hasPolicy) return []
    return [...disabledIndexes(node, facts, usedWithoutPolicy), ...wholeTable(node, facts)]
  })
  const keyOf = ({ kind, table, index, because }: ExplainFinding) => [kind, table, index, because].join('\0')
  return [...new Map(findings.map((finding) => [keyOf(finding), finding])).values()]
}

function disabledIndexes(
  node: PlanNode,
  facts: RelationFacts,
  usedWithoutPolicy: ReadonlySet<string>,
): readonly ExplainFinding[] {
  const filter = bare(node.Filter ?? '', node.Alias ?? facts.name)
  return facts.indexes.flatMap(({ name, keys }) =>
    keys.flatMap((key) => {
      const leak = leakIn(filter, key)
      if (leak === undefined) return []
      const because = leak.symbol
      return [
        {
          ...{ kind: 'index-disabled' as const, table: tableOf(facts), index: name, because },
          ...{ usedWithoutPolicy: usedWithoutPolicy.has(name), fix: rewriteOf(facts, key, leak) },
        },
      ]
    }),
  )
}

interface Leak {
  /** The operator, or the function. */
  readonly symbol: string
  readonly kind: 'prefix' | 'operator' | 'function'
}

/** What keeps a condition on this key from the index, where the filter has one. */
function leakIn(filter: string, key: IndexKey): Leak | undefined {
  const text = bare(key.text, '')
  const met = key.operators.filter(({ symbol, prefixOnly }) => {
    const at = filter.indexOf(`(${text} ${symbol} `)
    return at >= 0 && (!prefixOnly || !/^'[%_]/.test(filter.slice(at + text.length + symbol.length + 3)))
  })
  const leaky = met.find(({ leakproof }) => !leakproof)
  if (leaky) return { symbol: leaky.symbol, kind: leaky.prefixOnly ? 'prefix' : 'operator' }
  const symbol = met.length > 0 ? key.leakyFunctions[0] : undefined
  return symbol === undefined ? undefined : { symbol, kind: 'function' }
}

/** The condition without casts and the table's name, which EXPLAIN adds and an index's definition has not. */
function bare(condition: string, alias: string): string {
  const prefix = new RegExp(`(?<![\\w"])(${escaped(quoteIdentifier(alias))}|${escaped(alias)})\\.`, 'g')
  return (alias === '' ? condition : condition.replace(prefix, ''))
    .replace(/\(("[^"]+"|\w+)\)::(character varying|\w+)/g, '$1')
    .replace(/::(character varying|\w+)/g, '')
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

function rewriteOf(facts: RelationFacts, key: IndexKey, { kind }: Leak): string {
  const table = tableOf(facts)
  if (kind === 'prefix') {
    return `For a prefix write ${key.text} ^@ 'prefix' instead of LIKE 'prefix%': it is LEAKPROOF, and the same index serves it.`
  }
  if (kind === 'function') {
    return `Store the value: ALTER TABLE ${table} ADD COLUMN … GENERATED ALWAYS AS (${key.text}) STORED, index (tenant_id, that column), and compare the column.`
  }
  return `Nothing that is not LEAKPROOF may run before the policy: keep the tenant's share small with an index that begins with tenant_id, or move the table to schema isolation with a role guard. A superuser may declare the operator's function LEAKPROOF, who then answers for it.`
}

function wholeTable(node: PlanNode, facts: RelationFacts): readonly ExplainFinding[] {
  if (node['Node Type'] !== 'Seq Scan' || !facts.isShared) return []
  if (facts.indexes.some(({ keys }) => keys[0]?.text === 'tenant_id')) return []
  const table = tableOf(facts)
  return [{ kind: 'no-tenant-index', table, fix: `CREATE INDEX CONCURRENTLY ON ${table} (tenant_id);` }]
}

const tableOf = ({ schema, name }: RelationFacts) => `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
