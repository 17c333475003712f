// lint: reads source and migrations, and needs neither a server nor a database.
import { resolve } from 'node:path'
import type { CommandRun, CommandSpec } from '../command.ts'
import type { LintFinding, LintReport } from '../composition.ts'
import { plain } from '../text.ts'

export const lintCommand: CommandSpec = {
  name: 'lint',
  group: 'Start:',
  summary: 'Look for mistakes that let tenants cross, in TypeScript, JavaScript and SQL.',
  notes: [
    'Reads files below the folder and runs nothing. docs/lint.md explains each rule.',
    'A comment `tenantry-lint-ok: <reason>` answers for its line and the next.',
  ],
  arguments: [['[folder]', 'default: the working directory']],
  options: [{ flags: '--ignore <names>', description: 'files and folders to leave out, separated by commas' }],
  examples: [
    { line: 'lint', explains: 'the working directory' },
    { line: 'lint src --ignore test,scripts/seed.ts', explains: 'a folder, without its tests' },
    { line: 'lint --json', explains: '{ok, files, findings: [{rule, severity, file, line, column, message, fix}]}' },
  ],
  exits: { 1: 'something was found that is more than information' },
  async run(run) {
    const folder = resolve(run.io.cwd, run.input.argument(0) ?? '.')
    const ignore = (run.input.text('ignore') ?? '').split(',').map((name) => name.trim())
    const report = await run.composition.lint(folder, { ignore: ignore.filter((name) => name !== '') })
    if (run.json) run.output.json(report)
    else printReport(run, report)
    return report.ok ? undefined : 1
  },
}

const colours = { error: 'red', warning: 'yellow', info: 'dim' } as const

function printReport({ output }: CommandRun, { findings, files }: LintReport): void {
  for (const { file, line, column, severity, rule, message, fix } of findings) {
    const place = output.style('bold', `${plain(file)}:${line}:${column}`)
    output.line(`${place}  ${output.style(colours[severity], severity)}  ${rule}`)
    output.line(`    ${plain(message)}`)
    output.line(`    ${output.style('dim', fix)}`)
  }
  if (findings.length > 0) output.line()
  output.line(`${counted(findings, 'finding')} in ${files} ${files === 1 ? 'file' : 'files'}.`)
}

function counted(findings: readonly LintFinding[], word: string): string {
  return `${findings.length === 0 ? 'No' : findings.length} ${word}${findings.length === 1 ? '' : 's'}`
}
