// Splits SQL text into statements far enough to see how each begins: comments, quotes, dollar quotes and the bodies of
// BEGIN ATOMIC functions are skipped as the server's lexer would. Pure.

export interface SqlStatement {
  /** The statement's unquoted words in lower case, in order, without what stands inside parentheses. */
  readonly words: readonly string[]
  /** 1-based line on which the statement begins. */
  readonly line: number
  /** Where it begins and ends in the text, without its semicolon. */
  readonly start: number
  readonly end: number
}

export interface SqlText {
  readonly statements: readonly SqlStatement[]
  /** 1-based line of the first backslash outside of quotes and comments: a psql command, which no server knows. */
  readonly psqlCommandLine: number | undefined
}

const token = new RegExp(
  [
    String.raw`(?<skip>\s+|--[^\n]*)`,
    String.raw`(?<comment>/\*)`,
    String.raw`(?<quoted>[eE]'(?:[^'\\]|\\.|'')*'?|'(?:[^']|'')*'?|"(?:[^"]|"")*"?)`,
    String.raw`(?<dollar>\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)`,
    String.raw`(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`,
    String.raw`(?<other>[^])`,
  ].join('|'),
  'sy',
)

const LINE_FEED = 10

/** White space and line comments are `skip`, a block comment is `comment`, a dollar quote is `dollar` with its body. */
export type SqlTokenKind = 'skip' | 'comment' | 'quoted' | 'dollar' | 'word' | 'other'

export interface SqlToken {
  readonly kind: SqlTokenKind
  readonly text: string
  readonly at: number
  readonly line: number
}

const kinds = ['skip', 'comment', 'quoted', 'dollar', 'word'] as const

/** The tokens of a text, one after the other; together they are the text. */
export function* tokensOf(text: string): Generator<SqlToken> {
  let at = 0
  let line = 1
  while (at < text.length) {
    token.lastIndex = at
    const groups = token.exec(text)?.groups ?? {}
    const end = tokenEnd(text, { at, groups, next: token.lastIndex })
    const kind = kinds.find((each) => groups[each] !== undefined) ?? 'other'
    yield { kind, text: text.slice(at, end), at, line }
    line += countLines(text, at, end)
    at = end
  }
}

/** Whether a token says something to the server. */
export const isSignificant = ({ kind }: SqlToken): boolean => kind !== 'skip' && kind !== 'comment'

/** Reads the statements of a text. */
export function readStatements(text: string): SqlText {
  const reader = new StatementReader()
  for (const each of tokensOf(text)) reader.take(each)
  return reader.finish()
}

type Groups = Readonly<Partial<Record<string, string>>>

function tokenEnd(text: string, { at, groups, next }: { at: number; groups: Groups; next: number }): number {
  if (groups['comment'] !== undefined) return commentEnd(text, at)
  if (groups['dollar'] === undefined) return next
  const close = text.indexOf(groups['dollar'], next)
  return close < 0 ? text.length : close + groups['dollar'].length
}

// Block comments nest in PostgreSQL.
function commentEnd(text: string, start: number): number {
  const mark = /\/\*|\*\//g
  mark.lastIndex = start
  let depth = 0
  for (let match = mark.exec(text); match !== null; match = mark.exec(text)) {
    depth += match[0] === '/*' ? 1 : -1
    if (depth === 0) return mark.lastIndex
  }
  return text.length
}

function countLines(text: string, from: number, to: number): number {
  let lines = 0
  for (let at = from; at < to; at += 1) if (text.charCodeAt(at) === LINE_FEED) lines += 1
  return lines
}

class StatementReader {
  readonly #statements: SqlStatement[] = []
  #words: string[] = []
  #first: SqlToken | undefined
  #end = 0
  #parentheses = 0
  /** Depth of BEGIN ATOMIC and the CASEs within: their semicolons end no statement. */
  #bodies = 0
  #psqlCommandLine: number | undefined

  take(next: SqlToken): void {
    if (!isSignificant(next)) return
    const other = next.kind === 'other' ? next.text : undefined
    if (other === ';' && this.#parentheses === 0 && this.#bodies === 0) return this.#endStatement()
    this.#first ??= next
    this.#end = next.at + next.text.length
    if (other === '\\') this.#psqlCommandLine ??= next.line
    if (other === '(') this.#parentheses += 1
    if (other === ')' && this.#parentheses > 0) this.#parentheses -= 1
    if (next.kind === 'word') this.#takeWord(next.text.toLowerCase())
  }

  finish(): SqlText {
    this.#endStatement()
    return { statements: this.#statements, psqlCommandLine: this.#psqlCommandLine }
  }

  #takeWord(word: string): void {
    const afterBegin = this.#words.at(-1) === 'begin'
    if (word === 'atomic' && afterBegin && this.#words[0] === 'create') this.#bodies += 1
    else if (this.#bodies > 0 && word === 'case') this.#bodies += 1
    else if (this.#bodies > 0 && word === 'end') this.#bodies -= 1
    if (this.#parentheses === 0) this.#words.push(word)
  }

  #endStatement(): void {
    const first = this.#first
    if (first !== undefined) {
      this.#statements.push({ words: this.#words, line: first.line, start: first.at, end: this.#end })
    }
    this.#words = []
    this.#first = undefined
    this.#parentheses = 0
    this.#bodies = 0
  }
}
