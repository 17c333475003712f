// verify: whether isolation holds, examined and tried out, for people, for CI and for auditors.
import { readFile, writeFile } from 'node:fs/promises'
import { errorCodes } from '../../../kernel/error-codes.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import type { VerifyOptions, VerifyProgress } from '../../../features/verify/create-verifier.ts'
import type { VerifyReport } from '../../../features/verify/report.ts'
import type { CommandRun, CommandSpec } from '../command.ts'
import { httpTarget } from '../http-target.ts'
import { chooseTarget, requireAdminUrl } from '../target.ts'
import { plain } from '../text.ts'
import { printReport, publishedReport } from '../verify-view.ts'

export const verifyCommand: CommandSpec = {
  name: 'verify',
  group: 'Start:',
  summary: 'Examine the isolation, and attack every table as the application itself.',
  notes: [
    'Attacks run as the scoped login in transactions that are rolled back; triggers run with them, see docs/verify.md.',
    'With --check-report, --key names the file of the public key, and no database is needed.',
  ],
  options: [
    { flags: '--only <half>', description: 'one half alone', choices: ['catalogue', 'probes'] },
    { flags: '--read-only', description: 'attack by reading alone; write nothing, not even to roll it back' },
    { flags: '--allow-skipped', description: 'accept probes that could not run' },
    { flags: '--sample <schemas>', description: 'schema tenants to attack in depth, default 20; all are read' },
    { flags: '--fix', description: 'print the SQL that repairs, and nothing else' },
    { flags: '--yes', description: 'with --fix: apply it in one transaction and verify again' },
    { flags: '--junit <file>', description: 'write the checks as JUnit XML' },
    { flags: '--report <file>', description: 'write the signed report' },
    { flags: '--check-report <file>', description: 'check the signature of a report against --key <file>' },
    { flags: '--public-key', description: 'print the key that checks the reports of this instance' },
  ],
  examples: [
    { line: 'verify', explains: 'everything, what fails first' },
    { line: 'verify --json', explains: '{ok, checks: [{name, ok, subject, fix}]}' },
    { line: 'verify --junit verify.xml --report verify.json', explains: 'for CI, and for the auditor' },
    { line: 'verify --fix', explains: 'the SQL that repairs; --fix --yes applies it' },
    { line: 'verify --check-report verify.json --key verify.pem', explains: 'offline' },
  ],
  exits: { 1: 'isolation does not hold, or the report is not genuine', 5: 'no target, or the database is away' },
  environment: [
    ['DATABASE_ADMIN_URL', 'login of the control plane; direct, not through a pooler'],
    ['DATABASE_URL', 'scoped login, where it is not the one Tenantry makes'],
  ],
  async run(run) {
    const report = run.input.text('checkReport')
    if (report !== undefined) return checkFile(run, report)
    if (run.input.flag('publicKey')) return printKey(run)
    return verify(run)
  },
}

async function verify(run: CommandRun): Promise<number | undefined> {
  const { input, output } = run
  const isFixing = input.flag('fix')
  if (input.flag('yes') && !isFixing) throw new TenantryError('USAGE', '--yes needs --fix.')
  const report = await runVerify(run, { ...optionsOf(run), fix: isFixing && input.flag('yes') })
  await writeFiles(run, report)
  if (run.json) output.json(publishedReport(report))
  else if (isFixing && !input.flag('yes')) await printFixes(run, report)
  else printReport(output, report)
  return report.ok ? undefined : errorCodes.VERIFY_FAILED.exit
}

function optionsOf({ input }: CommandRun): VerifyOptions {
  const half = input.text('only')
  const sampleSchemas = input.integer('sample', { least: 0, most: 100_000 })
  return {
    ...(half === 'catalogue' || half === 'probes' ? { only: half } : {}),
    ...(sampleSchemas === undefined ? {} : { sampleSchemas }),
    readOnly: input.flag('readOnly'),
    allowSkipped: input.flag('allowSkipped'),
  }
}

async function runVerify(run: CommandRun, options: VerifyOptions): Promise<VerifyReport> {
  const choice = await chooseTarget(run.target)
  if (choice.kind === 'http') {
    if (options.fix === true) requireAdminUrl({ env: {} }, 'verify --fix')
    return httpTarget(choice).verify(options)
  }
  const verifier = await run.composition.openVerifier(choice.adminUrl, run.io.env['DATABASE_URL'] || undefined)
  const progress = progressOn(run)
  try {
    return await verifier.run({ ...options, actor: 'cli', onProgress: progress.show })
  } finally {
    progress.clear()
    await verifier.close()
  }
}

/** One line on the terminal that is written over; nothing where nobody watches. */
function progressOn({ io }: CommandRun): { show: (progress: VerifyProgress) => void; clear: () => void } {
  if (!io.isTTY.stderr) return { show: () => {}, clear: () => {} }
  const write = (text: string) => io.stderr.write(`\r\u001b[2K${text}`)
  return {
    show: ({ step, done, of }) => write(`${plain(step)} ${done}/${of}`),
    clear: () => write(''),
  }
}

async function writeFiles({ input, output }: CommandRun, report: VerifyReport): Promise<void> {
  const [junit, signed] = [input.text('junit'), input.text('report')]
  if (junit !== undefined) {
    const { junitOf } = await import('../../../features/verify/junit.ts')
    await write(junit, junitOf(report), 'junit')
  }
  if (signed !== undefined) await write(signed, `${JSON.stringify(report, null, 2)}\n`, 'report')
  for (const file of [junit, signed]) if (file !== undefined) output.note(`Written: ${plain(file)}`)
}

async function write(file: string, text: string, field: string): Promise<void> {
  await writeFile(file, text).catch((cause: unknown) => {
    throw new TenantryError('INVALID_INPUT', `The file of --${field} cannot be written.`, { field, cause })
  })
}

/** Statements to run; what needs a decision follows as comments. */
async function printFixes({ output }: CommandRun, { checks }: VerifyReport): Promise<void> {
  const { fixStatements } = await import('../../../features/verify/catalogue/fix-statements.ts')
  const statements = fixStatements(checks)
  for (const statement of statements) output.line(plainLines(statement))
  for (const [fix, found] of openFixes(checks, new Set(statements))) {
    for (const each of found) output.line(`-- ${plain(each)}`)
    for (const line of fix.split('\n')) output.line(`--   ${plain(line)}`)
  }
}

/** What is no statement to run, once each, with everything that it repairs. */
function openFixes(checks: VerifyReport['checks'], statements: ReadonlySet<string>): ReadonlyMap<string, string[]> {
  const found = new Map<string, string[]>()
  for (const { ok, fix, name, subject = '' } of checks) {
    if (ok || fix === undefined || statements.has(fix)) continue
    found.set(fix, [...(found.get(fix) ?? []), `${name} ${subject}`.trim()])
  }
  return found
}

const plainLines = (text: string) => text.split('\n').map(plain).join('\n')

async function checkFile(run: CommandRun, file: string): Promise<undefined> {
  const keyFile = run.target.key
  if (keyFile === undefined) {
    throw new TenantryError('USAGE', '--check-report needs --key with the file of the public key.')
  }
  const { checkReport } = await import('../../../features/verify/report.ts')
  const { ok, instance, finishedAt, checks } = checkReport(await read(file), await read(keyFile))
  if (run.json) run.output.json({ genuine: true, ok, instance, finishedAt })
  else {
    const verdict = ok ? 'isolation held' : 'isolation was not proven'
    run.output.line(`The report is genuine: instance ${instance}, ${finishedAt}, ${checks.length} checks, ${verdict}.`)
  }
  return undefined
}

async function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new TenantryError('INVALID_INPUT', `The file ${plain(file)} cannot be read.`, { cause })
  })
}

async function printKey(run: CommandRun): Promise<undefined> {
  const adminUrl = requireAdminUrl(run.target, 'verify --public-key')
  const verifier = await run.composition.openVerifier(adminUrl, run.io.env['DATABASE_URL'] || undefined)
  try {
    run.output.line((await verifier.publicKey()).trimEnd())
  } finally {
    await verifier.close()
  }
  return undefined
}
