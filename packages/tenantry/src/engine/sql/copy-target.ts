// Reads where a COPY … FROM STDIN loads to. Only the plain form: whatever else there is in the text, the caller has to
// say it in another way.
import { quoteIdentifier } from '../../kernel/identifiers.ts'

export interface CopyTarget {
  /** The table as SQL names it, quotes included. */
  readonly table: string
  /** Column names, unquoted; undefined for all. */
  readonly columns: readonly string[] | undefined
  /** What follows FROM STDIN. */
  readonly options: string
}

const NAME = '(?:"(?:[^"]|"")+"|[a-z_\\u0080-\\uffff][\\w$\\u0080-\\uffff]*)'
const COPY_FROM_STDIN = new RegExp(
  `^\\s*copy\\s+(${NAME}(?:\\s*\\.\\s*${NAME})?)\\s*(?:\\(\\s*(${NAME}(?:\\s*,\\s*${NAME})*)\\s*\\))?\\s*from\\s+stdin\\b([\\s\\S]*)$`,
  'i',
)

/** The target of `copy <table> [(columns)] from stdin [options]`; undefined for any other text. */
export function readCopyTarget(text: string): CopyTarget | undefined {
  const found = COPY_FROM_STDIN.exec(text)
  const [, table, columns, options = ''] = found ?? []
  if (table === undefined) return undefined
  const names = columns?.match(new RegExp(NAME, 'gi'))?.map(nameOf)
  return { table, columns: names, options: options.replace(/;\s*$/, '') }
}

/** As PostgreSQL reads it: quoted as it stands, unquoted in lower case. */
function nameOf(identifier: string): string {
  if (!identifier.startsWith('"')) return identifier.toLowerCase()
  return identifier.slice(1, -1).replaceAll('""', '"')
}

/** The staging table's columns in parentheses. */
export function columnList(columns: readonly string[]): string {
  return columns.map(quoteIdentifier).join(', ')
}
