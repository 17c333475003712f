// What shared migrations make of each shared table, read in the order in which they run: its columns, keys and
// references, and whether it was declared global.
import type { Comment, Place } from '../rules.ts'
import { asTree, at, listOf, textOf, type Tree } from '../tree.ts'
import type { SqlStatement } from './parse-sql.ts'
import { namesIn, relationName, type SqlFile } from './sql-file.ts'

export interface Key {
  readonly kind: 'primary' | 'unique'
  readonly columns: readonly string[]
  readonly path: string
  readonly place: Place
}

export interface Reference {
  readonly columns: readonly string[]
  readonly target: string
  readonly path: string
  readonly place: Place
}

export interface SharedTable {
  readonly name: string
  readonly path: string
  readonly place: Place
  hasTenant: boolean
  readonly global: 'no' | 'without reason' | 'yes'
  /** Columns whose values the database makes, or that are UUIDs: tenants do not meet in them. */
  readonly generated: Set<string>
  readonly keys: Key[]
  readonly references: Reference[]
}

export const TENANT_COLUMN = 'tenant_id'
const SERIAL = /^(small|big)?serial[248]?$/

/** The tables that are there when all files have run, by qualified name. */
export function readTables(files: readonly SqlFile[]): ReadonlyMap<string, SharedTable> {
  const tables = new Map<string, SharedTable>()
  for (const file of files) {
    if (file.kind === 'tenant') continue
    for (const statement of file.statements) new TableReader(tables, file.path, statement).read()
  }
  return tables
}

class TableReader {
  readonly #tables: Map<string, SharedTable>
  readonly #path: string
  readonly #statement: SqlStatement

  constructor(tables: Map<string, SharedTable>, path: string, statement: SqlStatement) {
    this.#tables = tables
    this.#path = path
    this.#statement = statement
  }

  read(): void {
    const { kind, tree } = this.#statement
    if (kind === 'CreateStmt') this.#create(tree)
    else if (kind === 'CreateTableAsStmt' && tree['objtype'] === 'OBJECT_TABLE') this.#createAs(tree)
    else if (kind === 'AlterTableStmt') this.#alter(tree)
    else if (kind === 'IndexStmt' && tree['unique'] === true) this.#uniqueIndex(tree)
    else if (kind === 'RenameStmt') this.#rename(tree)
    else if (kind === 'DropStmt' && tree['removeType'] === 'OBJECT_TABLE') this.#drop(tree)
  }

  #create(tree: Tree): void {
    const table = this.#add(at(tree, 'relation'))
    if (table === undefined) return
    for (const element of listOf(tree, 'tableElts')) {
      const column = asTree(element['ColumnDef'])
      const like = at(element, 'TableLikeClause', 'relation')
      if (column !== undefined) this.#column(table, column)
      if (like !== undefined) table.hasTenant ||= this.#knows(like)
      this.#constraint(table, asTree(element['Constraint']))
    }
    // A partition or child has its parent's columns.
    for (const parent of listOf(tree, 'inhRelations')) table.hasTenant ||= this.#knows(asTree(parent['RangeVar']))
  }

  #createAs(tree: Tree): void {
    const table = this.#add(at(tree, 'into', 'rel'))
    if (table === undefined) return
    table.hasTenant = listOf(at(tree, 'query', 'SelectStmt'), 'targetList').some((item) => {
      const target = asTree(item['ResTarget'])
      const last = namesIn(at(target, 'val', 'ColumnRef'), 'fields').at(-1)
      return (textOf(target, 'name') ?? last) === TENANT_COLUMN
    })
  }

  #alter(tree: Tree): void {
    const table = this.#tables.get(relationName(at(tree, 'relation')))
    if (table === undefined || tree['objtype'] !== 'OBJECT_TABLE') return
    for (const item of listOf(tree, 'cmds')) {
      const command = asTree(item['AlterTableCmd'])
      const column = at(command, 'def', 'ColumnDef')
      if (command?.['subtype'] === 'AT_AddColumn' && column !== undefined) this.#column(table, column)
      if (command?.['subtype'] === 'AT_AddConstraint') this.#constraint(table, at(command, 'def', 'Constraint'))
      if (command?.['subtype'] === 'AT_DropColumn' && command['name'] === TENANT_COLUMN) table.hasTenant = false
    }
  }

  #uniqueIndex(tree: Tree): void {
    const table = this.#tables.get(relationName(at(tree, 'relation')))
    const columns = listOf(tree, 'indexParams').map((item) => textOf(asTree(item['IndexElem']), 'name') ?? '')
    table?.keys.push({ kind: 'unique', columns, path: this.#path, place: this.#statement.place })
  }

  #rename(tree: Tree): void {
    const name = relationName(at(tree, 'relation'))
    const table = this.#tables.get(name)
    const newName = textOf(tree, 'newname') ?? ''
    if (table === undefined) return
    if (tree['renameType'] === 'OBJECT_COLUMN') {
      if (tree['subname'] === TENANT_COLUMN) table.hasTenant = false
      if (newName === TENANT_COLUMN) table.hasTenant = true
    } else if (tree['renameType'] === 'OBJECT_TABLE') {
      const renamed = `${name.slice(0, name.indexOf('.'))}.${newName}`
      this.#tables.delete(name)
      this.#tables.set(renamed, { ...table, name: renamed })
    }
  }

  #drop(tree: Tree): void {
    for (const item of listOf(tree, 'objects')) {
      const parts = namesIn(asTree(item['List']), 'items')
      this.#tables.delete(parts.length > 1 ? parts.slice(-2).join('.') : `public.${parts[0] ?? ''}`)
    }
  }

  #add(relation: Tree | undefined): SharedTable | undefined {
    const name = relationName(relation)
    if (relation?.['relpersistence'] === 't' || name.startsWith('tenantry.')) return undefined
    const table: SharedTable = {
      ...{ name, path: this.#path, place: this.#statement.place, hasTenant: false },
      ...{ global: globalOf(this.#statement.comments), generated: new Set(), keys: [], references: [] },
    }
    this.#tables.set(name, table)
    return table
  }

  #knows(relation: Tree | undefined): boolean {
    const table = this.#tables.get(relationName(relation))
    return table !== undefined && (table.hasTenant || table.global === 'yes')
  }

  #column(table: SharedTable, column: Tree): void {
    const name = textOf(column, 'colname') ?? ''
    const type = namesIn(at(column, 'typeName'), 'names').at(-1) ?? ''
    const constraints = listOf(column, 'constraints').map((item) => asTree(item['Constraint']))
    const isIdentity = constraints.some((constraint) => constraint?.['contype'] === 'CONSTR_IDENTITY')
    if (name === TENANT_COLUMN) table.hasTenant = true
    if (type === 'uuid' || SERIAL.test(type) || isIdentity) table.generated.add(name)
    for (const constraint of constraints) this.#constraint(table, constraint, [name])
  }

  #constraint(table: SharedTable, constraint: Tree | undefined, column?: readonly string[]): void {
    const place = this.#statement.placeOf(constraint)
    const own = { path: this.#path, place }
    switch (constraint?.['contype']) {
      case 'CONSTR_PRIMARY':
      case 'CONSTR_UNIQUE': {
        // USING INDEX names no columns; the index was looked at.
        if (constraint['indexname'] !== undefined) return
        const kind = constraint['contype'] === 'CONSTR_PRIMARY' ? 'primary' : 'unique'
        table.keys.push({ kind, columns: column ?? namesIn(constraint, 'keys'), ...own })
        return
      }
      case 'CONSTR_FOREIGN': {
        const target = relationName(at(constraint, 'pktable'))
        table.references.push({ columns: column ?? namesIn(constraint, 'fk_attrs'), target, ...own })
      }
    }
  }
}

function globalOf(comments: readonly Comment[]): SharedTable['global'] {
  for (const { text } of comments) {
    const directive = /^\s*tenantry:\s*global\b(.*)/s.exec(text)
    if (directive) return (directive[1] ?? '').trim() === '' ? 'without reason' : 'yes'
  }
  return 'no'
}
