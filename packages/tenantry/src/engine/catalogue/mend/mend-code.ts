// What holds no rows, and so can be dropped and made again: views, functions, constraints, indexes, triggers, policies.
import type { CatalogueObject } from '../catalogue.ts'
import { anew, byHand, type Change, differs, type Mending, mendedBy, ownerStep, part, steps } from './mending.ts'

export function alterConstraint(change: Change): Mending {
  const { expected, actual } = change
  if (expected.isPart) return byHand("It comes with its parent's constraint.")
  const table = part(expected, 'table')
  const isUnproven = part(actual, 'definition') === `${part(expected, 'definition')} NOT VALID`
  if (isUnproven && !differs(change, 'enforcement switched off')) {
    return mendedBy(
      `alter table ${table} validate constraint ${part(expected, 'constraint')}`,
      'Fails where a row breaks it.',
    )
  }
  if (isSameButCluster(change)) return mendedBy(clusterStep(change))
  const { mend, warning } = anew(expected, dropConstraint(actual).mend)
  return mendedBy(
    mend,
    warning ?? 'Checks every row under a lock; fails where one breaks it, or where a key is referred to.',
  )
}

export const dropConstraint = (actual: CatalogueObject): Mending =>
  actual.isPart
    ? byHand("It goes with its parent's constraint.")
    : mendedBy(`alter table ${part(actual, 'table')} drop constraint ${part(actual, 'constraint')}`)

export function alterIndex(change: Change): Mending {
  const { expected, actual } = change
  if (isSameButCluster(change) && part(actual, 'valid') === 'true') return mendedBy(clusterStep(change))
  const { mend, warning } = anew(expected, `drop index ${actual.name}`)
  return mendedBy(mend, warning ?? 'Writes to the table wait while it is built; build it concurrently by hand instead.')
}

const isSameButCluster = (change: Change): boolean =>
  differs(change, 'clustered') &&
  !Object.keys(change.expected.details).some((name) => name !== 'clustered' && differs(change, name))

const clusterStep = ({ expected }: Change): string =>
  `alter table ${part(expected, 'table')} ${part(expected, 'clustered') === 'true' ? `cluster on ${part(expected, 'constraint') || expected.name}` : 'set without cluster'}`

export function alterView(change: Change): Mending {
  const { expected } = change
  const owner = ownerStep(change, `view ${expected.name}`)
  if (expected.create === null) return anew(expected)
  if (!differs(change, 'columns'))
    return mendedBy(steps(expected.create.replace(/^create/, 'create or replace'), owner))
  const grants = change.reference.objects.find(
    ({ kind, name }) => kind === 'grant' && name === `table ${expected.name}`,
  )
  return mendedBy(
    steps(`drop view ${expected.name}`, expected.create, grants?.create),
    'Fails where other views or functions use it.',
  )
}

export function alterFunction(change: Change): Mending {
  const { expected, actual } = change
  const owner = ownerStep(change, `routine ${expected.name}`)
  const head = (object: CatalogueObject) => part(object, 'definition').split(/\n LANGUAGE /)[0]
  if (head(expected) !== head(actual)) {
    return byHand(`Its arguments or result differ: drop routine ${actual.name}, with what uses it, then make it again.`)
  }
  if (!differs(change, 'definition')) return mendedBy(owner)
  return anew(expected)
}

export function alterTrigger(change: Change): Mending {
  const { expected, actual } = change
  const [table, name] = [part(expected, 'table'), part(expected, 'trigger')]
  const state = `alter table ${table} ${part(expected, 'state')} trigger ${name}`
  if (!differs(change, 'definition')) return mendedBy(state)
  return anew(expected, dropTrigger(actual).mend)
}

export const dropTrigger = (actual: CatalogueObject): Mending =>
  mendedBy(`drop trigger ${part(actual, 'trigger')} on ${part(actual, 'table')}`)

export function alterRule(change: Change): Mending {
  const { expected } = change
  const state = `alter table ${part(expected, 'table')} ${part(expected, 'state')} rule ${part(expected, 'rule')}`
  if (!differs(change, 'definition')) return mendedBy(state)
  return mendedBy(steps(expected.create?.replace(/^create (?:or replace )?rule/i, 'create or replace rule')))
}

export const dropRule = (actual: CatalogueObject): Mending =>
  mendedBy(`drop rule ${part(actual, 'rule')} on ${part(actual, 'table')}`)

/** The guard is made anew in one go; until then its table shows no row. */
export const alterPolicy = ({ expected, actual }: Change): Mending => anew(expected, dropPolicy(actual).mend)

export const dropPolicy = (actual: CatalogueObject): Mending =>
  part(actual, 'policy') === ''
    ? mendedBy(null)
    : mendedBy(`drop policy ${part(actual, 'policy')} on ${part(actual, 'table')}`)
