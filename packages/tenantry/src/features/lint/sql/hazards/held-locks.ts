// Judges a file as a whole: locks on several tables, each held while the next one is waited for.
import { asTree, at, listOf, textOf, type Tree } from '../../tree.ts'
import type { SqlStatement } from '../parse-sql.ts'
import { namesIn, relationName } from '../sql-file.ts'
import type { Hazard, Surroundings } from './hazard.ts'

/** ALTER TABLE in a form that lets others read and write. */
const HARMLESS = new Set(['AT_ValidateConstraint', 'AT_SetStatistics', 'AT_SetRelOptions', 'AT_ResetRelOptions'])

/** Looks at the statements of one file, in order. */
export class HeldLocks {
  #first: string | undefined
  #isSaid = false

  judge(statement: SqlStatement, around: Surroundings): readonly Hazard[] {
    if (!around.isTransaction || this.#isSaid) return []
    for (const relation of lockedBy(statement)) {
      if (around.isNew(relation)) continue
      const name = relationName(relation)
      this.#first ??= name
      if (this.#first === name) continue
      this.#isSaid = true
      const message = `The lock on ${this.#first} is held while that on ${name} is waited for.`
      return [{ rule: 'locks-several-tables', message, place: statement.place }]
    }
    return []
  }
}

function lockedBy({ kind, tree }: SqlStatement): readonly (Tree | undefined)[] {
  const relation = at(tree, 'relation')
  switch (kind) {
    case 'AlterTableStmt':
      return tree['objtype'] === 'OBJECT_TABLE' && isHarmful(tree) ? [relation] : []
    case 'IndexStmt':
      return tree['concurrent'] === true ? [] : [relation]
    case 'RenameStmt':
      return [tree['relationType'], tree['renameType']].includes('OBJECT_TABLE') ? [relation] : []
    case 'CreateTrigStmt':
    case 'ClusterStmt':
      return [relation]
    case 'CreatePolicyStmt':
      return [at(tree, 'table')]
    case 'LockStmt':
    case 'TruncateStmt':
      return listOf(tree, 'relations').map((item) => asTree(item['RangeVar']))
    case 'DropStmt':
      return tree['removeType'] === 'OBJECT_TABLE' ? listOf(tree, 'objects').map(droppedRelation) : []
    default:
      return []
  }
}

const isHarmful = (tree: Tree): boolean =>
  listOf(tree, 'cmds').some((item) => !HARMLESS.has(textOf(at(item, 'AlterTableCmd'), 'subtype') ?? ''))

function droppedRelation(object: Tree): Tree {
  const [relname = '', schemaname] = namesIn(asTree(object['List']), 'items').toReversed()
  return schemaname === undefined ? { relname } : { relname, schemaname }
}
