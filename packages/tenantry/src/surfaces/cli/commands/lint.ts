// lint: reads source and migrations, and needs neither a server nor a database.
import { resolve } from 'node:path'
import type { CommandRun, CommandSpec, OptionSpec } from '../command.ts'
import type { LintFinding, LintOptions, LintReport } from '../composition.ts'
import { plain } from '../text.ts'

/** Options of every command that lints migrations. */
export const lintOptions: readonly OptionSpec[] = [
  { flags: '--ignore <names>', description: 'files and folders to leave out, separated by commas' },
  {
    flags: '--since <migration>',
    description: 'the newest migration that was applied: it and those before are not judged',
  },
  { flags: '--postgres <major>', description: 'the oldest PostgreSQL that migrations run on, 15 to 18; default: 15' },
  {
    flags: '--shared-schemas <names>',
    description: 'schemas that tenant migrations may refer to, separated by commas',
  },
]

export const lintCommand: CommandSpec = {
  name: 'lint',
  group: 'Start:',
  summary: 'Look for mistakes that let tenants cross, in TypeScript, JavaScript and SQL.',
  notes: [
    'Reads files below the folder and runs nothing. docs/lint.md explains each rule.',
    'A comment `tenantry-lint-ok: <reason>` answers for its line and the next.',
  ],
  arguments: [['[folder]', 'default: the working directory']],
  options: lintOptions,
  examples: [
    { line: 'lint', explains: 'the working directory' },
    { line: 'lint src --ignore test,scripts/seed.ts', explains: 'a folder, without its tests' },
    { line: 'lint --since 0012', explains: 'without the migrations that were applied, which cannot be changed' },
    {
      line: 'lint --json',
      explains: '{ok, files, findings: [{rule, severity, file, line, column, message, fix, instead?}]}',
    },
  ],
  exits: { 1: 'something was found that is more than information' },
  async run(run) {
    const folder = resolve(run.io.cwd, run.input.argument(0) ?? '.')
    return showReport(run, await run.composition.lint(folder, readLintOptions(run)))
  },
}

/** Throws INVALID_INPUT where an option cannot be read. */
export function readLintOptions({ input }: Pick<CommandRun, 'input'>): LintOptions {
  const names = (option: string) => (input.text(option) ?? '').split(',').map((name) => name.trim())
  const since = input.text('since')
  const postgres = input.integer('postgres', { least: 15, most: 18 })
  const sharedSchemas = names('sharedSchemas').filter((name) => name !== '')
  return {
    ignore: names('ignore').filter((name) => name !== ''),
    ...(since !== undefined && { since }),
    ...(postgres !== undefined && { postgres }),
    ...(sharedSchemas.length > 0 && { sharedSchemas }),
  }
}

/** Prints the report; the exit code is 1 where it is not ok. */
export function showReport(run: CommandRun, report: LintReport): number | undefined {
  if (run.json) run.output.json(report)
  else printReport(run, report)
  return report.ok ? undefined : 1
}

const colours = { error: 'red', warning: 'yellow', info: 'dim' } as const

function printReport({ output }: CommandRun, { findings, files }: LintReport): void {
  for (const { file, line, column, severity, rule, message, fix, instead } of findings) {
    const place = output.style('bold', `${plain(file)}:${line}:${column}`)
    output.line(`${place}  ${output.style(colours[severity], severity)}  ${rule}`)
    output.line(`    ${plain(message)}`)
    output.line(`    ${output.style('dim', fix)}`)
    for (const statement of instead?.split('\n') ?? []) output.line(`      ${plain(statement)}`)
  }
  if (findings.length > 0) output.line()
  output.line(`${counted(findings, 'finding')} in ${files} ${files === 1 ? 'file' : 'files'}.`)
}

function counted(findings: readonly LintFinding[], word: string): string {
  return `${findings.length === 0 ? 'No' : findings.length} ${word}${findings.length === 1 ? '' : 's'}`
}
