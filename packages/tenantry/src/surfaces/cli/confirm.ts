// Asks before harm. Without a terminal nothing is asked and nothing is done, unless the command line said so.
import { isCancel, text } from '@clack/prompts'
import { TenantryError } from '../../kernel/errors.ts'
import { type CliIo, isInteractive } from './io.ts'

/** Thrown when the person at the prompt pressed Ctrl-C; the run ends with 130 and has done nothing. */
export class Interrupted extends Error {}

export interface Question {
  readonly message: string
  /** What has to be typed, exactly. */
  readonly expected: string
  /** The option that answers in a script, as it is to be typed. */
  readonly option: string
}

/**
 * Resolves when the expected word was typed. Throws CONFIRMATION_REQUIRED for any other word and where nobody can be
 * asked, and `Interrupted` at Ctrl-C.
 */
export async function confirm(io: CliIo, question: Question): Promise<void> {
  if (!isInteractive(io)) {
    throw new TenantryError(
      'CONFIRMATION_REQUIRED',
      'Nothing was done: this needs a confirmation, and there is no terminal to ask on.',
      {
        fix: `Pass ${question.option} to confirm it.`,
      },
    )
  }
  const answer = await text({ message: question.message, input: io.stdin, output: io.stdout, withGuide: false })
  if (isCancel(answer)) throw new Interrupted()
  if (answer.trim() !== question.expected) {
    throw new TenantryError('CONFIRMATION_REQUIRED', `Nothing was done: the answer was not '${question.expected}'.`, {
      fix: `Type ${question.expected} to confirm, or pass ${question.option}.`,
    })
  }
}
