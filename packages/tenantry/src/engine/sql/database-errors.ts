// Turns what the driver and the server throw into errors of the one table, where there is a code for it. Pure.
import type { ErrorCode } from '../../kernel/error-codes.ts'
import { TenantryError } from '../../kernel/errors.ts'

type Mapped = readonly [code: ErrorCode, message: string]

const GONE = 'The connection to the database was lost, or could not be made'

// SQLSTATEs that Tenantry's own SQL functions raise, and those that say something about the server rather than the
// statement. Class 08 is matched by its prefix.
const bySqlState: Readonly<Record<string, Mapped>> = {
  TN001: ['TENANT_CONTEXT_MISSING', 'The statement touched tenant data without a tenant in scope.'],
  TN002: ['CONTEXT_INVALID', 'The database refused the tenant context: its signature does not match.'],
  TN003: ['CONTEXT_EXPIRED', 'The tenant context had expired when the statement reached the database.'],
  TN020: ['LAST_OWNER', 'The tenant would be left without an active owner.'],
  TN021: ['LAST_OWNER', 'The organization would be left without an owner.'],
  '28000': ['DATABASE_AUTH_FAILED', 'The database refused the login.'],
  '28P01': ['DATABASE_AUTH_FAILED', 'The database refused the login: wrong user or password.'],
  '3D000': ['DATABASE_UNAVAILABLE', 'The database that the URL names does not exist on this server.'],
  '25P03': ['DATABASE_UNAVAILABLE', 'The server ended a transaction that had been idle for too long.'],
  '53300': ['DATABASE_UNAVAILABLE', 'The server has no connection left for this login.'],
  '57P01': ['DATABASE_UNAVAILABLE', 'The server ended the connection.'],
  '57P02': ['DATABASE_UNAVAILABLE', 'The server ended the connection after a crash.'],
  '57P03': ['DATABASE_UNAVAILABLE', 'The server is starting up or shutting down.'],
  '57P04': ['DATABASE_UNAVAILABLE', 'The database was dropped.'],
  '57P05': ['DATABASE_UNAVAILABLE', 'The server ended a connection that had been idle for too long.'],
}

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOENT',
  'EACCES',
  'ERR_STREAM_DESTROYED',
])

// The driver has no codes for these.
const lostConnection =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout expired|timeout exceeded when trying to connect)/

/**
 * The TenantryError for a failure of the driver or the server that has a code; any other value is returned unchanged,
 * so that callers see pg's own DatabaseError with its SQLSTATE.
 *
 * @example
 * ```ts
 * try { await client.query(text) } catch (error) { throw toTenantryError(error) }
 * ```
 */
export function toTenantryError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof TenantryError) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  // Never with its cause: the URL parser's error carries the whole connection string.
  if (code === 'ERR_INVALID_URL') return new TenantryError('CONFIGURATION_INVALID', 'The database URL is not a URL.')
  const mapped = mappedError(code, error.message)
  if (mapped === undefined) return error
  return new TenantryError(mapped[0], mapped[1], { cause: error, ...(isSqlState(code) ? { sqlState: code } : {}) })
}

const DEFINITION = /^\s*(?:create|alter|drop|truncate|grant|revoke|comment|reindex|refresh|security|vacuum|cluster)\b/i

/**
 * Says, in a refusal of a statement that defines something, where definitions belong: mostly a migration tool was handed
 * the scoped pool by mistake, and "permission denied" invites to grant what must not be granted. Otherwise unchanged.
 */
export function explainDefinition<E extends Error>(error: E, text: string): E {
  if (sqlStateOf(error) === '42501' && DEFINITION.test(text)) {
    error.message += ' (the scoped pool changes no definitions: run migrations with DATABASE_ADMIN_URL)'
  }
  return error
}

const READ_ONLY_TRANSACTION = '25006'

/** Turns the refusal of a write under a read-only prelude into TENANT_READ_ONLY. Otherwise unchanged. */
export function explainReadOnly(error: Error): Error {
  if (sqlStateOf(error) !== READ_ONLY_TRANSACTION) return error
  return new TenantryError('TENANT_READ_ONLY', 'The statement would write, and its scope only reads.', {
    cause: error,
    sqlState: READ_ONLY_TRANSACTION,
  })
}

/** As `toTenantryError`, for a failed connection attempt: what has no code of its own is DATABASE_UNAVAILABLE. */
export function toConnectError(error: unknown): TenantryError {
  const mapped = toTenantryError(error)
  if (mapped instanceof TenantryError) return mapped
  if (error instanceof Error && 'code' in error && error.code === '42501') {
    return new TenantryError('DATABASE_AUTH_FAILED', 'The login may not connect to this database.', { cause: error })
  }
  return new TenantryError('DATABASE_UNAVAILABLE', 'Could not connect to the database; the cause says why.', {
    cause: error,
  })
}

function mappedError(code: string, message: string): Mapped | undefined {
  if (code in bySqlState) return bySqlState[code]
  if (code === '42601' && message.startsWith('cannot insert multiple commands into a prepared statement')) {
    return ['MULTIPLE_STATEMENTS', 'The text holds several statements; send one at a time.']
  }
  if (isSqlState(code) && code.startsWith('08')) return ['DATABASE_UNAVAILABLE', `${GONE} (SQLSTATE ${code}).`]
  if (networkCodes.has(code)) return ['DATABASE_UNAVAILABLE', `${GONE} (${code}).`]
  if (code === '' && message.startsWith('SASL:')) {
    return ['DATABASE_AUTH_FAILED', 'The password exchange with the database failed.']
  }
  if (code === '' && lostConnection.test(message)) return ['DATABASE_UNAVAILABLE', `${GONE}.`]
  return undefined
}

function isSqlState(code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && !networkCodes.has(code)
}

/** The SQLSTATE that an error carries, of pg's own class or of ours. */
export function sqlStateOf(error: unknown): string | undefined {
  if (error instanceof TenantryError) return error.sqlState
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  return isSqlState(code) ? code : undefined
}

/** The name of the constraint that a server error reports. */
export function constraintOf(error: unknown): string | undefined {
  return error instanceof Error && 'constraint' in error && typeof error.constraint === 'string'
    ? error.constraint
    : undefined
}
