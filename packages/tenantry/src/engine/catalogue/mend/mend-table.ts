// Tables: never dropped, never made anew where rows may be in them.
import type { CatalogueObject } from '../catalogue.ts'
import {
  byHand,
  type Change,
  differs,
  entries,
  list,
  type Mending,
  mendedBy,
  ownerStep,
  part,
  steps,
} from './mending.ts'

export const dropTable = ({ name }: CatalogueObject): Mending =>
  byHand(`To take it away with all that is in it: drop table ${name};`)

export function alterTable(change: Change): Mending {
  const { expected, actual } = change
  const { name } = expected
  const fixed = ['kind', 'of', 'partition by'].find((what) => differs(change, what))
  if (fixed !== undefined) return byHand(`What it is (${fixed}) cannot be altered: make it anew and move its rows.`)
  const persistence = differs(change, 'unlogged')
    ? `alter table ${name} set ${part(expected, 'unlogged') === 'true' ? 'unlogged' : 'logged'}`
    : null
  const mend = steps(
    ...parentSteps(change),
    persistence,
    differs(change, 'method') && `alter table ${name} set access method ${part(expected, 'method') || 'heap'}`,
    ...optionSteps(change),
    identityStep(change),
    ownerStep(change, `table ${name}`),
  )
  const order = orderWarning(expected, actual)
  if (mend === null) return byHand(order ?? 'Its columns differ, which are listed by themselves.')
  return mendedBy(mend, persistence === null ? order : 'Writes the whole table anew, under a lock.')
}

function parentSteps(change: Change): readonly string[] {
  const { expected, actual } = change
  const { name } = expected
  if (!differs(change, 'bound') && !differs(change, 'inherits')) return []
  const [parents, given] = [list(expected, 'inherits'), list(actual, 'inherits')]
  const [bound, givenBound] = [part(expected, 'bound'), part(actual, 'bound')]
  const leave = given
    .filter((parent) => !parents.includes(parent) || bound !== givenBound)
    .map((parent) =>
      givenBound === '' ? `alter table ${name} no inherit ${parent}` : `alter table ${parent} detach partition ${name}`,
    )
  const enter = parents
    .filter((parent) => !given.includes(parent) || bound !== givenBound)
    .map((parent) =>
      bound === ''
        ? `alter table ${name} inherit ${parent}`
        : `alter table ${parent} attach partition ${name} ${bound}`,
    )
  return [...leave, ...enter]
}

function optionSteps(change: Change): readonly string[] {
  const { expected, actual } = change
  const [options, given] = [entries(expected, 'options'), entries(actual, 'options')]
  const gone = [...given.keys()].filter((key) => !options.has(key))
  const set = [...options].filter(([key, value]) => given.get(key) !== value)
  return [
    ...(gone.length === 0 ? [] : [`alter table ${expected.name} reset (${gone.join(', ')})`]),
    ...(set.length === 0
      ? []
      : [`alter table ${expected.name} set (${set.map(([key, value]) => `${key}=${value}`).join(', ')})`]),
  ]
}

function identityStep(change: Change): string | null {
  if (!differs(change, 'replica identity')) return null
  const identity = part(change.expected, 'replica identity')
  // The index that is one says so itself.
  return identity === 'index' ? null : `alter table ${change.expected.name} replica identity ${identity || 'default'}`
}

function orderWarning(expected: CatalogueObject, actual: CatalogueObject): string | null {
  const [columns, given] = [list(expected, 'columns'), list(actual, 'columns')]
  const after = [...given.filter((name) => columns.includes(name)), ...columns.filter((name) => !given.includes(name))]
  if (after.join() === columns.join()) return null
  return 'Its columns will be in another order, which only making it anew changes: it stays different.'
}
