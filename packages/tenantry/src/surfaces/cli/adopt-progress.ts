// How far a plan is while it is being applied: one line that is drawn anew on a terminal, a line a subject otherwise.
import type { AdoptProgress } from '../../features/adopt/plan.ts'
import type { CliIo } from './io.ts'
import { plain } from './text.ts'

const WIDTH = 24

export interface AdoptMeter {
  show(progress: AdoptProgress): void
  /** Leaves the cursor on an empty line. */
  end(): void
}

/** Draws on standard error, so that standard output stays the answer. */
export function adoptMeter({ stderr, isTTY }: Pick<CliIo, 'stderr' | 'isTTY'>): AdoptMeter {
  let said = ''
  return {
    show(progress) {
      if (isTTY.stderr) {
        stderr.write(`\r\u001b[2K${meterText(progress)}`)
        return
      }
      const line = `${progress.stage}: ${plain(progress.subject)}`
      if (line !== said) stderr.write(`${line}\n`)
      said = line
    },
    end() {
      if (isTTY.stderr) stderr.write('\r\u001b[2K')
    },
  }
}

/** `backfill  ███████░░░░  58 %  public.invoice` */
export function meterText({ stage, subject, done, total }: AdoptProgress): string {
  const share = total === null || total === 0 ? undefined : Math.min(1, done / total)
  const filled = Math.round((share ?? 0) * WIDTH)
  const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled)
  const amount = share === undefined ? String(done) : `${Math.floor(share * 100)} %`
  return `${stage.padEnd(9)} ${bar} ${amount.padStart(6)}  ${plain(subject)}`
}
