// The one door to the `pg` package. It also restates, as interfaces, the few internals of its wire layer that a
// one-flush statement needs; they carry no types of their own upstream.
import type { Socket } from 'node:net'
import pg from 'pg'

export const { Client, DatabaseError, Pool, TypeOverrides, types } = pg
export type Pool = pg.Pool
export type { ClientConfig, PoolClient, PoolConfig, QueryConfig, QueryResult } from 'pg'

/** A field of a RowDescription message, passed through unread. */
export interface RowDescription {
  readonly fields: readonly unknown[]
}

/** pg's connection: it writes protocol messages and emits what the server answers. */
export interface WireConnection {
  readonly stream: Socket
  on(event: 'parameterStatus', listener: (message: { parameterName: string; parameterValue: string }) => void): void
  on(event: 'readyForQuery', listener: (message: { status: string }) => void): void
  on(event: 'errorMessage', listener: (error: { readonly severity: string | undefined }) => void): void
  on(event: 'parseComplete' | 'end', listener: () => void): void
  off(event: 'parseComplete' | 'readyForQuery' | 'end', listener: () => void): void
}

/** The parts of a pg.Client that its types leave out. */
export interface WireClient {
  readonly connection: WireConnection
  /** What goes into the startup packet, from URL, environment and config. */
  readonly connectionParameters: Record<string, unknown>
  /** The process id that came with the key for cancelling. */
  readonly processID: number | null
  /** That key. */
  readonly secretKey: number | null
  /** `I` idle, `T` in a transaction, `E` in a failed one, as of the last ReadyForQuery. */
  getTransactionStatus(): string | null
}

/** A query object that sends itself: pg's Submittable, with the text that those of pg-cursor and pg-copy-streams carry. */
export interface Submittable {
  text?: string
  /** A query stream's, which has the text. */
  readonly cursor?: { readonly text?: string }
  _result?: { _types?: unknown }
  callback?: unknown
  submit(connection: WireConnection): unknown
  handleRowDescription?(message: unknown): void
  handleDataRow?(message: unknown): void
  handlePortalSuspended?(connection: WireConnection): void
  handleCommandComplete?(message: unknown, connection: WireConnection): void
  handleEmptyQuery?(connection: WireConnection): void
  handleCopyInResponse?(connection: WireConnection): void
  handleCopyData?(message: unknown, connection: WireConnection): void
  handleReadyForQuery?(connection: WireConnection): void
  handleError(error: Error, connection: WireConnection): void
}

/** What pg's client calls on the query object that it was given. */
export type WireSubmittable = Required<Omit<Submittable, 'text' | 'cursor' | '_result' | 'callback'>>

export type QueryCallback = (error: Error | null, result?: pg.QueryResult) => void

/** pg.Query as a base class: the client calls these methods as answers come in. */
export interface WireQuery {
  text: string
  values?: readonly unknown[] | undefined
  types?: readonly unknown[] | undefined
  binary?: boolean | undefined
  callback: QueryCallback
  submit(connection: WireConnection): Error | null
  handleRowDescription(message: RowDescription): void
  handleDataRow(message: unknown): void
  handleCommandComplete(message: unknown, connection: WireConnection): void
  handleEmptyQuery(connection: WireConnection): void
  handleError(error: Error, connection: WireConnection): void
  handleReadyForQuery(connection: WireConnection): void
}

interface WireQueryConstructor {
  new (config: pg.QueryConfig | string, values: undefined, callback: QueryCallback): WireQuery
}

// The cast is safe as long as pg keeps these method names; scoped-query.test.ts fails when it does not.
export const WireQuery = pg.Query as unknown as WireQueryConstructor

/** Turns a JavaScript value into what goes on the wire, as pg does for every parameter. */
export const prepareValue = (pg as unknown as { utils: { prepareValue: (value: unknown) => unknown } }).utils
  .prepareValue

/** The wire side of a client. */
export function wireOf(client: pg.ClientBase): WireClient {
  return client as unknown as WireClient
}
