// The rules that need only the statement: what is refused everywhere, what is refused on shared
// connections, and how a prepared statement is named on the server.
import { createHash } from 'node:crypto'
import { TenantryError } from '../../kernel/errors.ts'
import type { ScopedTenant } from '../context/scope.ts'
import type { Statement } from './statement.ts'

/** Refuses what would leave residue on the session, whoever runs it. */
export function refuseResidue(statement: Statement): void {
  if (statement.residue === undefined) return
  throw new TenantryError('STATEMENT_REFUSED', `${statement.keyword.toUpperCase()} was refused: ${statement.residue}.`)
}

// No cursor of the caller's own can be open where each statement is a transaction: only one that another left behind.
const CURSOR_KEYWORDS: ReadonlySet<string> = new Set(['fetch', 'move', 'close'])

/** Refuses transaction control, DO, CALL, COPY and cursors in pool.query(), where no client belongs to the caller. */
export function refuseOnPool(statement: Statement): void {
  refuseResidue(statement)
  if (statement.control !== undefined || statement.needsOwnClient || CURSOR_KEYWORDS.has(statement.keyword)) {
    throw new TenantryError(
      'STATEMENT_REFUSED',
      `${statement.keyword.toUpperCase()} was sent without a client of its own.`,
      { fix: 'Use scope.transaction(), or check a client out with pool.connect().' },
    )
  }
}

/**
 * Refuses DO and CALL where a scope only reads: in PostgreSQL 15 what they run can RESET transaction_read_only and write
 * before the next prelude, and there is little that they do beside writing.
 */
export function refuseUnseen(statement: Statement): void {
  throw new TenantryError('TENANT_READ_ONLY', `${statement.keyword.toUpperCase()} was sent in a scope that only reads.`)
}

/** Refuses in a batch what pool.query() refuses, and an empty text, which the server answers with nothing to count. */
export function refuseInBatch(statement: Statement): void {
  refuseOnPool(statement)
  if (statement.isEmpty) throw new TenantryError('INVALID_INPUT', 'A statement of the batch is empty.')
}

/** Refuses transaction control in a query object that sends itself. */
export function refuseControl({ control }: Statement): void {
  if (control === undefined) return
  throw new TenantryError('STATEMENT_REFUSED', 'Transaction control was sent as a query object.', {
    fix: 'Send it as text: client.query("begin").',
  })
}

/** Refuses what would begin or end the transaction under an engine-made one. Savepoints are the user's own. */
export function refuseEnding({ control }: Statement): void {
  if (control !== 'begin' && control !== 'end') return
  throw new TenantryError('STATEMENT_REFUSED', 'Transaction control was sent inside a scoped transaction.', {
    fix: 'Return from the callback to commit, throw to roll back; savepoints are allowed.',
  })
}

/**
 * The server-side name of a user's named statement. A schema tenant's carries tenant and migration version, because
 * the same text means other tables there, and because a plan must not outlive its tables' shape.
 */
export function statementNameFor(name: string | undefined, tenant: ScopedTenant): string | undefined {
  if (name === undefined || name === '') return undefined
  const full = tenant.isolation === 'row' ? `u:${name}` : `${tenant.id}:${tenant.migrationVersion}:${name}`
  return Buffer.byteLength(full) > LONGEST_NAME ? `h:${hashOf(full)}` : full
}

/**
 * The name under which the text of a single statement is prepared on shared connections, once it has run before: planning
 * it under a policy costs more than running it. Not for schema tenants, where each tenant needs a plan of its own and a
 * connection would soon hold too many; nor for texts with literals, which every tenant could read in
 * pg_prepared_statements.
 */
export function ownNameFor({ serial, pace, keyword }: Statement, tenant: ScopedTenant): string | undefined {
  if (serial === undefined || pace.ms === 0 || tenant.isolation !== 'row') return undefined
  return PLANNED.has(keyword) ? `t:${serial}` : undefined
}

const PLANNED = new Set(['select', 'insert', 'update', 'delete', 'merge', 'with'])
// PostgreSQL tells two names apart by their first 63 bytes alone.
const LONGEST_NAME = 63

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 60)
