// What migrations have made of each table so far, as far as the hazards need it: column types, constraints that are not
// validated yet, columns that a check keeps from being null.
import { asTree, at, listOf, textOf, type Tree } from '../../tree.ts'
import type { SqlStatement } from '../parse-sql.ts'
import { namesIn, relationName } from '../sql-file.ts'
import { type ColumnType, columnType } from './column-types.ts'

export interface KnownConstraint {
  /** The column that it keeps from being null, where it does nothing else. */
  readonly notNullColumn: string | undefined
  readonly isValid: boolean
  readonly path: string
}

export interface KnownTable {
  /** The file that made it; undefined where it was not seen. */
  readonly madeIn: string | undefined
  readonly columns: Map<string, ColumnType>
  readonly constraints: Map<string, KnownConstraint>
  /** Whether it is split into partitions; undefined where it was not seen. */
  readonly isPartitioned: boolean | undefined
}

export class KnownTables {
  readonly #tables = new Map<string, KnownTable>()
  readonly #indexes = new Map<string, string>()
  readonly #functions = new Map<string, boolean>()

  table(relation: Tree | undefined): KnownTable {
    const name = relationName(relation)
    const known = this.#tables.get(name) ?? unseen()
    this.#tables.set(name, known)
    return known
  }

  /** The file that made the index. */
  indexMadeIn(name: string): string | undefined {
    return this.#indexes.get(name)
  }

  isSteady(functionName: string): boolean | undefined {
    return this.#functions.get(functionName)
  }

  /** Takes in what a statement changes; to be called when it was judged. */
  learn({ kind, tree }: SqlStatement, path: string): void {
    if (kind === 'CreateStmt') this.#create(tree, path)
    else if (kind === 'CreateTableAsStmt') this.#tables.set(relationName(at(tree, 'into', 'rel')), unseen(path))
    else if (kind === 'AlterTableStmt') this.#alter(tree, path)
    else if (kind === 'IndexStmt') this.#indexes.set(textOf(tree, 'idxname') ?? '', path)
    else if (kind === 'RenameStmt') this.#rename(tree)
    else if (kind === 'CreateFunctionStmt') this.#function(tree)
  }

  #create(tree: Tree, path: string): void {
    const table: KnownTable = { ...unseen(path), isPartitioned: at(tree, 'partspec') !== undefined }
    for (const element of listOf(tree, 'tableElts')) takeColumn(table, at(element, 'ColumnDef'))
    this.#tables.set(relationName(at(tree, 'relation')), table)
  }

  #alter(tree: Tree, path: string): void {
    const table = this.table(at(tree, 'relation'))
    for (const item of listOf(tree, 'cmds')) {
      const command = asTree(item['AlterTableCmd'])
      const name = textOf(command, 'name') ?? ''
      const column = at(command, 'def', 'ColumnDef')
      const constraint = at(command, 'def', 'Constraint')
      const known = table.constraints.get(name)
      switch (command?.['subtype']) {
        case 'AT_AddColumn':
          takeColumn(table, column)
          break
        case 'AT_AlterColumnType':
          table.columns.set(name, columnType(at(column, 'typeName')))
          break
        case 'AT_AddConstraint':
          table.constraints.set(textOf(constraint, 'conname') ?? '', knownConstraint(constraint, path))
          break
        case 'AT_ValidateConstraint':
          if (known !== undefined) table.constraints.set(name, { ...known, isValid: true })
          break
        case 'AT_DropConstraint':
          table.constraints.delete(name)
      }
    }
  }

  #rename(tree: Tree): void {
    const name = relationName(at(tree, 'relation'))
    const table = this.#tables.get(name)
    if (table === undefined) return
    if (tree['renameType'] === 'OBJECT_TABLE') {
      this.#tables.delete(name)
      this.#tables.set(`${name.slice(0, name.indexOf('.'))}.${textOf(tree, 'newname') ?? ''}`, table)
    } else if (tree['renameType'] === 'OBJECT_COLUMN') {
      const type = table.columns.get(textOf(tree, 'subname') ?? '')
      if (type !== undefined) table.columns.set(textOf(tree, 'newname') ?? '', type)
    }
  }

  #function(tree: Tree): void {
    const volatility = listOf(tree, 'options')
      .map((item) => asTree(item['DefElem']))
      .find((option) => option?.['defname'] === 'volatility')
    const value = textOf(at(volatility, 'arg', 'String'), 'sval')
    this.#functions.set(namesIn(tree, 'funcname').at(-1) ?? '', value === 'immutable' || value === 'stable')
  }
}

const unseen = (madeIn?: string): KnownTable => ({
  ...{ madeIn, columns: new Map<string, ColumnType>(), constraints: new Map<string, KnownConstraint>() },
  isPartitioned: undefined,
})

function takeColumn(table: KnownTable, column: Tree | undefined): void {
  const name = textOf(column, 'colname')
  if (name !== undefined) table.columns.set(name, columnType(at(column, 'typeName')))
}

function knownConstraint(constraint: Tree | undefined, path: string): KnownConstraint {
  const isValid = constraint?.['skip_validation'] !== true
  return { notNullColumn: notNullColumn(constraint), isValid, path }
}

function notNullColumn(constraint: Tree | undefined): string | undefined {
  if (constraint?.['contype'] === 'CONSTR_NOTNULL') return namesIn(constraint, 'keys')[0]
  const test = at(constraint, 'raw_expr', 'NullTest')
  if (test?.['nulltesttype'] !== 'IS_NOT_NULL') return undefined
  return namesIn(at(test, 'arg', 'ColumnRef'), 'fields').at(-1)
}
