// Rows of operators and elevations, and the statements that more than one verb needs.
import type { Sql } from '../../engine/sql/database.ts'
import type { Elevation, Operator, OperatorRole } from './operator.ts'

export interface OperatorRow {
  readonly user_id: string
  readonly role: OperatorRole
  readonly created_at: Date
}

export interface ElevationRow {
  readonly id: string
  readonly user_id: string
  readonly reason: string
  readonly created_at: Date
  readonly expires_at: Date
  readonly ended_at: Date | null
}

/** The columns of an ElevationRow: the hash of the token stays where it is. */
export const elevationColumns = 'id, user_id, reason, created_at, expires_at, ended_at'

export function toOperator(row: OperatorRow): Operator {
  return { userId: row.user_id, role: row.role, createdAt: row.created_at.toISOString() }
}

export function toElevation(row: ElevationRow): Elevation {
  return {
    id: row.id,
    userId: row.user_id,
    reason: row.reason,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
  }
}

/** The operator, whose row this transaction holds from here on; undefined where the user is none. */
export async function lockOperator(tx: Sql, userId: string): Promise<Operator | undefined> {
  const { rows } = await tx.query<OperatorRow>('select * from tenantry.operator where user_id = $1 for update', [
    userId,
  ])
  return rows[0] && toOperator(rows[0])
}

/** Ends what a user has open; returns the ids. */
export async function endElevationsOf(tx: Sql, userId: string): Promise<readonly string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `update tenantry.elevation set ended_at = now()
      where user_id = $1 and ended_at is null and expires_at > now() returning id`,
    [userId],
  )
  return rows.map(({ id }) => id)
}

/** The one row of a statement that cannot miss, because this transaction holds what it touches. */
export function only<R>(rows: readonly R[]): R {
  const [row] = rows
  if (row === undefined) throw new Error('a row that this transaction holds was not returned')
  return row
}
