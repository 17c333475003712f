// The verbs of a change over the control plane: which schema they work in, in what order they may come, and the record.
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import type { Clock } from '../../kernel/clock.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { quoteIdentifier } from '../../kernel/identifiers.ts'
import { recordFact } from '../../tenants/events.ts'
import { openTargets, runBackfill } from './backfill.ts'
import {
  type BackfillOptions,
  type ChangeOptions,
  type ChangePhase,
  type Changes,
  type ChangeStatus,
  checkChange,
  type ColumnChange,
} from './change.ts'
import { openChange, reachPhase, readChange, readStatus, readStatuses, refuseBefore } from './change-ledger.ts'
import { contractIn, expandIn, type InSchema, switchIn, validateIn } from './column-steps.ts'
import { withLockRetries } from './lock-retries.ts'

export interface ChangesOptions {
  readonly database: CentralDatabase
  readonly clock: Clock
}

const LOCK_TIMEOUT_MS = 2_000
const LOCK_RETRIES = 5

/** The changes of an instance. */
export function createChanges(options: ChangesOptions): Changes {
  const { database } = options
  return {
    expand: (change, act) => expand(options, change, act),
    backfill: (change, act) => backfill(options, change, act),
    validate: (name, act) => advance(options, name, { ...act, ...verbs.validate }),
    switch: (name, act) => advance(options, name, { ...act, ...verbs.switch }),
    contract: (name, act) => advance(options, name, { ...act, ...verbs.contract }),
    status: (name) => readStatus(database, name),
    list: () => readStatuses(database, null),
  }
}

interface Verb {
  readonly after: ChangePhase
  readonly phase: ChangePhase
  readonly work: (run: InSchema, change: ColumnChange) => Promise<void>
}

const verbs = {
  validate: { after: 'backfilled', phase: 'validated', work: validateIn },
  switch: { after: 'validated', phase: 'switched', work: switchIn },
  contract: { after: 'switched', phase: 'contracted', work: contractIn },
} as const satisfies Readonly<Record<string, Verb>>

async function expand(options: ChangesOptions, input: ColumnChange, act: ChangeOptions = {}): Promise<ChangeStatus> {
  const change = checkChange(input)
  refuseTenantSet(change, 'expandColumn')
  // Noted first: what is half made then is known, and expanding again ends it.
  await open(options, change, act.actor)
  const { phase } = await readChange(options.database, change.name)
  if (phase === 'expanded') await expandIn(inSchema(options, change, act), change)
  return readStatus(options.database, change.name)
}

async function backfill(
  { database, clock }: ChangesOptions,
  input: string | ColumnChange,
  options: BackfillOptions = {},
): Promise<ChangeStatus> {
  const name = typeof input === 'string' ? input : input.name
  if (typeof input !== 'string' && checkChange(input).set === 'tenant') {
    await open({ database, clock }, input, options.actor)
  }
  const { definition: change, phase } = await readChange(database, name)
  if (phase === 'contracted') return readStatus(database, name)
  // Whoever asks again after the end has found rows that are not filled: everything is looked through once more.
  await database.transaction((tx) => openTargets(tx, change, phase === 'expanded' ? 'failed' : 'all'))
  for (let before = -1, targets = await countTargets(database, change); targets !== before; ) {
    before = targets
    await runBackfill({ database, change, options })
    // Tenants that were created or restored meanwhile.
    if (options.signal?.aborted !== true) await database.transaction((tx) => openTargets(tx, change, 'new'))
    targets = await countTargets(database, change)
  }
  const status = await readStatus(database, name)
  if (status.done < status.targets) return status
  await reach({ database, clock }, change, { phase: 'backfilled', actor: options.actor })
  return readStatus(database, name)
}

async function countTargets(database: CentralDatabase, change: ColumnChange): Promise<number> {
  const { targets } = await readStatus(database, change.name)
  if (targets > 0 || change.set === 'tenant') return targets
  throw new TenantryError('CHANGE_OUT_OF_ORDER', `The change ${change.name} is not expanded yet.`)
}

async function advance(
  options: ChangesOptions,
  name: string,
  { after, phase, work, ...act }: Verb & ChangeOptions,
): Promise<ChangeStatus> {
  const record = await readChange(options.database, name)
  refuseTenantSet(record.definition, `${verbOf[phase]}Column`)
  refuseBefore(record, after)
  await work(inSchema(options, record.definition, act), record.definition)
  await reach(options, record.definition, { phase, actor: act.actor })
  return readStatus(options.database, name)
}

const verbOf: Readonly<Record<ChangePhase, string>> = {
  ...{ expanded: 'expand', backfilled: 'backfill', validated: 'validate', switched: 'switch', contracted: 'contract' },
}

/** Notes the change, and on record that it was begun and with which SQL. */
async function open({ database, clock }: ChangesOptions, change: ColumnChange, actor: string | undefined) {
  await database.transaction(async (tx) => {
    if (!(await openChange(tx, change))) return
    const { name, table, from, to, forward, back } = change
    const detail = { change: name, table, from, to: { name: to.name, type: to.type }, forward, back }
    await recordFact(tx, factOf({ phase: 'expanded', actor, clock, detail }))
  })
}

interface Fact extends Reached {
  readonly clock: Clock
  readonly detail: Readonly<Record<string, unknown>>
}

const factOf = ({ phase, actor = 'library', clock, detail }: Fact) => ({
  ...{ event: `change.${phase}`, action: `change.${verbOf[phase]}`, tenant: null },
  ...{ actor, at: new Date(clock.now()), detail },
})

interface Reached {
  readonly phase: ChangePhase
  readonly actor: string | undefined
}

/** Notes the phase, and that it was reached, where it had not been. */
async function reach(
  { database, clock }: ChangesOptions,
  { name, table }: ColumnChange,
  { phase, actor }: Reached,
): Promise<void> {
  await database.transaction(async (tx) => {
    if (!(await reachPhase(tx, name, phase))) return
    await recordFact(tx, factOf({ phase, actor, clock, detail: { change: name, table } }))
  })
}

/** Each piece of work is a transaction of its own in the schema of the table, tried again where a lock is taken. */
function inSchema({ database }: ChangesOptions, change: ColumnChange, options: ChangeOptions): InSchema {
  const { lockTimeoutMs = LOCK_TIMEOUT_MS, lockRetries = LOCK_RETRIES } = options
  const what = `the change ${change.name} of ${change.table}`
  return (work) =>
    withLockRetries(database, { lockTimeoutMs, lockRetries, what }, async (tx: Sql) => {
      await tx.query(`set local search_path = ${quoteIdentifier(change.schema ?? 'public')}, pg_temp`)
      return work(tx)
    })
}

// What a tenant's schema is like is proven against a reference that migrations alone make.
function refuseTenantSet({ name, set }: ColumnChange, helper: string): void {
  if (set !== 'tenant') return
  throw new TenantryError('INVALID_INPUT', `The change ${name} is of tenant schemas, which only migrations change.`, {
    ...{ field: 'set', fix: `Call ${helper} in a TypeScript migration of the tenant set.` },
  })
}
