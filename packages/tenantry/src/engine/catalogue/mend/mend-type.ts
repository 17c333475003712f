// Types and sequences.
import { quoteLiteral } from '../../../kernel/identifiers.ts'
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

export function alterType(change: Change): Mending {
  const { expected, actual } = change
  const word = part(expected, 'domain') === '' ? 'type' : 'domain'
  const owner = ownerStep(change, `${word} ${expected.name}`)
  if (part(expected, 'enum') !== '' && part(actual, 'enum') !== '') return alterEnum(change, owner)
  if (word === 'domain' && !differs(change, 'domain') && !differs(change, 'collation'))
    return alterDomain(change, owner)
  if (part(expected, 'attributes') !== '' && part(actual, 'attributes') !== '') return alterComposite(change, owner)
  return byHand('A type cannot be altered in this: make it anew and move its columns.')
}

function alterEnum(change: Change, owner: string | null): Mending {
  const { expected, actual } = change
  const [labels, given] = [list(expected, 'enum'), list(actual, 'enum')]
  if (labels.filter((label) => given.includes(label)).join('\0') !== given.join('\0')) {
    return byHand('Labels of an enum cannot be taken away or moved: make the type anew and move its columns.')
  }
  const added = labels.flatMap((label, at) => {
    if (given.includes(label)) return []
    const before = labels[at - 1]
    const place = before === undefined ? ` before ${quoteLiteral(given[0] ?? label)}` : ` after ${quoteLiteral(before)}`
    return [`alter type ${expected.name} add value ${quoteLiteral(label)}${given.length === 0 ? '' : place}`]
  })
  return mendedBy(steps(...added, owner))
}

function alterDomain(change: Change, owner: string | null): Mending {
  const { expected, actual } = change
  const alter = `alter domain ${expected.name}`
  const checks = (from: Change['expected']) => [...entries(from, 'checks')].filter(([, text]) => text !== 'NOT NULL')
  const [wanted, given] = [new Map(checks(expected)), new Map(checks(actual))]
  const gone = [...given].filter(([name, text]) => wanted.get(name) !== text)
  const added = [...wanted].filter(([name, text]) => given.get(name) !== text)
  const mend = steps(
    ...gone.map(([name]) => `${alter} drop constraint ${name}`),
    ...added.map(([name, text]) => `${alter} add constraint ${name} ${text}`),
    differs(change, 'default') &&
      `${alter} ${part(expected, 'default') === '' ? 'drop default' : `set default ${part(expected, 'default')}`}`,
    differs(change, 'not null') && `${alter} ${part(expected, 'not null') === 'true' ? 'set' : 'drop'} not null`,
    owner,
  )
  return mendedBy(mend, added.length > 0 ? 'Checks every value of the domain, under locks.' : null)
}

function alterComposite(change: Change, owner: string | null): Mending {
  const { expected, actual } = change
  const [attributes, given] = [[...entries(expected, 'attributes')], [...entries(actual, 'attributes')]]
  const isPrefix = given.every(([name, type], at) => attributes[at]?.[0] === name && attributes[at][1] === type)
  if (!isPrefix) return byHand('Its attributes can be dropped and moved only with what columns hold in them.')
  const added = attributes.slice(given.length)
  return mendedBy(
    steps(...added.map(([name, type]) => `alter type ${expected.name} add attribute ${name} ${type} cascade`), owner),
  )
}

export function alterSequence(change: Change): Mending {
  const { expected } = change
  const { name } = expected
  const ownedBy = part(expected, 'owned by') || 'none'
  const unlogged = part(expected, 'unlogged') === 'true' ? 'unlogged' : 'logged'
  return mendedBy(
    steps(
      differs(change, 'type') && !expected.isPart && `alter sequence ${name} as ${part(expected, 'type')}`,
      differs(change, 'options') && `alter sequence ${name} ${part(expected, 'options')}`,
      differs(change, 'owned by') && !expected.isPart && `alter sequence ${name} owned by ${ownedBy}`,
      differs(change, 'unlogged') && !expected.isPart && `alter sequence ${name} set ${unlogged}`,
      // One that belongs to a column goes with its table.
      ownedBy === 'none' && ownerStep(change, `sequence ${name}`),
    ),
  )
}
