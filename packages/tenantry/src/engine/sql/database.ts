// The port through which every layer above the engine talks SQL. `engine/sql/central-database.ts` is its one implementation.

export interface QueryResultRows<R> {
  readonly rows: R[]
  /** Rows returned or touched; null where the command does not count. */
  readonly rowCount: number | null
  /** What the server says it did: `SELECT`, `UPDATE`, `CREATE TABLE`. Not every implementation tells. */
  readonly command?: string
}

/** Something that runs SQL. Without values the text may hold several statements (PostgreSQL's simple protocol). */
export interface Sql {
  query<R extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<QueryResultRows<R>>
}

export interface Subscription {
  /** False while the connection is lost; changes go unheard then. */
  readonly isConnected: boolean
  close(): Promise<void>
}

/** The control plane's own connection pool, over the admin URL. Never used for tenant statements. */
export interface CentralDatabase extends Sql {
  /**
   * BEGIN, the callback, COMMIT; rolled back when the callback throws, whose error reaches the caller unchanged.
   * Statements sent without waiting for each other run in order and share a round trip; when one fails, so do those
   * behind it, and Promise.all rejects with the first.
   */
  transaction<T>(run: (tx: Sql) => Promise<T>): Promise<T>
  /**
   * One connection outside of any transaction, for statements that cannot run inside of one; it is closed afterwards, so
   * that nothing set on it stays. Statements run one after the other.
   */
  session<T>(run: (session: Sql) => Promise<T>): Promise<T>
  /**
   * LISTENs on a connection of its own, reconnecting for as long as it is open. `onReconnect` runs after each
   * reconnection, because notifications in between are lost.
   */
  listen(channel: string, onNotify: (payload: string) => void, onReconnect: () => void): Promise<Subscription>
  close(): Promise<void>
}
