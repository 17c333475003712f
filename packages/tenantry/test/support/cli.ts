// Runs the command line inside the test's process, with streams and a terminal of its own.
import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { main } from '../../src/surfaces/cli/main.ts'
import { until } from '../harness/wait.ts'

export interface CliCall {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** What is piped in; standard input is empty without it. */
  readonly stdin?: string
  /** Makes it a terminal, on which each text is typed once the screen shows what comes before it. */
  readonly typing?: readonly (readonly [shown: RegExp, typed: string])[]
}

export interface CliResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The exit code and everything that was printed. */
export async function runCli(argv: readonly string[], call: CliCall = {}): Promise<CliResult> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const terminal = call.typing !== undefined
  const [out, err] = [collect(stdout), collect(stderr)]
  if (!terminal) stdin.end(call.stdin ?? '')
  const ended = main(argv, {
    stdin,
    stdout,
    stderr,
    env: call.env ?? {},
    cwd: call.cwd ?? '/nonexistent',
    isTTY: { stdin: terminal, stdout: terminal, stderr: terminal },
    signals: new EventEmitter(),
  })
  for (const [shown, typed] of call.typing ?? []) {
    await until(() => shown.test(out()), { what: `${shown.source} on the screen` })
    stdin.write(typed)
  }
  return { code: await ended, stdout: out(), stderr: err() }
}

function collect(stream: PassThrough): () => string {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString('utf8')
}
