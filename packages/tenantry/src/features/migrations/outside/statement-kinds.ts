// What of a statement has to be known to run it again after a crash: whether it needs to be outside of a transaction,
// and which index it builds or drops. Pure.
import { needsNoTransaction } from '../migration-rules.ts'
import { isSignificant, readStatements, type SqlStatement, type SqlToken, tokensOf } from '../sql-statements.ts'

/** A statement of a file that says `no-transaction`. */
export interface OutsideStatement {
  readonly text: string
  readonly line: number
  /** `plain` runs in a transaction of its own, with the note that it is done. */
  readonly kind: 'plain' | 'build index' | 'drop index' | 'reindex' | 'other'
  /** Of an index that is built: its name, and the table as it is written. */
  readonly index?: string
  readonly table?: string
  /** A name outside of parentheses says which schema it is in. */
  readonly isQualified: boolean
}

export function outsideStatements(text: string): readonly OutsideStatement[] {
  return readStatements(text).statements.map((statement) => outsideStatement(text, statement))
}

function outsideStatement(whole: string, statement: SqlStatement): OutsideStatement {
  const { words, line, start, end } = statement
  const text = whole.slice(start, end)
  const tokens = [...tokensOf(text)].filter(isSignificant)
  const common = { text, line, isQualified: namesSchema(tokens) }
  if (words[0] === 'call') return { ...common, kind: 'other' }
  if (needsNoTransaction(statement) === undefined) return { ...common, kind: 'plain' }
  if (words[0] === 'create') return { ...common, kind: 'build index', ...builtIndex(tokens) }
  if (words[0] === 'drop') return { ...common, kind: 'drop index' }
  return { ...common, kind: words[0] === 'reindex' ? 'reindex' : 'other' }
}

/** In `create index concurrently if not exists NAME on only TABLE (…)`. */
function builtIndex(tokens: readonly SqlToken[]): Pick<OutsideStatement, 'index' | 'table'> {
  const isWord = (index: number, word: string) => tokens[index]?.text.toLowerCase() === word
  let at = tokens.findIndex((_, index) => isWord(index, 'concurrently')) + 1
  if (isWord(at, 'if')) at += 3
  if (isWord(at, 'on')) return {}
  const index = nameOf(tokens[at])
  at += isWord(at + 2, 'only') ? 3 : 2
  const table: string[] = []
  for (let next = tokens[at]; next !== undefined && isPartOfName(next); next = tokens[at]) {
    table.push(next.text)
    at += 1
    if (tokens[at]?.text !== '.' && next.text !== '.') break
  }
  return index === undefined ? {} : { index, table: table.join('') }
}

const isPartOfName = ({ kind, text }: SqlToken): boolean => kind === 'word' || kind === 'quoted' || text === '.'

function nameOf(token: SqlToken | undefined): string | undefined {
  if (token?.kind === 'word') return token.text.toLowerCase()
  return token?.kind === 'quoted' ? token.text.slice(1, -1).replaceAll('""', '"') : undefined
}

/** Up to the first parenthesis or WHERE, where columns begin. */
function namesSchema(tokens: readonly SqlToken[]): boolean {
  const end = tokens.findIndex(({ text }) => text === '(' || text.toLowerCase() === 'where')
  return tokens.slice(0, end < 0 ? tokens.length : end).some(({ text }) => text === '.')
}
