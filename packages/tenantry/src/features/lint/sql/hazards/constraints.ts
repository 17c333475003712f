// Judges constraints that are added to tables with rows: the check of all rows, and the index, under a lock.
import { at, textOf, type Tree } from '../../tree.ts'
import { namesIn, relationName } from '../sql-file.ts'
import { type Alteration, apart, type Hazard, newName, sqlName } from './hazard.ts'
import { notNullHazard } from './not-null.ts'

export function constraintHazards(alteration: Alteration): readonly Hazard[] {
  const { command } = alteration
  if (command['subtype'] === 'AT_ValidateConstraint') return validationHazards(alteration)
  const constraint = at(command, 'def', 'Constraint')
  switch (constraint?.['contype']) {
    case 'CONSTR_CHECK':
    case 'CONSTR_FOREIGN':
      return waitsForCheck(alteration, constraint)
    case 'CONSTR_NOTNULL':
      return constraint['skip_validation'] === true
        ? []
        : [notNullHazard(alteration, namesIn(constraint, 'keys')[0] ?? '')]
    case 'CONSTR_PRIMARY':
    case 'CONSTR_UNIQUE':
    case 'CONSTR_EXCLUSION':
      return constraint['indexname'] === undefined
        ? [indexHazard(alteration, constraint, namesIn(constraint, 'keys'))]
        : []
    default:
      return []
  }
}

function waitsForCheck(alteration: Alteration, constraint: Tree): readonly Hazard[] {
  const { table, around, statement } = alteration
  if (constraint['skip_validation'] === true || constraint['is_enforced'] === false) return []
  const isForeign = constraint['contype'] === 'CONSTR_FOREIGN'
  const { isPartitioned } = around.table(at(statement.tree, 'relation'))
  // Until PostgreSQL 18 a foreign key of a partitioned table cannot be NOT VALID.
  if (isForeign && isPartitioned === true && around.postgres < 18) {
    return [partitionedHazard(alteration, constraint)]
  }
  const keys = namesIn(constraint, isForeign ? 'fk_attrs' : 'keys')
  const own = newName(
    relationName(at(statement.tree, 'relation')).replace(/^.*\./, ''),
    ...keys,
    isForeign ? 'fkey' : 'check',
  )
  const name = textOf(constraint, 'conname')
  return [checkHazard(alteration, { table, constraint: name ?? own, isForeign })]
}

/** A constraint that reads all rows while it holds the lock of ALTER TABLE. */
export function checkHazard(
  { statement }: Pick<Alteration, 'statement'>,
  { table, constraint, isForeign = false }: { table: string; constraint: string; isForeign?: boolean },
): Hazard {
  const name = sqlName(constraint)
  const what = isForeign ? 'foreign key (…) references …' : 'check (…)'
  const blocked = isForeign ? 'nobody else may write to it or to what it references' : 'nobody else may use it'
  return {
    ...{ rule: 'constraint-scan', place: statement.place },
    message: `The constraint ${name} reads the whole table ${table}, and ${blocked} meanwhile.`,
    instead: apart(
      `alter table ${table} add constraint ${name} ${what} not valid;`,
      `alter table ${table} validate constraint ${name};`,
    ),
  }
}

function partitionedHazard({ table, statement }: Alteration, constraint: Tree): Hazard {
  const name = sqlName(textOf(constraint, 'conname') ?? 'constraint')
  return {
    ...{ rule: 'constraint-scan', place: statement.place },
    message: `A foreign key of the partitioned table ${table} reads all of it, and nobody else may write to it meanwhile.`,
    instead: apart(
      '-- for each partition:',
      `alter table <partition> add constraint ${name} foreign key (…) references … not valid;`,
      `alter table <partition> validate constraint ${name};`,
      '-- then:',
      `alter table ${table} add constraint ${name} foreign key (…) references …;`,
    ),
  }
}

// Found in the same transaction, VALIDATE reads the rows under the lock that ADD CONSTRAINT still holds.
function validationHazards({ command, statement, around, table }: Alteration): readonly Hazard[] {
  const name = textOf(command, 'name') ?? ''
  const known = around.table(at(statement.tree, 'relation')).constraints.get(name)
  if (!around.isTransaction || known?.path !== around.path || known.isValid) return []
  return [
    {
      ...{ rule: 'validated-at-once', place: statement.place },
      message: `The constraint ${sqlName(name)} is validated in the transaction that adds it, under its lock.`,
      instead: apart(
        `alter table ${table} add constraint ${sqlName(name)} … not valid;`,
        `alter table ${table} validate constraint ${sqlName(name)};`,
      ),
    },
  ]
}

/** A unique key, primary key or exclusion whose index is built under the strongest lock. */
export function indexHazard(
  { statement, table }: Pick<Alteration, 'statement' | 'table'>,
  constraint: Tree,
  columns: readonly string[],
): Hazard {
  const isPrimary = constraint['contype'] === 'CONSTR_PRIMARY'
  const kind = isPrimary ? 'primary key' : 'unique'
  const bare = textOf(at(statement.tree, 'relation'), 'relname') ?? ''
  const given = textOf(constraint, 'conname')
  const name = given === undefined ? newName(bare, ...(isPrimary ? ['pkey'] : [...columns, 'key'])) : sqlName(given)
  const message = `A key of ${table} builds its index while nobody else may use the table.`
  const place = statement.place
  if (constraint['contype'] === 'CONSTR_EXCLUSION') {
    const instead = 'a new table with the exclusion, filled in batches: no index can be built for it beforehand'
    return { rule: 'constraint-index', message, place, instead }
  }
  return {
    ...{ rule: 'constraint-index', message, place },
    instead: apart(
      `create unique index concurrently ${name} on ${table} (${columns.map(sqlName).join(', ')});`,
      `alter table ${table} add constraint ${name} ${kind} using index ${name};`,
    ),
  }
}
