// What each operation of the contract takes and gives, as types over the generated ones.
import type { operations, operationTable, streamTable } from './generated/api.ts'
import type { Lines } from './lines.ts'

export type OperationId = keyof typeof operationTable

/** The operations that answer line by line. */
export type StreamId = keyof typeof streamTable

type AnyId = OperationId | StreamId

interface Content<T> {
  readonly content: { readonly 'application/json': T }
}

type Parameters<Id extends AnyId> = operations[Id]['parameters']
type Member<T, Name extends string> = T extends { readonly [key in Name]?: infer Value } ? NonNullable<Value> : never

type PathOf<Id extends AnyId> = Member<Parameters<Id>, 'path'>
type QueryOf<Id extends AnyId> = Member<Parameters<Id>, 'query'>
type HeadersOf<Id extends AnyId> = Member<Parameters<Id>, 'header'>

type IfAny<T, Then> = [T] extends [never] ? unknown : Then
type IsWrite<Id extends AnyId> = Id extends OperationId
  ? (typeof operationTable)[Id][0] extends 'GET'
    ? false
    : true
  : false

type RequestBody<Id extends AnyId> = Member<operations[Id], 'requestBody'>
type BodyArguments<Id extends AnyId> = operations[Id] extends { readonly requestBody: Content<infer Body> }
  ? { readonly body: Body }
  : IfAny<RequestBody<Id>, { readonly body?: RequestBody<Id> extends Content<infer Body> ? Body : never }>

interface CallOptions {
  /** Gives the call up. */
  readonly signal?: AbortSignal
}

interface WriteOptions {
  /** Sent as `Idempotency-Key`: the server carries the call out once, however often it arrives. */
  readonly idempotencyKey?: string
}

/** What one call takes: the parameters of its path by name, then `query`, `body` and `headers` as the contract has them. */
export type Arguments<Id extends AnyId> = IfAny<PathOf<Id>, Readonly<PathOf<Id>>> &
  IfAny<QueryOf<Id>, { readonly query?: Readonly<QueryOf<Id>> }> &
  IfAny<HeadersOf<Id>, { readonly headers?: Readonly<HeadersOf<Id>> }> &
  BodyArguments<Id> &
  (IsWrite<Id> extends true ? WriteOptions : unknown) &
  CallOptions

/** What a call resolves with. */
export type Result<Id extends OperationId> = {
  [Status in keyof operations[Id]['responses']]: operations[Id]['responses'][Status] extends Content<infer Body>
    ? Body
    : never
}[keyof operations[Id]['responses']]

type Call<Id extends OperationId> =
  Partial<Arguments<Id>> extends Arguments<Id>
    ? (given?: Arguments<Id>) => Promise<Result<Id>>
    : (given: Arguments<Id>) => Promise<Result<Id>>

type LineOf<Id extends StreamId> = operations[Id]['responses'][200]['content']['application/x-ndjson']
type EndOf<Line> = Omit<Extract<Line, { readonly done: true }>, 'done'>
type ItemOf<Line> = Line extends { readonly done: boolean } ? never : Line[keyof Line]

type Stream<Id extends StreamId> =
  Partial<Arguments<Id>> extends Arguments<Id>
    ? (given?: Arguments<Id>) => Lines<ItemOf<LineOf<Id>>, EndOf<LineOf<Id>>>
    : (given: Arguments<Id>) => Lines<ItemOf<LineOf<Id>>, EndOf<LineOf<Id>>>

/** One method for each operation of the control plane, named by its operation id. */
export type TenantryClient = { readonly [Id in OperationId]: Call<Id> } & { readonly [Id in StreamId]: Stream<Id> }
