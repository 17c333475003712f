// Attacks one table, in a transaction that is rolled back, and puts what came of it into checks.
import type { Sql } from '../../../engine/sql/database.ts'
import type { VerifyCheck } from '../check.ts'
import {
  type Attack,
  type AttackPlan,
  attacksOn,
  attacksWith,
  furtherAttacksOn,
  copiesOf,
  type Verdict,
} from './attacks.ts'
import type { Honey, Identity } from './honey.ts'
import { insertMarkedRow, type Marking } from './marked-row.ts'
import type { ProbeSession } from './probe-session.ts'
import type { Repairs } from './repairs.ts'
import type { TargetTable } from './targets.ts'

export interface TableProbeOptions {
  readonly session: ProbeSession
  /** The control plane's view: says whether there are rows at all. */
  readonly central: Sql
  readonly honey: Honey
  readonly tables: ReadonlyMap<string, TargetTable>
  readonly repairs: Repairs
  readonly readOnly: boolean
}

export interface TableUnderAttack {
  readonly table: TargetTable
  readonly victim: Identity
  readonly attacker: Identity
  /** More attackers, of the other isolation or of the next schema. */
  readonly others: readonly { readonly who: string; readonly identity: Identity }[]
}

interface Tried {
  readonly attack: string
  readonly verdict: Verdict
  /** SQLSTATE of the refusal. */
  readonly refused: string | undefined
}

/** Everything that was found out about one table. */
export async function probeTable(
  options: TableProbeOptions,
  target: TableUnderAttack,
): Promise<readonly VerifyCheck[]> {
  const { session } = options
  return session.rolledBack(async () => {
    const marking = await markingOf(options, target)
    const marked = 'reason' in marking ? undefined : marking
    const plan: AttackPlan = { honey: options.honey, marked, readOnly: options.readOnly, ...target }
    const further = target.others.flatMap(({ who, identity }) => furtherAttacksOn({ ...plan, attacker: identity }, who))
    const tried = await attempt(session, [...attacksOn(plan), ...further])
    if (isClean(tried)) tried.push(...(await copyAttacks(session, plan)))
    tried.push(...(await ownRowAttacks(options, plan, isClean(tried))))
    const proven = marked !== undefined || isClosed(tried) || (await hasRows(options.central, target.table))
    return checksOf(options.repairs, target.table, { tried, unproven: proven ? undefined : reasonOf(marking) })
  })
}

const READ_ONLY: Marking = { reason: 'the table is empty, and nothing may be written' }

async function markingOf(options: TableProbeOptions, { table, victim }: TableUnderAttack): Promise<Marking> {
  const { session, tables, readOnly } = options
  if (readOnly) return READ_ONLY
  const marking = await insertMarkedRow({ session, as: victim, tables }, table)
  const parent = 'reason' in marking ? tables.get(table.parent ?? '') : undefined
  if (!parent) return marking
  // What may not be written by its own name may be reached through the whole.
  const through = await insertMarkedRow({ session, as: victim, tables }, parent)
  return 'tableOid' in through && through.tableOid === table.oid ? through : marking
}

const isClean = (tried: readonly Tried[]) => tried.every(({ verdict }) => verdict !== 'breached')
const reasonOf = (marking: Marking) => ('reason' in marking ? marking.reason : '')

async function copyAttacks(session: ProbeSession, plan: AttackPlan): Promise<Tried[]> {
  const tried: Tried[] = []
  // One at a time: a COPY that the server takes up would swallow what is sent behind it.
  for (const attack of copiesOf(plan)) tried.push(...(await attempt(session, [attack])))
  return tried
}

/** Last, because from here on the attacker has a row that it may see. */
async function ownRowAttacks(
  { session, tables }: TableProbeOptions,
  plan: AttackPlan,
  clean: boolean,
): Promise<Tried[]> {
  const { table } = plan
  if (plan.readOnly || !table.hasTenantColumn) return []
  const own = await insertMarkedRow({ session, as: plan.attacker, tables }, table)
  return 'reason' in own ? [] : attempt(session, attacksWith(own, plan, clean))
}

async function attempt(session: ProbeSession, attacks: readonly Attack[]): Promise<Tried[]> {
  return Promise.all(
    attacks.map(async ({ name, first, further = [], judge }) => {
      const outcome = await session.attempt(first, ...further)
      return { attack: name, verdict: judge(outcome), refused: outcome.refused }
    }),
  )
}

// A partition, say, on which the application has no rights at all needs no row to show that.
const isClosed = (tried: readonly Tried[]) =>
  tried.some(({ attack, refused }) => attack === 'read' && refused === '42501')

async function hasRows(central: Sql, { name }: TargetTable): Promise<boolean> {
  // A table that the admin may not read is one of which nothing is known.
  const answer = central
    .query<{ found: boolean }>(`select exists (select from ${name}) as found`)
    .catch(() => undefined)
  return (await answer)?.rows[0]?.found ?? false
}

interface Findings {
  readonly tried: readonly Tried[]
  /** Why a clean result would prove nothing. */
  readonly unproven: string | undefined
}

function checksOf(repairs: Repairs, table: TargetTable, { tried, unproven }: Findings): readonly VerifyCheck[] {
  const subject = table.name
  const checks: VerifyCheck[] = []
  for (const { attack, verdict } of tried) {
    const name = `probe: ${attack}`
    if (verdict === 'breached') checks.push({ name, ok: false, subject, fix: repairs.table(table, attack) })
    else if (verdict !== 'held') checks.push(skipped(name, subject, verdict.notRun))
  }
  if (unproven !== undefined && checks.length === 0) checks.push(skipped('probe: rows', subject, unproven))
  if (checks.length > 0) return checks
  return [{ name: 'probe: rows', ok: true, subject, ran: tried.map(({ attack }) => attack) }]
}

/** A probe that proves nothing. */
export function skipped(name: string, subject: string, reason: string): VerifyCheck {
  const fix = `This was not probed: ${reason}. Mend that, or accept it with --allow-skipped.`
  return { name, ok: false, subject, skipped: reason, fix }
}
