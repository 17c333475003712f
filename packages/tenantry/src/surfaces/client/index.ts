// `tenantry/client`: the control plane over fetch, typed by its own contract. Runs in browsers: it imports openapi-fetch
// and nothing of the rest of this package.
export { TenantryClientError, type ClientErrorCode, type ClientErrorDetails } from './client-error.ts'
export { type ClientOptions, createClient } from './client.ts'
export { newIdempotencyKey } from './idempotency.ts'
export type { Lines } from './lines.ts'
export type { Arguments, OperationId, Result, StreamId, TenantryClient } from './operation.ts'
export { eachItem } from './paging.ts'
