// How far a change is, as a table, as fields, and while it goes on.
import type { BackfillProgress, ChangeStatus } from '../../../features/changes/change.ts'
import type { CommandRun } from '../command.ts'
import { fieldLines } from '../output.ts'

/** Without a terminal: how often a line is written. */
const LINE_EVERY_MS = 10_000

const right = (title: string) => ({ title, align: 'right' as const })
export const columns = [{ title: 'NAME' }, { title: 'PHASE' }, ...['TABLES', 'DONE', 'FAILED', 'FILLED'].map(right)]
export const cellsOf = ({ name, phase, targets, done, failures, filled }: ChangeStatus) => [
  ...[name, phase, String(targets), String(done), String(failures.length), String(filled)],
]

/** One change, and the tenants whose rows could not be filled. */
export function show({ json, output }: CommandRun, answer: ChangeStatus): void {
  if (json) {
    output.json(answer)
    return
  }
  const { name, phase, targets, done, filled, failures } = answer
  const fields: [string, string][] = [
    ['Change', name],
    ['Phase', phase],
  ]
  if (targets > 0) fields.push(['Tables filled', `${done} of ${targets}`], ['Rows filled', String(filled)])
  for (const line of fieldLines(fields)) output.line(line)
  for (const { tenantId, code, sqlState } of failures) {
    const where = [code, sqlState].filter((part) => part !== null).join(', ')
    output.line(`  ${output.style('red', '✗')} ${tenantId ?? 'the shared table'} (${where})`)
  }
}

/** In place on a terminal, and now and then a line elsewhere. */
export function meterOf({ io, json }: CommandRun): { show(progress: BackfillProgress): void; clear(): void } {
  if (json) return { show: () => {}, clear: () => {} }
  const textOf = ({ done, targets, filled }: BackfillProgress) => `${filled} rows filled, ${done} of ${targets} tables`
  if (io.isTTY.stderr) {
    const write = (text: string) => io.stderr.write(`\r\u001b[2K${text}`)
    return { show: (progress) => write(textOf(progress)), clear: () => write('') }
  }
  let next = 0
  return {
    show: (progress) => {
      if (Date.now() < next) return
      next = Date.now() + LINE_EVERY_MS
      io.stderr.write(`${textOf(progress)}\n`)
    },
    clear: () => {},
  }
}
