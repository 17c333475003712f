// Sessions of direct logins, as a tenant's own client would open them: by the connection string alone.
import { Client } from '../../src/engine/sql/pg.ts'
import { until } from '../harness/wait.ts'
import type { Connection } from './instance-database.ts'

export interface DirectSession {
  open(credential: { readonly connectionString: string }): Promise<Connection>
  /** Whether the server has ended the session, or does within a few seconds. */
  isOver(client: Connection): Promise<boolean>
  close(): Promise<void>
}

export function directSessions(): DirectSession {
  const all = new Set<Connection>()
  const over = new WeakSet<Connection>()
  return {
    async open({ connectionString }) {
      const client = new Client({ connectionString })
      client.on('error', () => over.add(client))
      client.on('end', () => over.add(client))
      await client.connect()
      all.add(client)
      return client
    },
    isOver: (client) =>
      until(() => over.has(client), { timeoutMs: 3_000 }).then(
        () => true,
        () => false,
      ),
    async close() {
      for (const client of all) await client.end().catch(() => undefined)
    },
  }
}
