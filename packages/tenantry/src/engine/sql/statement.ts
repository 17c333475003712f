// Reads just enough of a statement's text to know how it may travel: its first keyword decides whether it is
// transaction control, leaves residue on the session, or may share a connection with other tenants' statements.
// What the server does with it is never decided here; this only refuses or reroutes.
import { callsStateful, mayCallFunctions } from './statement-calls.ts'

/** Transaction control carries no prelude: a setting made before it would break SET TRANSACTION. */
export type Control = 'begin' | 'end' | 'savepoint' | 'rollback-to' | 'set-transaction'

/** How long a statement's text has taken lately, in milliseconds: the one thing about it that changes. */
export interface Pace {
  ms: number
}

// How much the newest run weighs.
const NEWEST = 0.3

/** Notes how long a statement has taken. */
export function notePace(pace: Pace, tookMs: number): void {
  pace.ms += NEWEST * (tookMs - pace.ms)
}

/** The pace of several statements that travel together; what they take is shared out evenly. */
export class BatchPace implements Pace {
  readonly #paces: readonly Pace[]

  constructor(paces: readonly Pace[]) {
    this.#paces = paces
  }

  /** 0 while any of them is unknown. */
  get ms(): number {
    return this.#paces.some(({ ms }) => ms === 0) ? 0 : this.#paces.reduce((sum, { ms }) => sum + ms, 0)
  }

  set ms(total: number) {
    for (const pace of this.#paces) pace.ms = total / this.#paces.length
  }
}

export interface Statement {
  /** First keyword in lower case; empty for an empty statement. */
  readonly keyword: string
  /** Nothing but white space, comments and semicolons. */
  readonly isEmpty: boolean
  readonly control: Control | undefined
  /** Why no tenant may run it, on any client: it would outlive the transaction or the tenant. */
  readonly residue: string | undefined
  /** DO, CALL and COPY: never on a shared connection. */
  readonly needsOwnClient: boolean
  /** Depends on the session of its client, or changes it; only plain reads and writes do not. */
  readonly needsSession: boolean
  /** COPY … FROM, which row-level security refuses. */
  readonly copyFrom: boolean
  /**
   * May run a function that sets session state or takes a session lock. Only statements whose text shows that they
   * cannot are trusted to leave role and context alone for the next statement of their transaction.
   */
  readonly opaque: boolean
  /** Calls something by name that is known to leave session state: kept off shared connections. */
  readonly leavesState: boolean
  readonly pace: Pace
  /** Tells this text from all others of its reader; undefined where the text may hold values of a tenant's. */
  readonly serial?: number | undefined
}

const CACHE_LIMIT = 2_000
// Keys are statement texts, which hold no tenant's values where parameters are used; long ones are not kept.
const CACHED_TEXT_LENGTH = 4_000

/** Classifies statements, remembering the answer for texts seen before. */
export class StatementReader {
  readonly #known = new Map<string, Statement>()
  #serials = 0

  read(text: string): Statement {
    const known = this.#known.get(text)
    if (known) return known
    const statement = { ...readStatement(text), serial: mayHoldValues(text) ? undefined : ++this.#serials }
    if (text.length <= CACHED_TEXT_LENGTH) {
      if (this.#known.size >= CACHE_LIMIT) this.#known.clear()
      this.#known.set(text, statement)
    }
    return statement
  }
}

// Others may run what was written elsewhere: FETCH a cursor's query, EXECUTE a prepared one, SET LOCAL anything.
const DATA_KEYWORDS = new Set(['select', 'insert', 'update', 'delete', 'merge', 'values', 'table', 'with'])

/** Whether a literal could stand in the text: a quoted one, or anything at all where there are no parameters. */
const mayHoldValues = (text: string) => text.includes("'") || /\$(?!\d)/.test(text) || !text.includes('$1')

/** Classifies one statement's text. */
export function readStatement(text: string): Statement {
  const head = text.slice(skipComments(text, 0))
  const keyword = /^[a-z]+/i.exec(head)?.[0].toLowerCase() ?? ''
  const words = keyword === '' ? [] : leadingWords(head)
  return {
    keyword,
    isEmpty: head === '',
    control: controlOf(words),
    residue: residueOf(words, text),
    needsOwnClient: keyword === 'do' || keyword === 'call' || keyword === 'copy',
    copyFrom: keyword === 'copy' && /\bfrom\b/i.test(text) && !/^copy\s*\(/i.test(head),
    needsSession: !DATA_KEYWORDS.has(keyword) || callsStateful(text),
    opaque: !DATA_KEYWORDS.has(keyword) || mayCallFunctions(text),
    leavesState: callsStateful(text),
    pace: { ms: 0 },
  }
}

/** Position of the first character that is neither white space nor in a comment, nor a lone semicolon. */
function skipComments(text: string, start: number): number {
  let at = start
  for (;;) {
    while (at < text.length && /[\s;]/.test(text.charAt(at))) at++
    if (text.startsWith('--', at)) {
      const end = text.indexOf('\n', at)
      at = end < 0 ? text.length : end + 1
    } else if (text.startsWith('/*', at)) {
      at = endOfBlockComment(text, at)
    } else {
      return at
    }
  }
}

/** PostgreSQL's block comments nest. */
function endOfBlockComment(text: string, start: number): number {
  let depth = 0
  let at = start
  while (at < text.length) {
    if (text.startsWith('/*', at)) {
      depth++
      at += 2
    } else if (text.startsWith('*/', at)) {
      depth--
      at += 2
      if (depth === 0) return at
    } else {
      at++
    }
  }
  return at
}

const LEADING_WORDS = 6

/** The first words of a statement, comments between them dropped. */
function leadingWords(head: string): readonly string[] {
  const words: string[] = []
  let at = 0
  while (words.length < LEADING_WORDS) {
    at = skipComments(head, at)
    const word = /^[a-z_]+/i.exec(head.slice(at, at + 64))?.[0]
    if (word === undefined) break
    words.push(word.toLowerCase())
    at += word.length
  }
  return words
}

function controlOf(words: readonly string[]): Control | undefined {
  const [first, second] = words
  switch (first) {
    case 'begin':
    case 'start':
      return 'begin'
    case 'commit':
    case 'end':
    case 'abort':
      return 'end'
    case 'rollback':
      return words.includes('to') ? 'rollback-to' : 'end'
    case 'savepoint':
    case 'release':
      return 'savepoint'
    case 'set':
      return second === 'transaction' ? 'set-transaction' : undefined
    default:
      return undefined
  }
}

const RESIDUE: Readonly<Record<string, string>> = {
  reset: 'RESET changes the session',
  listen: 'LISTEN outlives the tenant on the connection',
  unlisten: 'UNLISTEN changes the session',
  deallocate: 'DEALLOCATE drops statements of the session',
  discard: 'DISCARD resets the session',
  load: 'LOAD changes the session',
  prepare: 'PREPARE outlives the tenant on the connection',
}

function residueOf(words: readonly string[], text: string): string | undefined {
  const [first, second] = words
  if (first === undefined) return undefined
  if (first === 'set') return residueOfSet(second)
  if (first === 'create') return residueOfCreate(words)
  if ((first === 'commit' || first === 'rollback') && second === 'prepared')
    return 'Two-phase commit leaves the session'
  if (first === 'declare' && /\bwith\s+hold\b/i.test(text)) return 'A WITH HOLD cursor outlives its transaction'
  if (first === 'select' && /\binto\s+(local\s+|global\s+)?temp(orary)?\b/i.test(text))
    return 'SELECT INTO TEMP leaves a table behind'
  return RESIDUE[first]
}

function residueOfSet(second: string | undefined): string | undefined {
  const inTransaction = second === 'local' || second === 'transaction' || second === 'constraints'
  return inTransaction ? undefined : 'SET without LOCAL outlives the transaction'
}

function residueOfCreate(words: readonly string[]): string | undefined {
  return words.slice(1, 5).some((word) => word === 'temp' || word === 'temporary')
    ? 'A temporary object outlives its transaction'
    : undefined
}
