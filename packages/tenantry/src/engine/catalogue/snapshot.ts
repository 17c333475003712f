// A schema as one script that makes another one of the same shape, with the rows that migrations put into it.
import { TenantryError } from '../../kernel/errors.ts'
import { quoteIdentifier } from '../../kernel/identifiers.ts'
import type { Sql } from '../sql/database.ts'
import type { CatalogueObject, GuardedSchema, SchemaCatalogue } from './catalogue.ts'
import { describeSchema } from './describe-schema.ts'
import { inlineConstraints } from './inline-constraints.ts'

/**
 * The script, to be run in the new schema (`set local search_path = <schema>, pg_temp`) by a transaction. Guards are left
 * out with the grants that come with them: they name the tenant, and `tenantry.guard_schema` is to be called afterwards.
 * Throws MIGRATION_UNPROVEN naming what no statement could make again.
 *
 * @example
 * ```ts
 * const script = await snapshotOf(admin, { name: 'tenantry_reference', tenantId: NIL })
 * ```
 */
export async function snapshotOf(sql: Sql, schema: GuardedSchema): Promise<string> {
  const catalogue = await describeSchema(sql, schema)
  refuseUnmakeable(schema, catalogue)
  const { rows } = await sql.query<{ statement: string }>(
    'select statement from tenantry.schema_rows($1) as statement',
    [schema.name],
  )
  const isGuard = guardOf(catalogue)
  const wanted = catalogue.objects.filter((object) => !isGuard(object))
  const objects = inlineConstraints(wanted, { hasRows: rows.some(({ statement }) => /^insert /i.test(statement)) })
  // Rows before whatever looks at them or changes them: constraints, triggers, rules, row-level security.
  const last = objects.findLastIndex(({ kind }) => kind === 'table' || kind === 'column')
  const made = (some: readonly CatalogueObject[]) => some.flatMap(({ create }) => create ?? [])
  return [
    // Functions are made before the tables that they name.
    'set local check_function_bodies = off',
    ...made(objects.slice(0, last + 1)),
    ...rows.map(({ statement }) => statement),
    ...made(objects.slice(last + 1)),
    'set local check_function_bodies = on',
  ]
    .map((statement) => `${statement};\n`)
    .join('')
}

function refuseUnmakeable(schema: GuardedSchema, { objects }: SchemaCatalogue): void {
  const unmakeable = objects.filter(
    (object) =>
      !object.isPart && (object.create === null || (!isGuardPolicy(object) && object.create.includes('<tenant>'))),
  )
  if (unmakeable.length === 0) return
  const names = unmakeable.slice(0, 5).map(({ kind, name }) => `${kind} ${name}`)
  throw new TenantryError(
    'MIGRATION_UNPROVEN',
    `The schema ${schema.name} cannot be made from a snapshot: no statement makes ${names.join(', ')} again.`,
  )
}

const isGuardPolicy = ({ kind, name }: CatalogueObject): boolean =>
  kind === 'policy' && /\.tenantry_(guard|central)$/.test(name)

type IsGuard = (object: CatalogueObject) => boolean

/** What tenantry.guard_schema makes by itself. */
function guardOf({ objects }: SchemaCatalogue): IsGuard {
  const rolesOf = (policy: string) =>
    textOf(objects.find(({ kind, name }) => kind === 'policy' && name.endsWith(policy))?.details.to)
  const [app, central] = [rolesOf('.tenantry_guard'), rolesOf('.tenantry_central')]
  const owner = textOf(objects.find(({ kind }) => kind === 'schema')?.details.owner)
  const standard = new Map([
    ['table', { [app]: 'delete, insert, select, update', [central]: 'delete, insert, select, update' }],
    ['sequence', { [app]: 'select, usage' }],
    ['schema', { [app]: 'usage', [central]: 'usage' }],
  ])
  const isStandardGrant = ({ kind, name, details }: CatalogueObject): boolean => {
    const expected = kind === 'grant' ? standard.get(name.replace(/ .*/s, '')) : undefined
    if (expected === undefined) return false
    const given = Object.entries(details.to ?? {}).filter(
      ([grantee]) => grantee !== owner && grantee !== quoteIdentifier(owner),
    )
    return given.length === Object.keys(expected).length && given.every(([who, what]) => expected[who] === what)
  }
  return (object) =>
    isGuardPolicy(object) ||
    isStandardGrant(object) ||
    object.details.usual === true ||
    (object.kind === 'policy' && object.details.enabled === true && object.details.forced === true)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
