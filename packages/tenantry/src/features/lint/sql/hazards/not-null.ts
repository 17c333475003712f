// Judges NOT NULL on columns of tables with rows: without a validated check, all of them are read under the strongest lock.
import { at, textOf } from '../../tree.ts'
import { type Alteration, apart, type Hazard, newName, sqlName } from './hazard.ts'

export function notNullHazards({ command, statement, around, table }: Alteration): readonly Hazard[] {
  const column = textOf(command, 'name') ?? ''
  const { constraints } = around.table(at(statement.tree, 'relation'))
  const isProven = [...constraints.values()].some((each) => each.isValid && each.notNullColumn === column)
  return isProven ? [] : [notNullHazard({ statement, around, table }, column)]
}

/** SET NOT NULL, or a NOT NULL constraint, that reads every row under the strongest lock. */
export function notNullHazard(
  { statement, around, table }: Pick<Alteration, 'statement' | 'around' | 'table'>,
  columnName: string,
): Hazard {
  const column = sqlName(columnName)
  const check = newName(columnName, 'not_null')
  // PostgreSQL 18 has constraints of this kind that can be validated afterwards.
  const [what, ...end] =
    around.postgres >= 18
      ? [`not null ${column}`]
      : [
          `check (${column} is not null)`,
          `alter table ${table} alter column ${column} set not null;`,
          `alter table ${table} drop constraint ${check};`,
        ]
  return {
    ...{ rule: 'not-null-scan', place: statement.place },
    message: `NOT NULL of ${table}.${column} reads the whole table, and nobody else may use it meanwhile.`,
    instead: apart(
      `alter table ${table} add constraint ${check} ${what} not valid;`,
      `alter table ${table} validate constraint ${check};`,
      ...end,
    ),
  }
}
