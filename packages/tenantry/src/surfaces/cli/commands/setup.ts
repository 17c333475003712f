// init and doctor: making a database ready for Tenantry, and finding out what is in the way.
import { errorCodes } from '../../../kernel/error-codes.ts'
import type { CommandRun, CommandSpec } from '../command.ts'
import type { Check, Examination, Initialization } from '../composition.ts'
import { requireAdminUrl } from '../target.ts'
import { plain } from '../text.ts'

const environment = [
  ['DATABASE_ADMIN_URL', 'login that owns the tables and may create roles; direct, not through a pooler'],
] as const

export const initCommand: CommandSpec = {
  name: 'init',
  group: 'Start:',
  summary: 'Make a database ready: the control plane, its roles and its keys.',
  notes: ['Running it again changes nothing. Servers do it at their start, too.'],
  options: [{ flags: '--harden', description: 'also take set_config and DO from PUBLIC; needs a superuser' }],
  examples: [
    { line: 'init', explains: 'in the database of DATABASE_ADMIN_URL' },
    { line: 'init --harden', explains: 'and make injected SQL poorer' },
  ],
  exits: { 5: 'the database cannot be reached, or the login may too little: see `tenantry doctor`' },
  environment,
  async run(run) {
    const adminUrl = requireAdminUrl(run.target, 'init')
    const result = await run.composition.initialise(adminUrl, { harden: run.input.flag('harden') })
    if (run.json) run.output.json(result)
    else printMade(run, result)
    return undefined
  },
}

function printMade({ output }: CommandRun, { instanceId, roles, applied }: Initialization): void {
  const done = output.style('green', '✓')
  for (const name of applied) output.line(`${done} Applied ${plain(name)}`)
  const { login, app, central } = roles
  output.line(`${done} Instance ${plain(instanceId)}, roles ${plain([login, app, central].join(', '))}`)
  output.line(applied.length === 0 ? 'Everything was there already.' : 'Ready. Next: tenantry create "Acme Corp"')
}

export const doctorCommand: CommandSpec = {
  name: 'doctor',
  group: 'Start:',
  summary: 'Examine database, logins and roles, and print the SQL that mends what is missing.',
  examples: [
    { line: 'doctor', explains: 'the database of DATABASE_ADMIN_URL' },
    { line: 'doctor --json', explains: '{ok, checks: [{name, ok, subject, fix}]}' },
  ],
  exits: { 5: 'something is missing, or the database cannot be reached' },
  environment: [...environment, ['DATABASE_URL', 'scoped login, where it is not the one Tenantry makes']],
  async run(run) {
    const adminUrl = requireAdminUrl(run.target, 'doctor')
    const examination = await run.composition.examine(adminUrl, run.io.env['DATABASE_URL'] || undefined)
    if (run.json) run.output.json(examination)
    else printExamination(run, examination)
    return examination.ok ? undefined : errorCodes.ADMIN_TOO_WEAK.exit
  },
}

function printExamination({ output }: CommandRun, { ok, checks }: Examination): void {
  for (const check of checks) {
    const mark = check.ok ? output.style('green', '✓') : output.style('red', '✗')
    output.line(`${mark} ${plain(check.name)}${check.subject === undefined ? '' : ` (${plain(check.subject)})`}`)
    for (const line of fixLines(check)) output.line(`    ${line}`)
  }
  output.line()
  output.line(
    ok ? 'Everything is as it has to be.' : 'Run the statements above as a superuser, then `tenantry doctor` again.',
  )
}

// Statements are to be copied, so their line breaks stay.
function fixLines({ ok, fix }: Check): string[] {
  return ok || fix === undefined ? [] : fix.split('\n').map(plain)
}
