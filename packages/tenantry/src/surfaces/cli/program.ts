// Builds the command line from the descriptions of its commands. Commander parses; what a command does is not known
// here.
import { Command, CommanderError, Option } from 'commander'
import { TenantryError } from '../../kernel/errors.ts'
import type { CommandSpec } from './command.ts'
import { helpAfter, targetHelp } from './help.ts'
import type { CliIo } from './io.ts'

/** A command line, understood. */
export interface Call {
  readonly spec: CommandSpec
  readonly args: readonly unknown[]
  readonly options: Readonly<Record<string, unknown>>
}

export interface ProgramOptions {
  readonly version: string
  readonly io: Pick<CliIo, 'stdout' | 'isTTY'>
  readonly specs: readonly CommandSpec[]
}

/**
 * What a command line asks for; undefined where it asked for help or the version, which are printed by then.
 * Throws USAGE for anything that is not a command line of Tenantry.
 */
export function parseCommandLine(argv: readonly string[], options: ProgramOptions): Call | undefined {
  const calls: Call[] = []
  const program = buildProgram(options, (call) => calls.push(call))
  try {
    program.parse(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Help and version have been printed.
    if (error.exitCode === 0) return undefined
    const named = argv.map((word) => options.specs.find(({ name }) => name === word)).find((spec) => spec !== undefined)
    // No command at all: commander calls that a mistake, we call it a first visit.
    if (error.code !== 'commander.help') throw usageError(error, named)
    program.outputHelp()
  }
  return calls[0]
}

function buildProgram({ version, io, specs }: ProgramOptions, onCall: (call: Call) => void): Command {
  const program = new Command('tenantry')
    .description('Multi-tenancy on PostgreSQL: tenants, their data and their servers.')
    .usage('<command> [options]')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'explain a command')
    .option('--json', 'print the body of the HTTP API, and nothing else')
    .option('--url <url>', 'server to talk to (TENANTRY_URL)')
    .option('--key <key>', 'its admin key (TENANTRY_KEY, which no process list shows)')
    .configureHelp({ showGlobalOptions: true, helpWidth: 110 })
    .addHelpText('after', targetHelp)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      // Told by the error that follows, in our own form.
      writeErr: () => {},
      getOutHasColors: () => false,
    })
  for (const spec of specs) addCommand(program, spec, onCall)
  return program
}

function addCommand(program: Command, spec: CommandSpec, onCall: (call: Call) => void): void {
  const command = program.command(spec.name).helpGroup(spec.group).description(spec.summary).showSuggestionAfterError()
  for (const [name, description] of spec.arguments ?? []) command.argument(name, description)
  for (const option of spec.options ?? []) {
    const built = new Option(option.flags, option.description)
    command.addOption(option.choices === undefined ? built : built.choices(option.choices))
  }
  command.addHelpText('after', helpAfter(spec))
  command.action(() => onCall({ spec, args: command.args, options: command.optsWithGlobals() }))
}

function usageError(error: CommanderError, spec: CommandSpec | undefined): TenantryError {
  const command = spec?.name
  const [argument = '', actions = ''] = spec?.arguments?.[0] ?? []
  if (command !== undefined && error.code === 'commander.missingArgument' && argument === '<action>') {
    const fix = `Actions are: ${actions}. Run \`tenantry help ${command}\` for what they do.`
    return new TenantryError('USAGE', `${command} needs an action.`, { fix })
  }
  const [message = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
  const suggestion = rest.join(' ').replace(/^\((.*)\)$/, '$1')
  const help = command === undefined ? 'tenantry help' : `tenantry help ${command}`
  const fix = suggestion === '' ? `Run \`${help}\` to see how it is used.` : suggestion
  return new TenantryError('USAGE', message, { fix })
}
