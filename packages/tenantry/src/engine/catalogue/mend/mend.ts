// The statements that make an object of a schema what it is in the reference.
import { quoteLiteral } from '../../../kernel/identifiers.ts'
import type { CatalogueKind, CatalogueObject, SchemaCatalogue } from '../catalogue.ts'
import * as code from './mend-code.ts'
import { addColumn, alterColumn, dropColumn } from './mend-column.ts'
import { alterGrant, revokeGrant } from './mend-grant.ts'
import { alterTable, dropTable } from './mend-table.ts'
import { alterSequence, alterType } from './mend-type.ts'
import { anew, byHand, type Change, type Mending, mendedBy, ownerStep, part } from './mending.ts'

const altered: Readonly<Record<CatalogueKind, (change: Change) => Mending>> = {
  schema: ({ expected }) =>
    mendedBy(
      `do $tenantry$ begin execute format('alter schema %I owner to %I', current_schema(), ${quoteLiteral(part(expected, 'owner'))}); end $tenantry$`,
    ),
  type: alterType,
  sequence: alterSequence,
  table: alterTable,
  column: alterColumn,
  constraint: code.alterConstraint,
  index: code.alterIndex,
  view: code.alterView,
  function: code.alterFunction,
  trigger: code.alterTrigger,
  policy: code.alterPolicy,
  rule: code.alterRule,
  statistics: (change) =>
    anew(
      change.expected,
      ownerStep(change, `statistics ${change.expected.name}`) ?? `drop statistics ${change.actual.name}`,
    ),
  grant: alterGrant,
}

export const mendDifferent = (change: Change): Mending => altered[change.expected.kind](change)

/** `actual` tells a column of a missing table, which comes with it, from one that is to be added. */
export function mendMissing(expected: CatalogueObject, actual: SchemaCatalogue): Mending {
  if (expected.kind === 'column') {
    const table = part(expected, 'table')
    const isThere = actual.objects.some(({ kind, name }) => kind === 'table' && name === table)
    if (isThere) return addColumn(expected)
  }
  if (expected.create === null && expected.isPart) return mendedBy(null, 'It comes with what it belongs to.')
  return anew(expected)
}

const dropped: Readonly<Record<CatalogueKind, (actual: CatalogueObject) => Mending>> = {
  schema: () => byHand('It is no object of a schema.'),
  type: ({ name, details }) => mendedBy(`drop ${details.domain === undefined ? 'type' : 'domain'} ${name}`),
  sequence: ({ name, isPart }) =>
    isPart ? byHand('It goes with the identity of its column.') : mendedBy(`drop sequence ${name}`),
  table: dropTable,
  column: dropColumn,
  constraint: code.dropConstraint,
  index: ({ name }) => mendedBy(`drop index ${name}`),
  view: ({ name }) => mendedBy(`drop view ${name}`),
  function: ({ name }) => mendedBy(`drop routine ${name}`),
  trigger: code.dropTrigger,
  policy: code.dropPolicy,
  rule: code.dropRule,
  statistics: ({ name }) => mendedBy(`drop statistics ${name}`),
  grant: revokeGrant,
}

export const mendExtra = (actual: CatalogueObject): Mending => dropped[actual.kind](actual)
