// Asks on a terminal what a plan leaves open. Without one nothing is asked.
import { isCancel, select, text } from '@clack/prompts'
import type { AdoptAnswer } from '../../features/adopt/decide-answers.ts'
import type { AdoptQuestion } from '../../features/adopt/plan.ts'
import { isValidSlug } from '../../kernel/identifiers.ts'
import { Interrupted } from './confirm.ts'
import type { CliIo } from './io.ts'
import { plain } from './text.ts'

/** The person's answer. Throws `Interrupted` at Ctrl-C. */
export async function askAbout(io: CliIo, { table, question, choices }: AdoptQuestion): Promise<AdoptAnswer> {
  const chosen = await select({
    message: plain(question),
    options: choices.map(({ label }, index) => ({ value: index, label: plain(label) })),
    input: io.stdin,
    output: io.stdout,
    withGuide: false,
  })
  if (isCancel(chosen)) throw new Interrupted()
  const choice = choices[chosen]
  if (choice === undefined || choice.decision !== 'tenant')
    return { table, decision: 'global', via: null, orphans: null }
  const [step] = choice.path
  if (step !== undefined) {
    return { table, decision: 'tenant', via: { columns: step.columns, table: step.table }, orphans: null }
  }
  return { table, decision: 'tenant', via: null, orphans: await askSlug(io, table) }
}

async function askSlug(io: CliIo, table: string): Promise<string> {
  const slug = await text({
    message: `The slug of the tenant that gets the rows of ${plain(table)}:`,
    input: io.stdin,
    output: io.stdout,
    withGuide: false,
    validate: (given) =>
      isValidSlug(given ?? '') ? undefined : 'A slug has 2 to 100 small letters, digits and hyphens.',
  })
  if (isCancel(slug)) throw new Interrupted()
  return slug
}
