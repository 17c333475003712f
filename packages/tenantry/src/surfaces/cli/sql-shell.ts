// The scoped shell: reads statements, runs each in a transaction of its own inside one tenant, prints what comes
// back. It opens no connection itself; every statement goes through the library's scope.
import { createInterface } from 'node:readline/promises'
import type { ScopedTransaction, StatementResult } from './composition.ts'
import { asTenantryError, failureLines } from './failure.ts'
import type { CliIo } from './io.ts'
import type { Output } from './output.ts'
import { isBlankSql, splitSql } from './sql-statements.ts'
import { resultLines } from './sql-result.ts'
import { plain } from './text.ts'

const INTERRUPTED = 130

export interface SqlSession {
  readonly io: CliIo
  readonly output: Output
  readonly json: boolean
  /** The tenant, as the prompt names it. */
  readonly slug: string
  /** False lets statements write. */
  readonly readOnly: boolean
  transaction<T>(run: (tx: ScopedTransaction) => Promise<T>, options: { readonly readOnly: boolean }): Promise<T>
}

/** Runs the statements of a text in turn; the first that fails ends it with its error. */
export async function runScript(session: SqlSession, text: string): Promise<void> {
  const { statements, rest } = splitSql(text)
  const all = isBlankSql(rest) ? statements : [...statements, rest.trim()]
  for (const statement of all) printResult(session, await runStatement(session, statement))
}

async function runStatement(session: SqlSession, statement: string): Promise<StatementResult> {
  return session.transaction((tx) => tx.query(statement), { readOnly: session.readOnly })
}

function printResult({ output, json }: SqlSession, result: StatementResult): void {
  if (json) output.json({ command: result.command, rowCount: result.rowCount, rows: result.rows })
  else for (const line of resultLines(result)) output.line(line)
}

/** Everything of standard input, for statements that are piped in. */
export async function readAll(io: CliIo): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of io.stdin) chunks.push(Buffer.from(chunk as Uint8Array | string))
  return Buffer.concat(chunks).toString('utf8')
}

/**
 * The shell on a terminal, until \q, Ctrl-D, or Ctrl-C with nothing typed (130). A statement that fails is told and
 * the shell goes on; Ctrl-C throws away what was typed so far.
 */
export async function runShell(session: SqlSession): Promise<number> {
  const { io, output } = session
  output.line(
    `Tenant ${plain(session.slug)}, ${session.readOnly ? 'read-only' : 'WRITING ALLOWED'}. End statements with ;  \\q leaves, \\? helps.`,
  )
  const reader = createInterface({ input: io.stdin, output: io.stdout, terminal: true })
  let typed = ''
  let exitCode = 0
  const prompt = (): void => {
    reader.setPrompt(`${plain(session.slug)}${isBlankSql(typed) ? '=>' : '->'} `)
    reader.prompt()
  }
  reader.on('SIGINT', () => {
    if (typed === '' && reader.line === '') {
      exitCode = INTERRUPTED
      reader.close()
      return
    }
    typed = ''
    // Clears what stands on the line, as readline knows it.
    reader.write(null, { ctrl: true, name: 'u' })
    output.line()
    prompt()
  })
  prompt()
  for await (const line of reader) {
    const word = isBlankSql(typed) ? line.trim() : ''
    if (['\\q', 'exit', 'quit'].includes(word)) break
    if (word === '\\?')
      output.line('A statement ends with ;  Each runs in a transaction of its own.  \\q, exit or Ctrl-D leaves.')
    else typed = await takeStatements(session, `${typed}${line}\n`)
    prompt()
  }
  reader.close()
  return exitCode
}

async function takeStatements(session: SqlSession, text: string): Promise<string> {
  const { statements, rest } = splitSql(text)
  for (const statement of statements) {
    try {
      printResult(session, await runStatement(session, statement))
    } catch (error) {
      for (const line of failureLines(asTenantryError(error))) session.output.note(line)
    }
  }
  return isBlankSql(rest) ? '' : rest
}
