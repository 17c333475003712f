// Everything of the process that the command line touches, as a value, so that a test can drive it without one.
import type { Readable, Writable } from 'node:stream'

type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

export interface CliIo {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Which of the three streams is a terminal; prompts need the first two, colours the one that is written to. */
  readonly isTTY: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean }
  /** Where stop signals arrive. */
  readonly signals: {
    once(signal: StopSignal, listener: () => void): unknown
    off(signal: StopSignal, listener: () => void): unknown
  }
}

/** The running process as the command line's surroundings. */
export function processIo(): CliIo {
  const { stdin, stdout, stderr, env } = process
  const isTTY = { stdin: stdin.isTTY, stdout: stdout.isTTY, stderr: stderr.isTTY }
  return { stdin, stdout, stderr, env, cwd: process.cwd(), isTTY, signals: process }
}

/** Whether a question can be asked and answered. */
export function isInteractive(io: CliIo): boolean {
  return io.isTTY.stdin && io.isTTY.stdout
}

/**
 * Resolves at the first stop signal. Its listeners are gone by then, so a second signal takes Node's own way out and
 * ends the process at once.
 */
export function stopSignal(io: CliIo): { readonly stopped: Promise<void>; forget(): void } {
  const signals: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
  let forget = (): void => {}
  const stopped = new Promise<void>((resolve) => {
    const stop = (): void => {
      forget()
      resolve()
    }
    forget = () => {
      for (const signal of signals) io.signals.off(signal, stop)
    }
    for (const signal of signals) io.signals.once(signal, stop)
  })
  return { stopped, forget }
}
