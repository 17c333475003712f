// Columns: altered where their rows are kept.
import type { CatalogueObject } from '../catalogue.ts'
import { byHand, type Change, differs, type Mending, mendedBy, part, steps } from './mending.ts'

/** A column that is missing in a table that is there. */
export function addColumn(expected: CatalogueObject): Mending {
  if (part(expected, 'inherited') !== '') return byHand("It comes with its parent's column.")
  const value = part(expected, 'default')
  const inline = value === '' ? '' : ` default ${value}`
  const statement = `alter table ${part(expected, 'table')} add column if not exists ${part(expected, 'spec')}${inline}`
  const needsValue = part(expected, 'not null') === 'true' && value === '' && part(expected, 'generated') === ''
  const warning =
    needsValue && part(expected, 'identity') === '' ? 'Fails where the table has rows: they need a value first.' : null
  return mendedBy(steps(statement, expected.create), warning)
}

export function dropColumn(actual: CatalogueObject): Mending {
  const statement = `alter table ${part(actual, 'table')} drop column ${part(actual, 'column')}`
  return byHand(`To take it away with all that is in it: ${statement};`)
}

export function alterColumn(change: Change): Mending {
  const { expected, actual } = change
  if (part(expected, 'generated') !== '' && differs(change, 'generated')) {
    return byHand('A generated column changes by being dropped and added, which moves it behind the others.')
  }
  const table = part(expected, 'table')
  const alter = (what: string) => `alter table ${table} alter column ${part(expected, 'column')} ${what}`
  const type = differs(change, 'type') || differs(change, 'collation')
  const mend = steps(
    type && part(actual, 'default') !== '' && alter('drop default'),
    differs(change, 'generated') && alter('drop expression'),
    type && alter(typeOf(change)),
    ...notNullSteps(change, alter),
    (differs(change, 'default') || type) && (defaultStep(change, alter) ?? ''),
    ...identitySteps(change, alter),
    ...settingSteps(change, alter),
  )
  if (mend === null) return byHand('It is inherited in one of the two only: attach or detach its table.')
  return mendedBy(mend, type ? 'May write the whole table anew, under a lock.' : null)
}

type Alter = (what: string) => string

function typeOf({ expected, reference }: Change): string {
  const collation = part(expected, 'collation')
  const type = part(expected, 'type')
  // A type of the schema's own has no casts from others but by its text.
  const isOwn = reference.objects.some(({ kind, name }) => kind === 'type' && name === type.replace(/\[\]$/, ''))
  const value = `${part(expected, 'column')}${isOwn ? '::text' : ''}`
  return `type ${type}${collation === '' ? '' : ` collate ${collation}`} using ${value}::${type}`
}

function defaultStep({ expected, actual }: Change, alter: Alter): string | null {
  if (part(expected, 'generated') !== '') return null
  const value = part(expected, 'default')
  if (value !== '') return alter(`set default ${value}`)
  return part(actual, 'default') === '' ? null : alter('drop default')
}

function notNullSteps(change: Change, alter: Alter): readonly (string | null)[] {
  const { expected, actual } = change
  const [name, given] = [part(expected, 'not null name'), part(actual, 'not null name')]
  const table = part(expected, 'table')
  if (name !== '' && given !== '') {
    return [
      name !== given ? `alter table ${table} rename constraint ${given} to ${name}` : null,
      differs(change, 'not null not valid') && part(expected, 'not null') === 'true'
        ? `alter table ${table} validate constraint ${name}`
        : null,
    ]
  }
  if (!differs(change, 'not null')) return []
  if (part(expected, 'not null') !== 'true') return [alter('drop not null')]
  const named = `alter table ${table} add constraint ${name} not null ${part(expected, 'column')}`
  return [name === '' ? alter('set not null') : named]
}

function identitySteps(change: Change, alter: Alter): readonly (string | null)[] {
  const { expected, actual } = change
  if (!differs(change, 'identity')) return []
  const identity = part(expected, 'identity')
  if (identity === '') return [alter('drop identity')]
  if (part(actual, 'identity') !== '') return [alter(`set generated ${identity}`)]
  const added = /generated (?:always|by default) as identity \(.*\)$/s.exec(part(expected, 'spec'))
  return [part(actual, 'default') === '' ? null : alter('drop default'), added ? alter(`add ${added[0]}`) : null]
}

function settingSteps(change: Change, alter: Alter): readonly (string | null)[] {
  const { expected, actual } = change
  const gone = part(actual, 'options').replace(/=[^,]*/g, '')
  return [
    differs(change, 'storage')
      ? alter(`set storage ${part(expected, 'storage') || part(expected, 'storage by default')}`)
      : null,
    differs(change, 'compression') ? alter(`set compression ${part(expected, 'compression') || 'default'}`) : null,
    differs(change, 'statistics') ? alter(`set statistics ${part(expected, 'statistics') || '-1'}`) : null,
    differs(change, 'options') && gone !== '' ? alter(`reset (${gone})`) : null,
    differs(change, 'options') && part(expected, 'options') !== '' ? alter(`set (${part(expected, 'options')})`) : null,
  ]
}
