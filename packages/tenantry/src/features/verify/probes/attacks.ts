// The attacks on one table, and how each outcome is judged. A fresh honey tenant owns nothing, so any row it sees is
// somebody else's, whether or not a marked row could be written.
import { TENANT_COLUMN } from '../../../engine/isolation/table-facts.ts'
import { quoteIdentifier, quoteLiteral } from '../../../kernel/identifiers.ts'
import type { Prelude } from '../../../engine/sql/prelude.ts'
import type { Honey, Identity } from './honey.ts'
import { insertOf, type MarkedRow, type RowValues, valuesFor } from './marked-row.ts'
import type { Attempt, Outcome } from './probe-session.ts'
import type { TargetTable } from './targets.ts'

export type Verdict = 'held' | 'breached' | { readonly notRun: string }

/** One attack. */
export interface Attack {
  readonly name: string
  /** Statements in order; the first under its own prelude, the rest under what that one left. */
  readonly first: Attempt
  readonly further?: readonly Attempt[]
  readonly judge: (outcome: Outcome) => Verdict
}

const DENIED = '42501'
const refusals = new Set([DENIED, 'TN001', 'TN002', 'TN003'])
const DIVISION_BY_ZERO = '22012'
const INTEGRITY = '23'

/** Any row at all is a breach. */
export function seesNothing({ rows, rowCount, refused }: Outcome): Verdict {
  if (refused === undefined) return rows.length > 0 || rowCount > 0 ? 'breached' : 'held'
  return refusals.has(refused) ? 'held' : unclear(refused)
}

/** A row that got past the policy makes the tripwire divide by zero, before anything is done to it. */
export function touchesNothing({ rowCount, refused }: Outcome): Verdict {
  if (refused === undefined) return rowCount > 0 ? 'breached' : 'held'
  if (refused === DIVISION_BY_ZERO) return 'breached'
  return refusals.has(refused) ? 'held' : unclear(refused)
}

/** The policy speaks before the constraints do: one of theirs means that the policy let the row through. */
export function writesNothing({ rowCount, refused, routine }: Outcome): Verdict {
  if (refused === undefined) return rowCount > 0 ? 'breached' : { notRun: 'a trigger kept the row from being written' }
  if (refusals.has(refused)) return 'held'
  const passed = refused.startsWith(INTEGRITY) && routine !== 'ExecFindPartition'
  return passed ? 'breached' : unclear(refused)
}

/**
 * As writesNothing, where the attacker looks for the row among its own afterwards: a trigger may have put the right
 * tenant into it. RETURNING would not do, because it brings the SELECT policies in.
 */
export function handsNothingOver(outcome: Outcome): Verdict {
  const { rows, began = 0, refused } = outcome
  if (refused !== undefined || began === 0) return writesNothing({ ...outcome, rowCount: began })
  return rows.length > 0 ? 'held' : 'breached'
}

/** Anything but a denial means that the right is there. */
export function isDenied({ refused }: Outcome): Verdict {
  return refused === DENIED ? 'held' : 'breached'
}

function unclear(refused: string): Verdict {
  return { notRun: refused === '57014' ? 'it took longer than 5 seconds' : `it failed with SQLSTATE ${refused}` }
}

// No column is named, so no SELECT policy helps the one under attack; random() keeps the planner from computing it.
const TRIPWIRE = '1 / (random() * 0)::integer = 1'

export interface AttackPlan {
  readonly honey: Honey
  readonly table: TargetTable
  readonly victim: Identity
  readonly attacker: Identity
  readonly marked: MarkedRow | undefined
  /** Reads only. */
  readonly readOnly: boolean
}

/** Every attack on the table that can be tried with what there is. */
export function attacksOn(plan: AttackPlan): readonly Attack[] {
  return [...reads(plan), ...entrances(plan), ...(plan.readOnly ? [] : writes(plan))]
}

/** Those of a further attacker, whose entrance alone differs. */
export function furtherAttacksOn(plan: AttackPlan, who: string): readonly Attack[] {
  const named = (attack: Attack) => ({ ...attack, name: `${attack.name} by ${who}` })
  // Shared tables were attacked by a row tenant before, and the test on them is the same for all.
  if (!plan.table.hasTenantColumn) return [...reads(plan), ...(plan.readOnly ? [] : writes(plan))].map(named)
  return [...reads(plan).slice(0, 1), ...(plan.readOnly ? [] : [insertAsVictim(plan)])].map(named)
}

const readOf = (table: TargetTable) => `select 1 from ${table.name} limit 1`

function reads(plan: AttackPlan): readonly Attack[] {
  const { table, victim } = plan
  const as = plan.attacker.prelude()
  const read = readOf(table)
  const attack = (name: string, text: string, ...further: Attempt[]): Attack => ({
    ...{ name, first: { as, text }, further, judge: seesNothing },
  })
  const prepared = { text: read, statementName: `tenantry_probe:${table.name}` }
  const attacks: Attack[] = [
    attack('read', read),
    attack('cursor', `declare tenantry_probe no scroll cursor for ${read}`, { text: 'fetch all from tenantry_probe' }),
    attack('copy to', `copy (${read}) to stdout`),
    attack('row_security off', 'set local row_security = off', { text: read }),
    {
      name: 'prepared statement',
      first: { as: victim.prelude(), ...prepared },
      further: [{ as, ...prepared }],
      judge: seesNothing,
    },
  ]
  if (!table.hasTenantColumn) return attacks
  const byId = `select 1 from ${table.name} where ${TENANT_COLUMN} = ${quoteLiteral(victim.id)} limit 1`
  return [...attacks, attack('read by tenant_id', byId)]
}

/** Ways in that are none: contexts that must not be believed, and the roles beneath. */
function entrances({ honey, table, victim, attacker }: AttackPlan): readonly Attack[] {
  const read = readOf(table)
  const under = (name: string, as: Prelude, leave?: string): Attack => ({
    ...{ name, judge: seesNothing, first: { as, text: leave ?? read } },
    further: leave === undefined ? [] : [{ text: read }],
  })
  return [
    under('without a context', honey.missing()),
    under('with an unsigned context', honey.unsigned(victim.id)),
    under('with a swapped tenant', honey.swapped(attacker.id, victim.id)),
    under('with an expired context', honey.expired(victim.id)),
    under('as the login', attacker.prelude(), 'set local role none'),
    under('after RESET ROLE', attacker.prelude(), 'reset role'),
  ]
}

function writes(plan: AttackPlan): readonly Attack[] {
  const { table, attacker } = plan
  const as = attacker.prelude()
  const attacks: Attack[] = [
    insertAsVictim(plan),
    { name: 'delete', first: { as, text: `delete from ${table.name} where ${TRIPWIRE}` }, judge: touchesNothing },
    { name: 'truncate', first: { as, text: `truncate ${table.name}` }, judge: isDenied },
  ]
  const column = table.columns.find(({ generated }) => !generated)
  if (column !== undefined) {
    const text = `update ${table.name} set ${quoteIdentifier(column.name)} = default where ${TRIPWIRE}`
    attacks.push({ name: 'update', first: { as, text }, judge: touchesNothing })
  }
  return attacks
}

function insertAsVictim({ table, attacker, victim, marked }: AttackPlan): Attack {
  const made = marked ? undefined : valuesFor(table, { tenantId: victim.id, given: {}, turn: 0 })
  const bare: RowValues = table.hasTenantColumn ? { [TENANT_COLUMN]: victim.id } : {}
  const values = marked?.written ?? (made && 'values' in made ? made.values : bare)
  const first = { as: attacker.prelude(), ...insertOf(table, values) }
  if (!table.hasTenantColumn) return { name: 'insert', first, judge: writesNothing }
  return { name: 'insert', first, further: [{ text: ownRowOf(table, attacker) }], judge: handsNothingOver }
}

const ownRowOf = (table: TargetTable, { id }: Identity) =>
  `select 1 from ${table.name} where ${TENANT_COLUMN} = ${quoteLiteral(id)} limit 1`

/**
 * What the attacker can try with a row of its own: to give it away, and to write it over the victim's. Giving away
 * names no column, because whatever reads columns is under the SELECT policies as well; so it is only tried where
 * updates were held, and the attacker's own row is all that it can meet.
 */
export function attacksWith(own: MarkedRow, plan: AttackPlan, updatesAreHeld: boolean): readonly Attack[] {
  const { table, attacker, victim, marked } = plan
  const as = attacker.prelude()
  const move = `update ${table.name} set ${TENANT_COLUMN} = ${quoteLiteral(victim.id)}`
  const look = [{ text: ownRowOf(table, attacker) }]
  const away: Attack = { name: 'give a row away', first: { as, text: move }, further: look, judge: handsNothingOver }
  const attacks = updatesAreHeld ? [away] : []
  const key = table.primaryKey
  if (!marked || key.length === 0 || key.includes(TENANT_COLUMN)) return attacks
  const taken = { ...own.written, ...Object.fromEntries(key.map((name) => [name, marked.row[name] ?? null])) }
  const takeOver = `on conflict (${key.map(quoteIdentifier).join(', ')}) do update set ${TENANT_COLUMN} = excluded.${TENANT_COLUMN}`
  return [...attacks, { name: 'upsert', first: { as, ...insertOf(table, taken, takeOver) }, judge: takesNothing }]
}

// Another unique key may speak first; it tells that the value exists, which is no secret kept by policies.
function takesNothing(outcome: Outcome): Verdict {
  return outcome.refused === '23505' ? 'held' : writesNothing(outcome)
}

/** COPY of the table itself; only where reads were held, because otherwise it sends the table or waits for rows. */
export function copiesOf({ table, attacker, readOnly }: AttackPlan): readonly Attack[] {
  const as = attacker.prelude()
  const away: Attack = {
    name: 'copy table to',
    first: { as, text: `copy ${table.name} to stdout` },
    judge: seesNothing,
  }
  if (readOnly) return [away]
  return [away, { name: 'copy from', first: { as, text: `copy ${table.name} from stdin` }, judge: isNotTaken }]
}

// PostgreSQL refuses COPY FROM under row-level security as a whole.
function isNotTaken({ refused }: Outcome): Verdict {
  return refused === '0A000' || refused === DENIED ? 'held' : 'breached'
}
