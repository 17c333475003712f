// How far each change is: its phase, and its tables with the place up to which they are filled.
import type { Sql } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { ChangeFailure, ChangePhase, ChangeStatus, ColumnChange } from './change.ts'

export interface ChangeRecord {
  readonly definition: ColumnChange
  readonly phase: ChangePhase
}

const order: readonly ChangePhase[] = ['expanded', 'backfilled', 'validated', 'switched', 'contracted']

/** The change of that name, held by this transaction where it asks for that. Throws INVALID_INPUT where there is none. */
export async function readChange(sql: Sql, name: string, lock: 'for update' | '' = ''): Promise<ChangeRecord> {
  const { rows } = await sql.query<ChangeRecord>(
    `select definition, phase from tenantry.change where name = $1 ${lock}`,
    [name],
  )
  if (rows[0] === undefined)
    throw new TenantryError('INVALID_INPUT', 'There is no change of that name.', { field: 'name' })
  return rows[0]
}

/** Notes a change, once; true where it was not known. Throws INVALID_INPUT where the name stands for another one. */
export async function openChange(tx: Sql, change: ColumnChange): Promise<boolean> {
  const definition = JSON.stringify(change)
  const { rows } = await tx.query<{ same: boolean; isNew: boolean }>(
    `insert into tenantry.change as c (name, definition) values ($1, $2)
     on conflict (name) do update set updated_at = now()
     returning c.definition = $2::jsonb as same, c.xmax = 0 as "isNew"`,
    [change.name, definition],
  )
  if (rows[0]?.same === true) return rows[0].isNew
  throw new TenantryError('INVALID_INPUT', `The name ${change.name} stands for another change.`, { field: 'name' })
}

/** Throws CHANGE_OUT_OF_ORDER where the change has not come as far as a verb needs. */
export function refuseBefore({ definition, phase }: ChangeRecord, needed: ChangePhase): void {
  if (order.indexOf(phase) >= order.indexOf(needed)) return
  throw new TenantryError(
    'CHANGE_OUT_OF_ORDER',
    `The change ${definition.name} is ${phase}, and has to be ${needed} first.`,
  )
}

/** Notes that a change has come as far as this; true where it had not before. */
export async function reachPhase(tx: Sql, name: string, phase: ChangePhase): Promise<boolean> {
  const before = order.slice(0, order.indexOf(phase))
  const { rowCount } = await tx.query(
    'update tenantry.change set phase = $2, updated_at = now() where name = $1 and phase = any ($3)',
    [name, phase, before],
  )
  return rowCount === 1
}

interface StatusRow {
  readonly name: string
  readonly phase: ChangePhase
  readonly targets: number
  readonly done: number
  readonly filled: number
  readonly failures: readonly ChangeFailure[]
}

/** Of one change, or of all by name. */
export async function readStatuses(sql: Sql, name: string | null): Promise<readonly ChangeStatus[]> {
  const { rows } = await sql.query<StatusRow>(
    `select c.name, c.phase, count(t.change)::integer as targets, (count(*) filter (where t.state = 'done'))::integer as done,
            coalesce(sum(t.filled), 0)::float8 as filled,
            coalesce(json_agg(json_build_object('tenantId', t.tenant_id, 'code', t.error_code, 'sqlState', t.sql_state)
              order by t.tenant_id) filter (where t.state = 'failed'), '[]') as failures
       from tenantry.change c left join tenantry.change_target t on t.change = c.name where $1::text is null or c.name = $1
      group by c.name order by c.name collate "C"`,
    [name],
  )
  return rows
}

export async function readStatus(sql: Sql, name: string): Promise<ChangeStatus> {
  const [status] = await readStatuses(sql, name)
  if (status !== undefined) return status
  throw new TenantryError('INVALID_INPUT', 'There is no change of that name.', { field: 'name' })
}
