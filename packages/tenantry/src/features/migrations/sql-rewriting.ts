// Changes to the text of a migration that keep its lines: the schema "public" becomes the tenant's, and what exists for
// tables that are in use is left out where nobody uses them yet. Pure.
import { isSignificant, readStatements, type SqlToken, tokensOf } from './sql-statements.ts'

interface Range {
  readonly from: number
  readonly to: number
}

/**
 * Cuts a text at every `"public".`, so that joining the pieces with another schema's name puts it there. What stands in
 * quotes is left, but for the body of DO, which Drizzle Kit writes around statements.
 */
export function cutAtPublic(text: string): readonly string[] {
  const pieces: string[] = []
  let at = 0
  for (const { from, to } of publicQualifiers(text)) {
    pieces.push(text.slice(at, from))
    at = to
  }
  return [...pieces, text.slice(at)]
}

function publicQualifiers(text: string): readonly Range[] {
  const found: Range[] = []
  const tokens = [...tokensOf(text)].filter(isSignificant)
  let first: SqlToken | undefined
  for (const [index, token] of tokens.entries()) {
    first ??= token
    if (token.text === ';') first = undefined
    const next = tokens[index + 1]
    if (isPublic(token) && next?.text === '.' && tokens[index - 1]?.text !== '.') {
      found.push({ from: token.at, to: next.at + 1 })
    }
    if (token.kind === 'dollar' && first?.text.toLowerCase() === 'do') {
      const mark = token.text.indexOf('$', 1) + 1
      const body = token.text.slice(mark, -mark)
      const start = token.at + mark
      found.push(...publicQualifiers(body).map(({ from, to }) => ({ from: from + start, to: to + start })))
    }
  }
  return found
}

const isPublic = ({ kind, text }: SqlToken): boolean =>
  (kind === 'word' && text.toLowerCase() === 'public') || (kind === 'quoted' && text === '"public"')

/** Blanks BEGIN and COMMIT, which Prisma Migrate writes around some statements: the file is one transaction anyway. */
export function withoutTransactionControl(text: string): string {
  const isControl = (words: readonly string[]) =>
    ['begin', 'commit'].includes(words.join(' ')) ||
    ['begin transaction', 'start transaction'].includes(words.join(' '))
  const ranges = readStatements(text).statements.filter(({ words }) => isControl(words))
  return blank(
    text,
    ranges.map(({ start, end }) => ({ from: start, to: end })),
  )
}

/** The text as it can run in the transaction that makes the schema: CONCURRENTLY and VACUUM are for tables in use. */
export function forTablesNotInUse(text: string): string {
  const ranges = readStatements(text).statements.flatMap(({ words, start, end }) => {
    const [first = ''] = words
    if (first === 'vacuum') return [{ from: start, to: end }]
    return ['create', 'drop', 'reindex', 'alter', 'refresh'].includes(first)
      ? concurrentlyIn(text.slice(start, end), start)
      : []
  })
  return blank(text, ranges)
}

function concurrentlyIn(statement: string, start: number): readonly Range[] {
  return [...tokensOf(statement)]
    .filter(({ kind, text }) => kind === 'word' && text.toLowerCase() === 'concurrently')
    .map(({ at, text }) => ({ from: start + at, to: start + at + text.length }))
}

function blank(text: string, ranges: readonly Range[]): string {
  let result = ''
  let at = 0
  for (const { from, to } of ranges) {
    result += text.slice(at, from) + text.slice(from, to).replaceAll(/[^\n]/g, ' ')
    at = to
  }
  return result + text.slice(at)
}
