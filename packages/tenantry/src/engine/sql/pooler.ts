// Finds out whether a URL leads to PostgreSQL itself or to a pooler that lends sessions out. Behind one, what a
// connection has prepared may be missing in its next flush, or be another process's statement of the same name.
import { toConnectError } from './database-errors.ts'
import { sendFlight } from './flight.ts'
import { type PoolConfig, wireOf } from './pg.ts'
import { ScopedClient, type ScopedClientConfig } from './scoped-client.ts'

/**
 * How the scoped login reaches the server: `none`, each connection is a session of its own; `transaction`, through a
 * pooler in transaction mode; `auto`, found out at start.
 */
export type PoolerSetting = 'auto' | 'none' | 'transaction'

const BACKEND = { text: 'select pg_catalog.pg_backend_pid() as pid' }

/**
 * Whether there is a pooler between here and the server. PostgreSQL names its process id in the key it hands out for
 * cancelling; a pooler makes keys of its own, because the process changes. One that passes keys on is found by two
 * connections that meet in one process, or by one that meets two. What cannot be told counts as a pooler.
 */
export async function detectPooler(connection: PoolConfig): Promise<boolean> {
  const clients = await openTwo({ ...connection, pooled: true })
  try {
    const seen: number[][] = []
    for (const client of [...clients, ...clients]) seen.push([wireOf(client).processID ?? 0, await backendOf(client)])
    const [first, second] = seen.map(([, backend]) => backend)
    return first === second || seen.some(([key, backend]) => key !== backend)
  } finally {
    await endAll(clients)
  }
}

/** The process that answers on this connection. */
export async function backendOf(client: ScopedClient): Promise<number> {
  const { rows } = await sendFlight(client, { config: BACKEND })
  return (rows[0] as { pid: number }).pid
}

/** Two connections at once, or none where either fails. */
export async function openTwo(
  connection: PoolConfig & ScopedClientConfig,
): Promise<readonly [ScopedClient, ScopedClient]> {
  const clients = [new ScopedClient(connection), new ScopedClient(connection)] as const
  const opened = await Promise.allSettled(clients.map((client) => client.connect()))
  const failure = opened.find((result) => result.status === 'rejected')
  if (failure === undefined) return clients
  await endAll(clients)
  throw toConnectError(failure.reason)
}

export async function endAll(clients: readonly ScopedClient[]): Promise<void> {
  await Promise.allSettled(clients.map((client) => client.end()))
}
