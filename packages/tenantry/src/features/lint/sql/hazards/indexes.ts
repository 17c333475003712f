// Judges indexes that are built, rebuilt or dropped while the table is in use.
import { asTree, at, listOf, textOf, type Tree } from '../../tree.ts'
import type { SqlStatement } from '../parse-sql.ts'
import { namesIn } from '../sql-file.ts'
import { apart, type Hazard, sqlName, sqlRelation, type Surroundings } from './hazard.ts'

export function indexHazards(statement: SqlStatement, around: Surroundings): readonly Hazard[] {
  const { kind, tree } = statement
  if (isConcurrent(statement)) return concurrentHazards(statement, around)
  if (kind === 'IndexStmt') return builtHazards(statement, around)
  if (kind === 'ReindexStmt') return rebuiltHazards(statement, around)
  if (kind === 'DropStmt' && tree['removeType'] === 'OBJECT_INDEX') return droppedHazards(statement, around)
  return []
}

/** Whether the statement asks for CONCURRENTLY, which no transaction can contain. */
function isConcurrent({ kind, tree }: SqlStatement): boolean {
  if (kind === 'ReindexStmt') {
    return listOf(tree, 'params').some((item) => asTree(item['DefElem'])?.['defname'] === 'concurrently')
  }
  if (kind === 'AlterTableStmt') {
    return listOf(tree, 'cmds').some(
      (item) => at(item, 'AlterTableCmd', 'def', 'PartitionCmd')?.['concurrent'] === true,
    )
  }
  return (kind === 'IndexStmt' || kind === 'DropStmt') && tree['concurrent'] === true
}

function concurrentHazards({ kind, tree, place }: SqlStatement, around: Surroundings): readonly Hazard[] {
  if (around.isTransaction) {
    const message = 'CONCURRENTLY fails inside of a transaction, and a migration is one.'
    return [{ rule: 'concurrently-in-transaction', message, place, instead: '-- tenantry: no-transaction' }]
  }
  const relation = at(tree, 'relation')
  if (kind !== 'IndexStmt' || around.table(relation).isPartitioned !== true) return []
  const [index, table] = [sqlName(textOf(tree, 'idxname') ?? ''), sqlRelation(relation)]
  return [
    {
      ...{ rule: 'concurrently-in-transaction', place },
      message: `CONCURRENTLY fails on ${table}, which has partitions.`,
      instead: apart(
        `create index ${index} on only ${table} (…);`,
        '-- for each partition:',
        'create index concurrently <index> on <partition> (…);',
        `alter index ${index} attach partition <index>;`,
      ),
    },
  ]
}

function builtHazards({ tree, place }: SqlStatement, around: Surroundings): readonly Hazard[] {
  const relation = at(tree, 'relation')
  // ON ONLY makes an index that is empty until those of the partitions are attached.
  if (around.isNew(relation) || relation?.['inh'] !== true) return []
  const table = sqlRelation(relation)
  const name = textOf(tree, 'idxname')
  const unique = tree['unique'] === true ? 'unique ' : ''
  return [
    {
      ...{ rule: 'index-lock', place },
      message: `Nobody may write to ${table} while its index is built.`,
      instead: apart(
        `create ${unique}index concurrently ${name === undefined ? '' : `${sqlName(name)} `}on ${table} ${columnsOf(tree)};`,
      ),
    },
  ]
}

function columnsOf(tree: Tree): string {
  const columns = listOf(tree, 'indexParams').map((item) => textOf(asTree(item['IndexElem']), 'name'))
  return `(${columns.map((name) => (name === undefined ? '…' : sqlName(name))).join(', ')})`
}

const REINDEXED: Readonly<Record<string, string>> = {
  REINDEX_OBJECT_INDEX: 'index',
  REINDEX_OBJECT_TABLE: 'table',
  REINDEX_OBJECT_SCHEMA: 'schema',
  REINDEX_OBJECT_SYSTEM: 'system',
  REINDEX_OBJECT_DATABASE: 'database',
}

function rebuiltHazards({ tree, place }: SqlStatement, around: Surroundings): readonly Hazard[] {
  const relation = at(tree, 'relation')
  if (around.isNew(relation)) return []
  const kind = REINDEXED[textOf(tree, 'kind') ?? ''] ?? 'table'
  const name = relation === undefined ? sqlName(textOf(tree, 'name') ?? '') : sqlRelation(relation)
  return [
    {
      ...{ rule: 'index-lock', place },
      message: `Nobody may write while ${kind} ${name} is reindexed.`,
      instead: apart(`reindex ${kind} concurrently ${name};`),
    },
  ]
}

function droppedHazards({ tree, place }: SqlStatement, around: Surroundings): readonly Hazard[] {
  const names = listOf(tree, 'objects').map((item) => namesIn(asTree(item['List']), 'items'))
  const foreign = names.filter((parts) => !around.isNewIndex(parts.at(-1) ?? ''))
  return foreign.map((parts) => {
    const index = parts.map(sqlName).join('.')
    return {
      ...{ rule: 'index-lock' as const, place },
      message: `Nobody may use the table of ${index} while the index is dropped, nor while that waits for its turn.`,
      instead: apart(`drop index concurrently ${index};`),
    }
  })
}
