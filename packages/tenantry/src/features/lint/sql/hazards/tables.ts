// Judges statements that keep a whole table from everybody, write all of its rows, or take away what the running
// version of the application still uses.
import { asTree, at, listOf, numberOf, textOf, type Tree } from '../../tree.ts'
import type { SqlStatement } from '../parse-sql.ts'
import { namesIn } from '../sql-file.ts'
import { type Hazard, lines, sqlName, sqlRelation, type Surroundings } from './hazard.ts'

export function tableHazards(statement: SqlStatement, around: Surroundings): readonly Hazard[] {
  switch (statement.kind) {
    case 'ClusterStmt':
    case 'VacuumStmt':
      return rewriteHazards(statement)
    case 'LockStmt':
      return lockHazards(statement, around)
    case 'UpdateStmt':
    case 'DeleteStmt':
      return writeHazards(statement, around)
    case 'TruncateStmt':
      return truncateHazards(statement, around)
    case 'DropStmt':
      return dropHazards(statement, around)
    case 'RenameStmt':
      return renameHazards(statement, around)
    default:
      return []
  }
}

function rewriteHazards({ kind, tree, place }: SqlStatement): readonly Hazard[] {
  const isFull = listOf(tree, 'options').some((item) => asTree(item['DefElem'])?.['defname'] === 'full')
  if (kind === 'VacuumStmt' && !isFull) return []
  const what = isFull ? 'VACUUM FULL' : 'CLUSTER'
  return [
    { rule: 'table-rewrite', message: `${what} writes a table anew, and nobody else may use it meanwhile.`, place },
  ]
}

/** SHARE and stronger ones keep others from writing. */
const SHARE_LOCK = 5

function lockHazards({ tree, place }: SqlStatement, around: Surroundings): readonly Hazard[] {
  if ((numberOf(tree, 'mode') ?? 0) < SHARE_LOCK) return []
  return listOf(tree, 'relations')
    .map((item) => asTree(item['RangeVar']))
    .filter((relation) => !around.isNew(relation))
    .map((relation) => {
      const message = `LOCK TABLE keeps others from ${sqlRelation(relation)} until the transaction ends.`
      return { rule: 'table-lock', message, place }
    })
}

function writeHazards({ kind, tree, place }: SqlStatement, around: Surroundings): readonly Hazard[] {
  const relation = at(tree, 'relation')
  if (around.isNew(relation) || choosesRows(at(tree, 'whereClause'))) return []
  const table = sqlRelation(relation)
  const what = kind === 'UpdateStmt' ? 'UPDATE' : 'DELETE'
  const verb = kind === 'UpdateStmt' ? `update ${table} set …` : `delete from ${table}`
  return [
    {
      ...{ rule: 'whole-table-write', place },
      message: `${what} of all of ${table} in one transaction holds its rows locked and leaves as many dead ones behind.`,
      instead: lines(
        '-- in batches, outside of the migration:',
        `${verb} where ctid = any (array(select ctid from ${table} where … limit 1000));`,
      ),
    },
  ]
}

/** Whether a condition picks some rows; IS NULL and IS NOT NULL pick what a backfill is over. */
function choosesRows(condition: Tree | undefined): boolean {
  if (condition === undefined || condition['NullTest'] !== undefined || condition['A_Const'] !== undefined) return false
  const bool = at(condition, 'BoolExpr')
  return bool === undefined || listOf(bool, 'args').some(choosesRows)
}

function truncateHazards({ tree, place }: SqlStatement, around: Surroundings): readonly Hazard[] {
  return listOf(tree, 'relations')
    .map((item) => asTree(item['RangeVar']))
    .filter((relation) => !around.isNew(relation))
    .map((relation) => {
      const message = `TRUNCATE takes all rows of ${sqlRelation(relation)}, and nobody else may use it meanwhile.`
      return { rule: 'whole-table-write', message, place }
    })
}

const DROPPED: Readonly<Record<string, string>> = {
  OBJECT_TABLE: 'table',
  OBJECT_VIEW: 'view',
  OBJECT_SEQUENCE: 'sequence',
  OBJECT_SCHEMA: 'schema',
}

function dropHazards({ tree, place }: SqlStatement, around: Surroundings): readonly Hazard[] {
  const kind = DROPPED[textOf(tree, 'removeType') ?? '']
  if (kind === undefined) return []
  return listOf(tree, 'objects').flatMap((item) => {
    const parts =
      kind === 'schema' ? [textOf(asTree(item['String']), 'sval') ?? ''] : namesIn(asTree(item['List']), 'items')
    const [relname = '', schemaname] = parts.toReversed()
    if (around.isNew(schemaname === undefined ? { relname } : { relname, schemaname })) return []
    const message = `Dropping the ${kind} ${parts.map(sqlName).join('.')} breaks the version of the application that is running.`
    return [{ rule: 'breaks-running-version' as const, message, place }]
  })
}

const RENAMED = new Set([
  ...['OBJECT_TABLE', 'OBJECT_VIEW', 'OBJECT_COLUMN', 'OBJECT_SEQUENCE', 'OBJECT_SCHEMA', 'OBJECT_FUNCTION'],
  ...['OBJECT_TYPE', 'OBJECT_ATTRIBUTE'],
])

function renameHazards({ tree, place }: SqlStatement, around: Surroundings): readonly Hazard[] {
  const relation = at(tree, 'relation')
  if (!RENAMED.has(textOf(tree, 'renameType') ?? '') || (relation !== undefined && around.isNew(relation))) return []
  const newName = sqlName(textOf(tree, 'newname') ?? '')
  const isColumn = tree['renameType'] === 'OBJECT_COLUMN'
  const table = sqlRelation(relation)
  const old = textOf(tree, 'subname')
  const message = `A rename to ${newName} breaks the version of the application that is running.`
  const hazard: Hazard = { rule: 'breaks-running-version', message, place }
  if (!isColumn || old === undefined) return [hazard]
  return [
    {
      ...hazard,
      instead: lines(
        `alter table ${table} add column ${newName} <type>;`,
        `-- let the application write both, fill ${newName} in batches, let it read ${newName}; when no version knows the other:`,
        `alter table ${table} drop column ${sqlName(old)};`,
      ),
    },
  ]
}
