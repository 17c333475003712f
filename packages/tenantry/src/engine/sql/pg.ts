// The one door to the `pg` package: everything else meets it through the names exported here.
import pg from 'pg'

export const { Client, DatabaseError, Pool, Query, types } = pg
export type { ClientBase, ClientConfig, PoolClient, PoolConfig, QueryConfig, QueryResult } from 'pg'
