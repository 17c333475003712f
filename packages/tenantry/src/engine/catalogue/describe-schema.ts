// The objects of one schema with the statements that make them; read by tenantry.describe_schema of 0014_catalogue.sql.
import { TenantryError } from '../../kernel/errors.ts'
import type { Sql } from '../sql/database.ts'
import type { CatalogueKind, CatalogueObject, GuardedSchema, SchemaCatalogue } from './catalogue.ts'
import { fingerprintsOf } from './fingerprints.ts'

interface ObjectRow {
  readonly kind: CatalogueKind
  readonly name: string
  readonly node: string
  readonly needs: readonly string[]
  readonly is_part: boolean
  readonly details: Readonly<Record<string, unknown>> | null
  readonly statement: string | null
}

/**
 * What the schema consists of. Throws INVALID_INPUT where there is none of that name.
 *
 * @example
 * ```ts
 * const { objects } = await describeSchema(admin, { name: 'tenant_acme', tenantId: acme.id })
 * objects.filter(({ kind }) => kind === 'table').map(({ name }) => name)
 * ```
 */
export async function describeSchema(sql: Sql, schema: GuardedSchema): Promise<SchemaCatalogue> {
  const [fingerprints, { rows }] = await Promise.all([
    fingerprintsOf(sql, [schema]),
    sql.query<ObjectRow>(
      'select kind, name, node, needs, is_part, details, statement from tenantry.describe_schema($1, $2::uuid)',
      [schema.name, schema.tenantId],
    ),
  ])
  const fingerprint = fingerprints.get(schema.name)
  if (fingerprint === undefined) throw new TenantryError('INVALID_INPUT', `There is no schema ${schema.name}.`)
  return { objects: inOrder(rows).map(toObject), fingerprint, tenantId: schema.tenantId }
}

/** Each behind what it needs, and otherwise in the order that it came. A circle is cut where it was entered. */
function inOrder(rows: readonly ObjectRow[]): readonly ObjectRow[] {
  const byNode = new Map(rows.map((row) => [row.node, row]))
  const ordered = new Set<ObjectRow>()
  const entered = new Set<ObjectRow>()
  const visit = (row: ObjectRow): void => {
    if (entered.has(row)) return
    entered.add(row)
    for (const node of row.needs) {
      const needed = byNode.get(node)
      if (needed !== undefined) visit(needed)
    }
    ordered.add(row)
  }
  for (const row of rows) visit(row)
  return [...ordered]
}

function toObject({ kind, name, is_part: isPart, details, statement }: ObjectRow): CatalogueObject {
  const parts = details ?? {}
  return { kind, name, definition: definitionOf(parts), create: statement, details: parts, isPart }
}

// Some parts are there to write statements from, and say nothing that the others do not.
const UNSAID = new Set([
  'spec',
  'storage by default',
  'table',
  'column',
  'constraint',
  'trigger',
  'rule',
  'policy',
  'revoke',
  'usual',
])

function definitionOf(details: Readonly<Record<string, unknown>>): string {
  return Object.entries(details)
    .filter(([part, value]) => !UNSAID.has(part) && value !== false)
    .map(([part, value]) => (part === 'definition' ? textOf(value) : `${part} ${textOf(value)}`.replace(/ true$/, '')))
    .join(', ')
}

function textOf(value: unknown): string {
  return (typeof value === 'string' ? value : JSON.stringify(value)).replace(/\s+/g, ' ').trim()
}
