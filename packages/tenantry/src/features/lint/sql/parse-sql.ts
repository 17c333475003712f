// The one file that knows libpg-query, PostgreSQL's own parser as WebAssembly: SQL text to statements and comments.
// Its positions count bytes of UTF-8; what leaves this file counts lines and characters.
import { loadModule, parseSync, scanSync } from 'libpg-query'
import type { Comment, Place } from '../rules.ts'
import { asTree, listOf, numberOf, type Tree } from '../tree.ts'

export interface SqlStatement {
  /** The parser's name of it: `CreateStmt`. */
  readonly kind: string
  readonly tree: Tree
  readonly place: Place
  /** Comments above it, in it, and behind it on its last line. */
  readonly comments: readonly Comment[]
  /** Where a node of it stands; the statement's own place where the node has none. */
  readonly placeOf: (node: Tree | undefined) => Place
}

export interface SqlScript {
  readonly statements: readonly SqlStatement[]
  readonly comments: readonly Comment[]
}

/** Loads the parser; needed once before parseSql. */
export async function loadSqlParser(): Promise<void> {
  await loadModule()
}

/** Parses a text of any number of statements; throws the parser's error where PostgreSQL could not. */
export function parseSql(text: string): SqlScript {
  // The parser takes an empty text for a missing one.
  if (text.trim() === '') return { statements: [], comments: [] }
  const placeAt = placesOf(text)
  const parsed = asTree(parseSync(text))
  const { tokens } = scanSync(text)
  const comments = tokens.filter(isComment).map((token) => ({
    text: token.text.replace(/^--|^\/\*|\*\/$/g, ''),
    ...placeAt(token.start),
  }))
  const words = tokens.filter((token) => !isComment(token)).map(({ start }) => start)
  let lastLine = 0
  let next = 0
  let nextComment = 0
  // Statements and comments come in order, so each comment is looked at once.
  const commentsBetween = (after: number, last: number): readonly Comment[] => {
    const found: Comment[] = []
    for (let each = comments[nextComment]; each !== undefined && each.line <= last; each = comments[nextComment]) {
      if (each.line > after) found.push(each)
      nextComment += 1
    }
    return found
  }
  const statements = listOf(parsed, 'stmts').map((raw) => {
    const from = numberOf(raw, 'stmt_location') ?? 0
    const length = numberOf(raw, 'stmt_len')
    while (next < words.length && (words[next] ?? 0) < from) next += 1
    const start = words[next] ?? from
    const end = length === undefined ? Buffer.byteLength(text) : from + length
    const [kind = '', tree] = Object.entries(asTree(raw['stmt']) ?? {})[0] ?? []
    const after = lastLine
    lastLine = placeAt(end).line
    const place = placeAt(start)
    const placeOf = (node: Tree | undefined): Place => {
      const location = numberOf(node, 'location')
      return location === undefined || location < 0 ? place : placeAt(location)
    }
    const own = commentsBetween(after, lastLine)
    return { kind, tree: asTree(tree) ?? {}, place, comments: own, placeOf }
  })
  return { statements, comments }
}

const isComment = ({ tokenName }: { readonly tokenName: string }): boolean =>
  tokenName === 'SQL_COMMENT' || tokenName === 'C_COMMENT'

function placesOf(text: string): (byte: number) => Place {
  const bytes = Buffer.from(text)
  const starts = [0]
  for (let index = bytes.indexOf(10); index >= 0; index = bytes.indexOf(10, index + 1)) starts.push(index + 1)
  return (byte) => {
    const line = lineOf(starts, byte)
    const start = starts[line - 1] ?? 0
    return { line, column: bytes.toString('utf8', start, byte).length + 1 }
  }
}

/** How many lines begin at or before the position, by halving. */
function lineOf(starts: readonly number[], byte: number): number {
  let [low, high] = [0, starts.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((starts[middle] ?? 0) <= byte) low = middle + 1
    else high = middle
  }
  return low
}
