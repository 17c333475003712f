// A real process that a test may kill: runs a script of the sources, and reads what it prints line by line.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { until } from './wait.ts'

export interface TestChild {
  readonly process: ChildProcess
  readonly pid: number
  /** Lines of standard output so far. */
  readonly lines: readonly string[]
  /** The first line that matches, waited for. Throws what the process said when it ends without one. */
  line(pattern: RegExp): Promise<string>
  /** Resolves when the process has ended and its output was read. */
  readonly exited: Promise<void>
  /** SIGKILL, and the end of the process. */
  kill(): Promise<void>
}

export interface TestChildOptions {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

const loader = fileURLToPath(new URL('typescript-loader.mjs', import.meta.url))

/** Starts a TypeScript file in a Node process of its own, in a process group of its own. */
export function startChild(script: URL, { args = [], env = {} }: TestChildOptions = {}): TestChild {
  const child = spawn(process.execPath, ['--import', loader, fileURLToPath(script), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  return followChild(child)
}

/** Follows a process that was started some other way, with its output piped. */
export function followChild(child: ChildProcess): TestChild {
  const lines: string[] = []
  const errors: string[] = []
  if (child.pid === undefined || child.stdout === null) throw new Error('The process could not be started.')
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let isClosed = false
  void closed.then(() => (isClosed = true))
  createInterface({ input: child.stdout }).on('line', (text) => lines.push(text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => errors.push(text))
  const line = async (pattern: RegExp): Promise<string> => {
    const found = () => lines.find((text) => pattern.test(text))
    await until(() => isClosed || found() !== undefined, { timeoutMs: 30_000, what: `a line like ${pattern.source}` })
    const text = found()
    if (text !== undefined) return text
    throw new Error(`The process ended without a line like ${pattern.source}: ${errors.join('')}`)
  }
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await closed
  }
  return { process: child, pid: child.pid, lines, exited: closed, line, kill }
}
