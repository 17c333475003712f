// Reads a plan that people may have edited: nothing in it is taken that is not known, and what it says must fit together.
import { TenantryError } from '../../kernel/errors.ts'
import { isValidSlug } from '../../kernel/identifiers.ts'
import { bool, type Check, count, list, nullable, object, oneOf, text, value } from './plan-shape.ts'
import type { AdoptKey, AdoptPlan, AdoptQuestion, AdoptRoot, AdoptTable, PathStep } from './plan.ts'

const decision = oneOf('tenant', 'global', 'undecided')

const step: Check<PathStep> = object({ columns: list(text, 1), table: text, references: list(text, 1) })

const key: Check<AdoptKey> = object({
  name: text,
  columns: list(text, 1),
  table: text,
  references: list(text, 1),
  decision: oneOf('composite', 'kept', 'dropped'),
  reason: text,
})

const slug: Check<string> = (given, place) => {
  const said = text(given, place)
  if (!isValidSlug(said)) throw place.wrong('is not a valid slug')
  return said
}

const table: Check<AdoptTable> = object({
  table: text,
  decision,
  path: list(step),
  column: nullable(text),
  keys: list(key),
  reason: text,
  orphans: nullable(slug),
  rows: count,
  partitioned: bool,
  notes: list(text),
})

const question: Check<AdoptQuestion> = object({
  table: text,
  question: text,
  choices: list(object({ decision, path: list(step), label: text })),
})

const root: Check<AdoptRoot> = (given, place) => {
  const kinds = {
    table: object({ kind: value('table'), table: text, key: text, slugFrom: list(text), nameFrom: list(text) }),
    column: object({ kind: value('column'), column: text }),
    default: object({ kind: value('default'), slug, name: text }),
  }
  const kind = typeof given === 'object' && given !== null && 'kind' in given ? given.kind : undefined
  return kinds[oneOf('table', 'column', 'default')(kind, place.at('kind'))](given, place)
}

const plan: Check<AdoptPlan> = object({
  format: value(1),
  database: text,
  fingerprint: text,
  schema: text,
  target: oneOf('row', 'schema'),
  root,
  tables: list(table, 1),
  questions: list(question),
  pilot: list(slug),
  createdAt: text,
})

/**
 * The plan in a parsed file. A question about a table that is decided by now is left out. Throws PLAN_INVALID, whose field
 * is the place: `tables[3].decision`.
 *
 * @example
 * ```ts
 * const plan = readPlan(JSON.parse(await readFile('adopt.plan.json', 'utf8')))
 * ```
 */
export function readPlan(content: unknown): AdoptPlan {
  const read = plan(content, placeAt(''))
  const open = new Set(read.tables.filter((each) => each.decision === 'undecided').map((each) => each.table))
  refuseContradictions(read)
  return { ...read, questions: read.questions.filter((each) => open.has(each.table)) }
}

function placeAt(path: string): Parameters<Check<unknown>>[1] {
  return {
    at: (part) => placeAt(typeof part === 'number' ? `${path}[${part}]` : path === '' ? part : `${path}.${part}`),
    wrong: (what) =>
      new TenantryError('PLAN_INVALID', `The plan is wrong: ${path === '' ? 'it' : path} ${what}.`, {
        ...(path !== '' && { field: path }),
      }),
  }
}

function refuseContradictions(read: AdoptPlan): void {
  const byName = new Map<string, AdoptTable>()
  for (const [i, each] of read.tables.entries()) {
    if (byName.has(each.table)) throw placeAt(`tables[${i}].table`).wrong('is listed twice')
    byName.set(each.table, each)
  }
  for (const [i, each] of read.tables.entries()) {
    const place = placeAt(`tables[${i}]`)
    refuseDecision(each, { place, read, byName })
    for (const [k, own] of each.keys.entries()) {
      refuseKey(each, own, { place: place.at('keys').at(k).at('decision'), byName })
    }
  }
  if (read.root.kind === 'table' && byName.get(read.root.table)?.decision !== 'tenant') {
    throw placeAt('root.table').wrong('is not among the tables of tenants')
  }
}

interface Context {
  readonly place: Parameters<Check<unknown>>[1]
  readonly byName: ReadonlyMap<string, AdoptTable>
}

function refuseDecision(each: AdoptTable, context: Context & { readonly read: AdoptPlan }): void {
  const { place, read, byName } = context
  const { path, column, orphans } = each
  const isWayless = path.length === 0 && column === null
  if (each.decision !== 'tenant') {
    if (isWayless && orphans === null) return
    throw place.at('decision').wrong(`is ${each.decision}, but it has a path, a column or a tenant for orphans`)
  }
  refusePath(each, context)
  if (path.length > 0 && column !== null) throw place.at('column').wrong('cannot be there beside a path')
  if (isWayless && orphans === null && !endsAt(each.table, read.root, byName)) {
    throw place.at('path').wrong('is empty, and orphans names no tenant')
  }
}

function refusePath({ path }: AdoptTable, { place, read, byName }: Context & { readonly read: AdoptPlan }): void {
  for (const [s, { table: target, columns, references }] of path.entries()) {
    const at = place.at('path').at(s)
    if (columns.length !== references.length) throw at.at('references').wrong('has not as many columns as it refers to')
    if (byName.get(target)?.decision !== 'tenant') throw at.at('table').wrong('is not a table of tenants')
  }
  const last = path.at(-1)
  if (last === undefined || endsAt(last.table, read.root, byName)) return
  throw place
    .at('path')
    .at(path.length - 1)
    .at('table')
    .wrong('does not name a tenant')
}

function endsAt(name: string, from: AdoptRoot, byName: ReadonlyMap<string, AdoptTable>): boolean {
  if (from.kind === 'table') return from.table === name
  const column = byName.get(name)?.column
  return from.kind === 'default' || (column !== null && column !== undefined)
}

function refuseKey(each: AdoptTable, own: AdoptKey, { place, byName }: Context): void {
  const target = byName.get(own.table)?.decision
  const isBetween = each.decision === 'tenant' && target === 'tenant'
  if (own.decision === 'composite' && !isBetween)
    throw place.wrong('is composite, but one of its ends is no table of tenants')
  if (own.decision !== 'kept') return
  if (isBetween) throw place.wrong('is kept, but both of its ends belong to tenants: write composite, or dropped')
  if (each.decision === 'global' && target === 'tenant') {
    throw place.wrong('is kept, but it leads from a global table to a table of tenants: write dropped')
  }
}
