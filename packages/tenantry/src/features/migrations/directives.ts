// What the leading comments of a migration say of how to run it: `-- tenantry: no-transaction`. Pure.
import { TenantryError } from '../../kernel/errors.ts'
import { isSignificant, tokensOf } from './sql-statements.ts'

export interface Directives {
  /** False where the file says `no-transaction`. */
  readonly transaction: boolean
  /** What `lock-timeout` says, in milliseconds. */
  readonly lockTimeoutMs?: number
  /** What `idle-timeout` says, of a file of code, in milliseconds. */
  readonly idleTimeoutMs?: number
}

interface Comment {
  readonly text: string
  readonly line: number
  readonly isLeading: boolean
}

const MARK = /^\s*tenantry:\s*(.*?)\s*$/
const MS = { ms: 1, s: 1_000, min: 60_000 } as const
/** The linter's own: it marks a table that belongs to no tenant, wherever the table is made. */
const LINTERS = /^global\b/

/** The directives of an SQL file. Throws CONFIGURATION_INVALID naming file and line. */
export function sqlDirectives(file: string, text: string): Directives {
  return parse(file, sqlComments(text), sqlTimeouts)
}

/** The directives of a TypeScript or JavaScript file, after `//`. Throws as `sqlDirectives`. */
export function codeDirectives(file: string, text: string): Directives {
  return parse(file, codeComments(text), { ...sqlTimeouts, 'idle-timeout': 'idleTimeoutMs' })
}

function* sqlComments(text: string): Generator<Comment> {
  let isLeading = true
  for (const token of tokensOf(text)) {
    if (isSignificant(token)) isLeading = false
    else if (token.text.startsWith('--')) yield { text: token.text.slice(2), line: token.line, isLeading }
    else if (token.kind === 'comment') yield { text: token.text.slice(2, -2), line: token.line, isLeading }
  }
}

function* codeComments(text: string): Generator<Comment> {
  let isLeading = true
  for (const [index, line] of text.split('\n').entries()) {
    const comment = /^\s*\/\/(.*)$/.exec(line)
    if (comment === null) isLeading &&= /^\s*(#!.*)?$/.test(line)
    else yield { text: comment[1] ?? '', line: index + 1, isLeading }
  }
}

type Timeouts = Readonly<Record<string, 'lockTimeoutMs' | 'idleTimeoutMs'>>

const sqlTimeouts: Timeouts = { 'lock-timeout': 'lockTimeoutMs' }

function parse(file: string, comments: Iterable<Comment>, timeouts: Timeouts): Directives {
  let directives: Directives = { transaction: true }
  for (const { text, line, isLeading } of comments) {
    const said = MARK.exec(text)?.[1]
    if (said === undefined || LINTERS.test(said)) continue
    const directive = directiveOf(said, timeouts)
    if (directive === undefined) {
      throw invalid(
        `${file}, line ${line}: there is no such directive`,
        `Known are no-transaction, ${Object.keys(timeouts)
          .map((name) => `${name} 5s`)
          .join(', ')}.`,
      )
    }
    if (!isLeading) {
      throw invalid(`${file}, line ${line}: the directive comes after the first statement`, 'Move it to the top.')
    }
    directives = { ...directives, ...directive }
  }
  return directives
}

function directiveOf(said: string, timeouts: Timeouts): Partial<Directives> | undefined {
  if (said === 'no-transaction') return { transaction: false }
  const [, name = '', amount, unit = 'ms'] = /^([a-z-]+)\s+([1-9]\d{0,8})\s*(ms|s|min)$/.exec(said) ?? []
  const timeout = timeouts[name]
  return timeout === undefined ? undefined : { [timeout]: Number(amount) * MS[unit as keyof typeof MS] }
}

function invalid(what: string, fix: string): TenantryError {
  return new TenantryError('CONFIGURATION_INVALID', `${what}.`, { fix })
}
