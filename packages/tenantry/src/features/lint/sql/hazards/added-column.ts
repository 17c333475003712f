// Judges ADD COLUMN: what fills every row at once, and what rows or a running application cannot do without.
import { asTree, at, listOf, type Tree } from '../../tree.ts'
import { namesIn } from '../sql-file.ts'
import { checkHazard, indexHazard } from './constraints.ts'
import { type Alteration, type Hazard, lines, sqlName } from './hazard.ts'
import { volatileFunction } from './volatility.ts'

const SERIAL = /^(small|big)?serial[248]?$/

interface AddedColumn extends Alteration {
  readonly name: string
  readonly type: string
  readonly constraints: readonly Tree[]
}

export function addedColumnHazards(alteration: Alteration): readonly Hazard[] {
  const definition = at(alteration.command, 'def', 'ColumnDef')
  const name = typeof definition?.['colname'] === 'string' ? definition['colname'] : ''
  const type = namesIn(at(definition, 'typeName'), 'names').at(-1) ?? ''
  const constraints = listOf(definition, 'constraints')
    .map((item) => asTree(item['Constraint']))
    .filter((constraint) => constraint !== undefined)
  const added: AddedColumn = { ...alteration, name, type, constraints }
  return [...fillHazards(added), ...requiredHazards(added), ...inlineHazards(added)]
}

const ofKind = ({ constraints }: AddedColumn, kind: string): Tree | undefined =>
  constraints.find((constraint) => constraint['contype'] === kind)

function fillHazards(added: AddedColumn): readonly Hazard[] {
  const { table, name, around, statement } = added
  const why = fillReason(added)
  if (why === undefined) return []
  const column = sqlName(name)
  const isGenerated = ofKind(added, 'CONSTR_GENERATED') !== undefined
  const virtual = around.postgres >= 18 ? 'a generated column that is VIRTUAL, or ' : ''
  const instead = isGenerated
    ? `-- ${virtual}a plain column that the application or a trigger writes, filled in batches`
    : lines(
        `alter table ${table} add column ${column} ${SERIAL.test(added.type) ? 'bigint' : '<type>'};`,
        `alter table ${table} alter column ${column} set default <default>;`,
        '-- in batches, outside of the migration:',
        `update ${table} set ${column} = default where …;`,
      )
  const message = `${why} fills every row of ${table}, and nobody else may use the table meanwhile.`
  return [{ rule: 'column-fills-rows', message, place: statement.place, instead }]
}

function fillReason(added: AddedColumn): string | undefined {
  const column = sqlName(added.name)
  if (SERIAL.test(added.type)) return `The serial column ${column}`
  if (ofKind(added, 'CONSTR_IDENTITY') !== undefined) return `The identity column ${column}`
  const generated = ofKind(added, 'CONSTR_GENERATED')
  if (generated !== undefined) {
    return generated['generated_kind'] === 'v' ? undefined : `The stored generated column ${column}`
  }
  const volatile = volatileFunction(at(ofKind(added, 'CONSTR_DEFAULT'), 'raw_expr'), (name) =>
    added.around.isSteady(name),
  )
  return volatile === undefined ? undefined : `The default ${volatile}() of ${column}, which may be volatile,`
}

function requiredHazards(added: AddedColumn): readonly Hazard[] {
  const { table, name, statement, type } = added
  const isRequired = ofKind(added, 'CONSTR_NOTNULL') ?? ofKind(added, 'CONSTR_PRIMARY')
  const isFilled = ['CONSTR_DEFAULT', 'CONSTR_GENERATED', 'CONSTR_IDENTITY'].some((kind) => ofKind(added, kind))
  if (isRequired === undefined || isFilled || SERIAL.test(type)) return []
  const column = sqlName(name)
  return [
    {
      ...{ rule: 'column-without-default', place: statement.place },
      message: `${table}.${column} is NOT NULL without a default: it fails where there are rows.`,
      instead: `alter table ${table} add column ${column} <type> not null default <constant>;`,
    },
  ]
}

function inlineHazards(added: AddedColumn): readonly Hazard[] {
  const { table, name } = added
  const check = ofKind(added, 'CONSTR_CHECK')
  const unique = ofKind(added, 'CONSTR_UNIQUE') ?? ofKind(added, 'CONSTR_PRIMARY')
  const found: Hazard[] = []
  if (check !== undefined) found.push(checkHazard(added, { table, constraint: `${name}_check` }))
  if (unique !== undefined) found.push(indexHazard(added, unique, [name]))
  return found
}
