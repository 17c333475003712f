// What a migration file may not contain, because it would leave the one transaction that makes it all or nothing.
// Checked before anything runs. Pure.
import { TenantryError } from '../../kernel/errors.ts'
import { readStatements, type SqlStatement } from './sql-statements.ts'

const transactionControl = new Set(['begin', 'start', 'commit', 'end', 'rollback', 'abort', 'savepoint', 'release'])
const outsideTransactions = new Set(['vacuum', 'checkpoint', 'discard', 'listen', 'load'])

/** Throws MIGRATION_FAILED naming file and line for a statement that cannot be part of a migration. */
export function checkMigrationText(file: string, text: string): void {
  const { statements, psqlCommandLine } = readStatements(text)
  if (psqlCommandLine !== undefined) throw refused(file, psqlCommandLine, 'psql commands are unknown to the server')
  if (text.includes('\0')) throw refused(file, 1, 'it contains a zero byte')
  for (const statement of statements) {
    const fault = faultOf(statement)
    if (fault !== undefined) throw refused(file, statement.line, fault)
  }
}

function faultOf({ words }: SqlStatement): string | undefined {
  const [first = '', second = ''] = words
  if (transactionControl.has(first) || (first === 'prepare' && second === 'transaction')) {
    return `${first.toUpperCase()} is not for a migration: all files run in one transaction`
  }
  if (outsideTransactions.has(first)) return `${first.toUpperCase()} cannot run in a migration`
  if (['create', 'drop', 'reindex'].includes(first) && words.slice(0, 4).includes('concurrently')) {
    return 'CONCURRENTLY cannot run inside the transaction of a migration'
  }
  if (['create', 'drop', 'alter'].includes(first) && ['database', 'tablespace', 'system'].includes(second)) {
    return `${first.toUpperCase()} ${second.toUpperCase()} cannot run in a migration`
  }
  if (first === 'copy' && (words.includes('stdin') || words.includes('stdout'))) {
    return 'COPY from or to the client cannot run in a migration; use INSERT'
  }
  return undefined
}

function refused(file: string, line: number, why: string): TenantryError {
  return new TenantryError('MIGRATION_FAILED', `${file}, line ${line}: ${why}. Nothing was applied.`)
}
