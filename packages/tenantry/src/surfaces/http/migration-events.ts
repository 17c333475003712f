// A stream of runs for one client: the newest progress of each run, and its end. What a slow client has not read yet is
// replaced, so that nothing piles up behind it.
import type { Context } from 'hono'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import type { Env } from './app.ts'
import type { MigrationRuns, RunEvent } from './migration-runs.ts'

const HEARTBEAT_MS = 15_000

/** Streams what happens to a run until it ends, or to all runs until the client goes away. */
export function streamRuns(c: Context<Env>, runs: MigrationRuns, runId: string | undefined): Response {
  // Proxies that buffer would hold back what a person waits for.
  c.header('x-accel-buffering', 'no')
  return streamSSE(c, async (stream) => {
    const mailbox = new Mailbox()
    const forget = runs.watch((event) => {
      if (event.type === 'close' || runId === undefined || event.runId === runId) mailbox.put(event)
    })
    stream.onAbort(() => mailbox.put({ type: 'close' }))
    try {
      // It may have ended before anybody watched.
      const run = runId === undefined ? undefined : await runs.find(runId)
      if (run !== undefined && run.state !== 'running') mailbox.put({ type: 'end', runId: run.runId, data: run })
      await stream.write(': open\n\n')
      await deliver(stream, mailbox, runId !== undefined)
    } finally {
      forget()
      mailbox.close()
    }
  })
}

async function deliver(stream: SSEStreamingApi, mailbox: Mailbox, endsWithRun: boolean): Promise<void> {
  for (;;) {
    const event = await mailbox.take(HEARTBEAT_MS)
    if (event === undefined) {
      await stream.write(': still here\n\n')
      continue
    }
    if (event.type === 'close') return
    await stream.writeSSE({ event: event.type, data: JSON.stringify(event.data) })
    if (event.type === 'end' && endsWithRun) return
  }
}

/** Holds what was not sent yet: of each run one event, the newest. */
class Mailbox {
  readonly #waiting = new Map<string, RunEvent>()
  #wake: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined

  put(event: RunEvent): void {
    const key = event.type === 'close' ? '' : event.runId
    // An end is not taken back by a look at the row from before it.
    if (this.#waiting.get(key)?.type !== 'end') this.#waiting.set(key, event)
    this.#wake?.()
  }

  /** The oldest of what waits; undefined where nothing came in time. */
  async take(withinMs: number): Promise<RunEvent | undefined> {
    if (this.#waiting.size === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        this.#timer = setTimeout(resolve, withinMs)
      })
      this.close()
    }
    const close = this.#waiting.get('')
    const [key, event] = close === undefined ? ([...this.#waiting][0] ?? []) : ['', close]
    if (key !== undefined) this.#waiting.delete(key)
    return event
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#wake = undefined
  }
}
