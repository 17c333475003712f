// The lines of a backfill: the newest of how far it is, and how it ended. What a slow client has not read yet is replaced.
import type { BackfillProgress, ChangeStatus } from '../../features/changes/change.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { problemDetails } from '../../kernel/problem.ts'

export interface BackfillWatch {
  readonly signal: AbortSignal
  readonly onProgress: (progress: BackfillProgress) => void
}

type End = { readonly status: ChangeStatus } | { readonly error: unknown }

/**
 * Begins the work and answers with its lines. What it fails with before its first batch is thrown, so that it can be
 * answered as any error. Cancelling stops it after the batch that is under way.
 */
export async function backfillLines(
  work: (watch: BackfillWatch) => Promise<ChangeStatus>,
  onError: (error: unknown) => void,
): Promise<ReadableStream<Uint8Array>> {
  const controller = new AbortController()
  let newest: BackfillProgress | undefined
  let end: End | undefined
  let wake = (): void => {}
  const onProgress = (progress: BackfillProgress): void => {
    newest = progress
    wake()
  }
  const ended = work({ signal: controller.signal, onProgress })
    .then(
      (status) => (end = { status }),
      (error: unknown) => (end = { error }),
    )
    .then((known) => {
      wake()
      return known
    })
  const something = () => new Promise<void>((resolve) => (wake = resolve))
  await something()
  if (newest === undefined && end !== undefined && 'error' in end) throw end.error
  return new ReadableStream<Uint8Array>({
    async pull(stream) {
      if (newest === undefined && end === undefined) await something()
      const progress = newest
      newest = undefined
      if (progress !== undefined) stream.enqueue(lineOf({ progress }))
      if (end === undefined) return
      stream.enqueue(
        lineOf('status' in end ? { done: true, ...end } : { done: false, problem: told(end.error, onError) }),
      )
      stream.close()
    },
    async cancel() {
      controller.abort()
      await ended
    },
  })
}

const encoder = new TextEncoder()
const lineOf = (line: object): Uint8Array => encoder.encode(`${JSON.stringify(line)}\n`)

/** An error that is none of ours stays inside. */
function told(error: unknown, onError: (error: unknown) => void): object {
  onError(error)
  const known = error instanceof TenantryError
  return problemDetails(known ? error : new TenantryError('INTERNAL', 'The backfill failed unexpectedly.'))
}
