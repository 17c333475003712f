// Judges views and functions: those that run with their owner's rights, who sees the rows of all tenants. A later ALTER
// may mend one, so all files are read first.
import type { Place } from '../rules.ts'
import { asTree, at, listOf, textOf, type Tree } from '../tree.ts'
import type { SqlStatement } from './parse-sql.ts'
import { type FileRemark, isOn, namesIn, optionValue, relationName, remark, type SqlFile } from './sql-file.ts'

interface Named {
  readonly name: string
  readonly path: string
  readonly place: Place
}

export function codeRemarks(files: readonly SqlFile[]): readonly FileRemark[] {
  const open = { views: new Map<string, Named>(), functions: new Map<string, Named>() }
  const remarks: FileRemark[] = []
  for (const { path, kind, statements } of files) {
    for (const statement of statements) {
      const place = { path, place: statement.place }
      if (isMaterializedView(statement)) {
        remarks.push(remark('materialized-view', 'A materialized view holds the rows of all tenants.', place))
      }
      // In a tenant's schema the guard makes views run with their caller's rights.
      if (kind === 'shared') readView(statement, open.views, path)
      readFunction(statement, open.functions, path)
    }
  }
  for (const view of open.views.values()) {
    remarks.push(remark('view-as-owner', `The view ${view.name} runs with its owner’s rights.`, view))
  }
  for (const definer of open.functions.values()) {
    const message = `The SECURITY DEFINER function ${definer.name} does not pin its search_path.`
    remarks.push(remark('definer-search-path', message, definer))
  }
  return remarks
}

const isMaterializedView = ({ kind, tree }: SqlStatement): boolean =>
  kind === 'CreateTableAsStmt' && tree['objtype'] === 'OBJECT_MATVIEW'

function readView({ kind, tree, place }: SqlStatement, views: Map<string, Named>, path: string): void {
  if (kind === 'ViewStmt' && at(tree, 'view')?.['relpersistence'] !== 't') {
    const name = relationName(at(tree, 'view'))
    if (isOn(optionValue(listOf(tree, 'options'), 'security_invoker'))) views.delete(name)
    else views.set(name, { name, path, place })
  }
  if (kind !== 'AlterTableStmt' || tree['objtype'] !== 'OBJECT_VIEW') return
  for (const item of listOf(tree, 'cmds')) {
    const options = listOf(at(item, 'AlterTableCmd', 'def', 'List'), 'items')
    const value = optionValue(options, 'security_invoker')
    const name = relationName(at(tree, 'relation'))
    if (value === undefined) continue
    if (isOn(value)) views.delete(name)
    else views.set(name, { name, path, place })
  }
}

function readFunction({ kind, tree, place }: SqlStatement, functions: Map<string, Named>, path: string): void {
  if (kind !== 'CreateFunctionStmt' && kind !== 'AlterFunctionStmt') return
  const isNew = kind === 'CreateFunctionStmt'
  const name = isNew ? namesIn(tree, 'funcname') : namesIn(at(tree, 'func'), 'objname')
  const key = name.join('.')
  const options = listOf(tree, isNew ? 'options' : 'actions')
  const settings = options.map((item) => asTree(item['DefElem'])).filter((option) => option !== undefined)
  if (settings.some(pinsPath)) functions.delete(key)
  else if (settings.some(isDefiner)) functions.set(key, { name: key, path, place })
  else if (isNew) functions.delete(key)
}

const isDefiner = (option: Tree): boolean =>
  option['defname'] === 'security' && at(option, 'arg', 'Boolean')?.['boolval'] === true

function pinsPath(option: Tree): boolean {
  const setting = at(option, 'arg', 'VariableSetStmt')
  if (option['defname'] !== 'set' || textOf(setting, 'name') !== 'search_path') return false
  return setting?.['kind'] === 'VAR_SET_VALUE' || setting?.['kind'] === 'VAR_SET_CURRENT'
}
