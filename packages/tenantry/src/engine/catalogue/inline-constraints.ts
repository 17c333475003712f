// Constraints written into the statement that makes their table, which costs the server less than to alter it afterwards.
import type { CatalogueObject } from './catalogue.ts'

/** Plain tables: of others, what follows the columns is part of the statement. */
const SUFFIXES = [
  'unlogged',
  'of',
  'method',
  'options',
  'replica identity',
  'inherits',
  'bound',
  'partition by',
  'owner',
]

/**
 * The same objects, with those constraints in their tables' statements that can be there: any but foreign keys, and these
 * where no rows are to be put in and their target is made before. To be given tables before their constraints, as
 * `describeSchema` gives them.
 */
export function inlineConstraints(
  given: readonly CatalogueObject[],
  { hasRows }: { readonly hasRows: boolean },
): readonly CatalogueObject[] {
  const objects = hasRows ? given : targetsFirst(given)
  const tables = new Map<string, Table>()
  for (const object of objects) if (isPlainTable(object)) tables.set(object.name, { place: tables.size, clauses: [] })
  const inlined = new Set<CatalogueObject>()
  for (const object of objects) {
    const name = object.details.table
    const table = object.kind === 'constraint' && typeof name === 'string' ? tables.get(name) : undefined
    const clause = table === undefined ? undefined : clauseOf(object, String(name))
    if (table === undefined || clause === undefined) continue
    if (FOREIGN.test(clause) && (hasRows || !isMadeBefore(clause, table, tables))) continue
    table.clauses.push(clause)
    inlined.add(object)
  }
  return objects
    .filter((object) => !inlined.has(object))
    .map((object) => (object.kind === 'table' ? withClauses(object, tables.get(object.name)) : object))
}

/** Tables that follow one another, each behind those that its foreign keys name; a circle is cut where it was entered. */
function targetsFirst(objects: readonly CatalogueObject[]): readonly CatalogueObject[] {
  const targets = new Map<string, string[]>()
  for (const { kind, create, details } of objects) {
    const target = kind === 'constraint' && create !== null ? REFERENCED.exec(create)?.[1] : undefined
    if (target === undefined || typeof details.table !== 'string') continue
    targets.set(details.table, [...(targets.get(details.table) ?? []), target])
  }
  const ordered: CatalogueObject[] = []
  for (let at = 0; at < objects.length; ) {
    const end = objects.findIndex((object, place) => place >= at && !isPlainTable(object))
    const run = objects.slice(at, end < 0 ? undefined : end)
    ordered.push(...sorted(run, targets), ...objects.slice(at + run.length, at + run.length + 1))
    at += run.length + 1
  }
  return ordered
}

function sorted(
  run: readonly CatalogueObject[],
  targets: ReadonlyMap<string, readonly string[]>,
): ReadonlySet<CatalogueObject> {
  const byName = new Map(run.map((table) => [table.name, table]))
  const done = new Set<CatalogueObject>()
  const entered = new Set<CatalogueObject>()
  const visit = (table: CatalogueObject): void => {
    if (entered.has(table)) return
    entered.add(table)
    for (const name of targets.get(table.name) ?? []) {
      const target = byName.get(name)
      if (target !== undefined) visit(target)
    }
    done.add(table)
  }
  for (const table of run) visit(table)
  return done
}

interface Table {
  readonly place: number
  readonly clauses: string[]
}

function isPlainTable({ kind, name, create, details }: CatalogueObject): boolean {
  const isBare = SUFFIXES.every(
    (suffix) => details[suffix] === undefined || details[suffix] === null || details[suffix] === false,
  )
  return kind === 'table' && isBare && create?.startsWith(`create table ${name} (`) === true && create.endsWith(')')
}

/** What stands behind ADD, where that is all there is to the statement. */
function clauseOf({ create, details }: CatalogueObject, table: string): string | undefined {
  const name = details.constraint
  if (create === null || typeof name !== 'string') return undefined
  for (const only of ['', 'only ']) {
    const head = `alter table ${only}${table} add constraint ${name} `
    const isWhole = create.startsWith(head) && !/;|\bnot valid\b/i.test(create.slice(head.length))
    if (isWhole) return `constraint ${name} ${create.slice(head.length)}`
  }
  return undefined
}

/** Of a name that needs no quotes; one that does is not looked for. */
const REFERENCED = / foreign key \(.*\) references ([\w$]+)\s*\(/i
const FOREIGN = / foreign key \(/i

/** A target that is not among them, such as one outside of the schema, is left to the end. */
function isMadeBefore(clause: string, { place }: Table, tables: ReadonlyMap<string, Table>): boolean {
  const target = REFERENCED.exec(clause)?.[1]
  const found = target === undefined ? undefined : tables.get(target)
  return (
    found !== undefined && found.place <= place && found.clauses.some((each) => / (primary key|unique)\b/i.test(each))
  )
}

function withClauses(object: CatalogueObject, table: Table | undefined): CatalogueObject {
  if (table === undefined || table.clauses.length === 0 || object.create === null) return object
  const body = object.create.slice(0, -1)
  return { ...object, create: `${body}${body.endsWith('(') ? '' : ', '}${table.clauses.join(', ')})` }
}
