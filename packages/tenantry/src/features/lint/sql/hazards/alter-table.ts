// Judges ALTER TABLE: what writes or reads the whole table while nobody else may use it.
import { asTree, at, listOf, textOf, type Tree } from '../../tree.ts'
import type { SqlStatement } from '../parse-sql.ts'
import { namesIn } from '../sql-file.ts'
import { addedColumnHazards } from './added-column.ts'
import { constraintHazards } from './constraints.ts'
import { columnType, staysInPlace } from './column-types.ts'
import { type Alteration, type Hazard, lines, newName, sqlName, sqlRelation, type Surroundings } from './hazard.ts'
import { notNullHazards } from './not-null.ts'

const REWRITES: Readonly<Record<string, string>> = {
  AT_SetTableSpace: 'SET TABLESPACE',
  AT_SetLogged: 'SET LOGGED',
  AT_SetUnLogged: 'SET UNLOGGED',
  AT_SetAccessMethod: 'SET ACCESS METHOD',
}

export function alterTableHazards(statement: SqlStatement, around: Surroundings): readonly Hazard[] {
  const { kind, tree } = statement
  const relation = at(tree, 'relation')
  if (kind !== 'AlterTableStmt' || tree['objtype'] !== 'OBJECT_TABLE' || around.isNew(relation)) return []
  const table = sqlRelation(relation)
  return listOf(tree, 'cmds')
    .map((item) => asTree(item['AlterTableCmd']))
    .filter((command) => command !== undefined)
    .flatMap((command) => commandHazards({ command, statement, around, table }))
}

function commandHazards(alteration: Alteration): readonly Hazard[] {
  const { command, statement, table } = alteration
  const subtype = textOf(command, 'subtype') ?? ''
  const rewrite = REWRITES[subtype]
  if (rewrite !== undefined) {
    const message = `${rewrite} writes the table ${table} anew, and nobody else may use it meanwhile.`
    return [{ rule: 'table-rewrite', message, place: statement.place }]
  }
  switch (subtype) {
    case 'AT_AddColumn':
      return addedColumnHazards(alteration)
    case 'AT_AlterColumnType':
      return typeHazards(alteration)
    case 'AT_SetNotNull':
      return notNullHazards(alteration)
    case 'AT_AddConstraint':
    case 'AT_ValidateConstraint':
      return constraintHazards(alteration)
    case 'AT_DropColumn':
      return [dropHazard(alteration)]
    default:
      return []
  }
}

function typeHazards({ command, statement, around, table }: Alteration): readonly Hazard[] {
  const name = textOf(command, 'name') ?? ''
  const definition = at(command, 'def', 'ColumnDef')
  const before = around.table(at(statement.tree, 'relation')).columns.get(name)
  const after = columnType(at(definition, 'typeName'))
  const converts = definition?.['raw_default'] !== undefined && !isColumnItself(at(definition, 'raw_default'), name)
  const collates = definition?.['collClause'] !== undefined
  if (before !== undefined && !converts && !collates && staysInPlace(before, after)) return []
  const column = sqlName(name)
  const next = newName(name, 'new')
  const certainty = before === undefined ? 'may write' : 'writes'
  return [
    {
      ...{ rule: 'type-rewrite', place: statement.place },
      message: `Another type of ${table}.${column} ${certainty} the table anew, and nobody else may use it meanwhile.`,
      instead: lines(
        `alter table ${table} add column ${next} <type>;`,
        '-- let the application write both; in batches, outside of the migration:',
        `update ${table} set ${next} = ${column} where …;`,
        `-- when no version reads ${column} any more:`,
        `alter table ${table} drop column ${column};`,
      ),
    },
  ]
}

/** `using column` and `using column::type`. */
function isColumnItself(expression: Tree | undefined, name: string): boolean {
  const inner = at(expression, 'TypeCast', 'arg') ?? expression
  return namesIn(at(inner, 'ColumnRef'), 'fields').at(-1) === name
}

function dropHazard({ command, statement, table }: Alteration): Hazard {
  const column = sqlName(textOf(command, 'name') ?? '')
  return {
    ...{ rule: 'breaks-running-version', place: statement.place },
    message: `Dropping ${table}.${column} breaks the version of the application that is running.`,
  }
}
