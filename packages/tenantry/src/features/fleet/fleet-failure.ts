// What is told of a tenant that did not answer, and what is the statement's own fault. A server's message may quote values
// of a tenant, so none is passed on, nor kept as a cause.
import { sqlStateOf } from '../../engine/sql/database-errors.ts'
import { TenantryError } from '../../kernel/errors.ts'

/** An error without anything that could be a tenant's data. */
export function failureOf(error: unknown): TenantryError {
  const sqlState = sqlStateOf(error)
  const state = sqlState === undefined ? {} : { sqlState }
  if (error instanceof TenantryError) {
    return new TenantryError(error.code, error.message, { ...state, fix: error.fix, ...fieldOf(error) })
  }
  if (sqlState !== undefined) {
    return new TenantryError('DATABASE_ERROR', `The statement failed in this tenant (SQLSTATE ${sqlState}).`, {
      ...state,
      fix: 'Run the statement in this tenant alone to see the server’s message: tenantry sql <tenant>.',
    })
  }
  return new TenantryError('INTERNAL', 'The tenant could not be read.')
}

const fieldOf = ({ field }: TenantryError) => (field === undefined ? {} : { field })

const SYNTAX_ERROR = '42601'
const NOT_SUPPORTED = '0A000'

/** The error of a statement that no tenant could answer; undefined where the failure is one tenant's. */
export function refusalOf(error: unknown): TenantryError | undefined {
  if (error instanceof TenantryError) return isRefusal(error) ? error : undefined
  const sqlState = sqlStateOf(error)
  if (sqlState === SYNTAX_ERROR) return refused('PostgreSQL cannot read the statement: a syntax error.', sqlState)
  if (sqlState === NOT_SUPPORTED)
    return refused('The statement does more than reading, or cannot be read by a cursor.', sqlState)
  return undefined
}

const isRefusal = ({ code }: TenantryError) =>
  code === 'MULTIPLE_STATEMENTS' || code === 'STATEMENT_REFUSED' || code === 'INVALID_INPUT'

const refused = (message: string, sqlState: string) =>
  new TenantryError('STATEMENT_REFUSED', message, {
    sqlState,
    fix: 'Send one SELECT, VALUES, TABLE or WITH statement.',
  })
