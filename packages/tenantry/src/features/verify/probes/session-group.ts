// A few attackers at once: the work is spread over connections, the findings come back in the order of the work.
import type { PoolConfig } from '../../../engine/sql/pg.ts'
import type { ScopedClientConfig } from '../../../engine/sql/scoped-client.ts'
import { ProbeSession } from './probe-session.ts'

// Two keep both ends busy, a third fills their gaps; more would only take connections from the application.
const SIZE = 3

export class SessionGroup {
  readonly #sessions: readonly ProbeSession[]

  private constructor(sessions: readonly ProbeSession[]) {
    this.#sessions = sessions
  }

  /** Connects as the scoped login. Throws what ProbeSession.open throws. */
  static async open(connection: PoolConfig & ScopedClientConfig): Promise<SessionGroup> {
    const opened = await Promise.allSettled(Array.from({ length: SIZE }, () => ProbeSession.open(connection)))
    const sessions = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    // Where the login may have fewer connections, fewer will do.
    const [first] = opened
    if (sessions.length === 0 && first?.status === 'rejected') throw first.reason
    return new SessionGroup(sessions)
  }

  /** Does the work for each item, each on a session of its own for that time. Rejects with the first failure. */
  async each<T, R>(items: readonly T[], work: (session: ProbeSession, item: T) => Promise<R>): Promise<readonly R[]> {
    const results: R[] = []
    const queue = items.entries()
    const worker = async (session: ProbeSession) => {
      for (const [i, item] of queue) results[i] = await work(session, item)
    }
    const ended = await Promise.allSettled(this.#sessions.map(worker))
    for (const each of ended) if (each.status === 'rejected') throw each.reason
    return results
  }

  async close(): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.close()))
  }
}
