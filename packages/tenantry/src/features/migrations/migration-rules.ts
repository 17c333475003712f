// What a migration may not contain, because it would leave the one transaction that makes it all or nothing. Checked
// before anything runs. Pure.
import { TenantryError } from '../../kernel/errors.ts'
import { readStatements, type SqlStatement } from './sql-statements.ts'

const transactionControl = new Set(['begin', 'start', 'commit', 'end', 'rollback', 'abort', 'savepoint', 'release'])
const notForMigrations = new Set(['checkpoint', 'discard', 'listen', 'load'])

export interface MigrationRules {
  /** False for a file that says `no-transaction`; default true. */
  readonly transaction?: boolean
}

/** Throws MIGRATION_FAILED naming file and line for a statement that cannot be part of a migration. */
export function checkMigrationText(file: string, text: string, { transaction = true }: MigrationRules = {}): void {
  const { statements, psqlCommandLine } = readStatements(text)
  if (psqlCommandLine !== undefined) throw refused(file, psqlCommandLine, 'psql commands are unknown to the server')
  if (text.includes('\0')) throw refused(file, 1, 'it contains a zero byte')
  for (const statement of statements) {
    const fault = faultOf(statement)
    if (fault !== undefined) throw refused(file, statement.line, fault)
    const needs = transaction ? needsNoTransaction(statement) : undefined
    if (needs === undefined) continue
    throw refused(file, statement.line, `${needs}; say \`-- tenantry: no-transaction\` at the top of the file`)
  }
}

/** Why a statement cannot be part of any migration. */
export function faultOf({ words }: SqlStatement): string | undefined {
  const [first = '', second = ''] = words
  if (isTransactionControl({ words })) {
    return `${first.toUpperCase()} is not for a migration: all files run in one transaction`
  }
  if (notForMigrations.has(first)) return `${first.toUpperCase()} cannot run in a migration`
  if (['create', 'drop', 'alter'].includes(first) && ['database', 'tablespace', 'system'].includes(second)) {
    return `${first.toUpperCase()} ${second.toUpperCase()} cannot run in a migration`
  }
  if (first === 'copy' && (words.includes('stdin') || words.includes('stdout'))) {
    return 'COPY from or to the client cannot run in a migration; use INSERT'
  }
  // It changes where quotes end, and so what the rules above can see.
  if (words.includes('standard_conforming_strings') && words.at(-1) !== 'on') {
    return 'standard_conforming_strings cannot be turned off in a migration'
  }
  return undefined
}

/** Whether a statement begins, ends or divides a transaction. */
export function isTransactionControl({ words }: Pick<SqlStatement, 'words'>): boolean {
  const [first = '', second = ''] = words
  return transactionControl.has(first) || (first === 'prepare' && second === 'transaction')
}

/** Why a statement cannot run inside a transaction, in words; undefined where it can. */
export function needsNoTransaction({ words }: SqlStatement): string | undefined {
  const [first = ''] = words
  if (first === 'vacuum') return 'VACUUM cannot run inside the transaction of a migration'
  const isConcurrent =
    (['create', 'drop', 'reindex'].includes(first) && words.slice(0, 4).includes('concurrently')) ||
    (first === 'alter' && words.includes('detach') && words.includes('concurrently'))
  return isConcurrent ? 'CONCURRENTLY cannot run inside the transaction of a migration' : undefined
}

function refused(file: string, line: number, why: string): TenantryError {
  return new TenantryError('MIGRATION_FAILED', `${file}, line ${line}: ${why}. Nothing was applied.`)
}
