// The command line: parses, runs one command, and turns whatever happens into an exit code.
import { packageVersion } from '../../kernel/version.ts'
import { type CommandRun, inputOf } from './command.ts'
import { commands } from './commands.ts'
import { type Composition, packageComposition, placedAt } from './composition.ts'
import { reportFailure } from './failure.ts'
import { type CliIo, processIo } from './io.ts'
import { outputTo } from './output.ts'
import { parseCommandLine, type Call } from './program.ts'

/**
 * Runs a command line and resolves with its exit code; never rejects.
 *
 * @example
 * ```ts
 * process.exitCode = await main(process.argv.slice(2))
 * ```
 */
export async function main(
  argv: readonly string[],
  io: CliIo = processIo(),
  composition: Composition = packageComposition,
): Promise<number> {
  const output = outputTo(io)
  // A reader that has seen enough (`tenantry list | head -1`) is no failure.
  for (const stream of [io.stdout, io.stderr]) stream.on('error', () => {})
  try {
    const call = parseCommandLine(argv, { version: packageVersion, io, specs: commands })
    return call === undefined ? 0 : ((await call.spec.run(commandRun(call, io, composition))) ?? 0)
  } catch (error) {
    return reportFailure(output, error, { json: argv.includes('--json'), debug: Boolean(io.env['TENANTRY_DEBUG']) })
  }
}

function commandRun({ args, options }: Call, io: CliIo, composition: Composition): CommandRun {
  const input = inputOf(args, options)
  const target = { url: input.text('url'), key: input.text('key'), env: io.env, cwd: io.cwd }
  return { io, output: outputTo(io), composition: placedAt(composition, io), input, target, json: input.flag('json') }
}
