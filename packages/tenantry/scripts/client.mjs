// Writes the types and the table of operations of `tenantry/client` from the OpenAPI document that the control plane
// serves. With --check it only tells whether they agree.
import { readFileSync, writeFileSync } from 'node:fs'
import openapiTypescript, { astToString } from 'openapi-typescript'
import '../test/harness/typescript-loader.mjs'

const target = new URL('../src/surfaces/client/generated/api.ts', import.meta.url)
// A client that keeps nothing has no use for 304; the idempotency key is an argument of its own.
const UNUSED_HEADERS = new Set(['If-None-Match', 'Idempotency-Key'])
const METHODS = ['get', 'put', 'post', 'delete', 'patch']

/** The document as the HTTP surface answers it. No route but its own runs, so nothing of an instance is ever used. */
async function openapiDocument() {
  const { handler } = await import('../src/surfaces/http/index.ts')
  const unused = new Proxy(() => unused, { get: (_target, name) => (name === 'then' ? undefined : unused) })
  const response = await handler(unused)(new Request('http://localhost/openapi.json'))
  if (!response.ok) throw new Error(`The control plane answered ${response.status} for its document.`)
  return response.json()
}

const isSuccess = (status) => status.startsWith('2')
const JSON_TYPE = 'application/json'
const LINES_TYPE = 'application/x-ndjson'
const isOf = (type, { content }) => content?.[type] !== undefined

/** The answers that a call resolves with, or reads line by line: JSON that is no problem, whatever the status. */
const answersOf = ({ responses }) =>
  Object.entries(responses).filter(([, response]) => isOf(JSON_TYPE, response) || isOf(LINES_TYPE, response))

const isStream = ({ operation }) => answersOf(operation).some(([, response]) => isOf(LINES_TYPE, response))

/** Every operation that answers with JSON: pages and scripts are for browsers, not for a client. */
const operationsOf = (document) =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    METHODS.filter((method) => methods[method] && answersOf(methods[method]).length > 0).map((method) => ({
      operation: methods[method],
      method,
      path,
    })),
  )

/** The same document without what no call resolves with: every other answer becomes an error. */
function reduced(document) {
  const paths = {}
  for (const { operation, method, path } of operationsOf(document)) {
    const responses = Object.fromEntries(
      answersOf(operation).map(([status, { description, content }]) => [status, { description, content }]),
    )
    const parameters = operation.parameters?.filter(({ name }) => !UNUSED_HEADERS.has(name))
    paths[path] = { ...paths[path], [method]: { ...operation, parameters, responses } }
  }
  return { ...document, paths }
}

/** `['GET', '/health', 503]`: method, path, and the failing statuses that a call resolves with all the same. */
function rowOf({ operation, method, path }) {
  const failing = answersOf(operation)
    .map(([status]) => status)
    .filter((status) => !isSuccess(status))
  return `  ${operation.operationId}: [${[`'${method.toUpperCase()}'`, `'${path}'`, ...failing].join(', ')}],`
}

/** The declarations of openapi-typescript that the client needs: what goes over the wire, and each operation. */
async function typesOf(document) {
  const nodes = await openapiTypescript(reduced(document), { defaultNonNullable: false, alphabetize: false })
  const wanted = nodes.filter((node) => ['components', 'operations'].includes(node.name?.text))
  if (wanted.length !== 2) throw new Error('openapi-typescript no longer declares `components` and `operations`.')
  return astToString(wanted)
}

/** The codes of the error table, for whoever compares with one. */
async function errorCodes() {
  const { errorCodes: table } = await import('../src/kernel/error-codes.ts')
  return Object.keys(table)
}

async function generate() {
  const document = await openapiDocument()
  const operations = operationsOf(document)
  const rows = operations.filter((each) => !isStream(each)).map(rowOf)
  const streams = operations.filter(isStream).map(rowOf)
  const codes = (await errorCodes()).map((code) => `  | '${code}'`)
  return [
    '// Generated from the OpenAPI document by scripts/client.mjs; `npm run client -w tenantry` writes it again.',
    '',
    `export const operationTable = {\n${rows.join('\n')}\n} as const`,
    '',
    '/** Those that answer with one JSON object a line. */',
    `export const streamTable = {\n${streams.join('\n')}\n} as const`,
    '',
    `export type KnownErrorCode =\n${codes.join('\n')}`,
    '',
    await typesOf(document),
  ].join('\n')
}

const next = await generate()
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== next) {
    console.error(
      'The generated part of tenantry/client is not what the HTTP surface says; run `npm run client -w tenantry`.',
    )
    process.exitCode = 1
  }
} else {
  writeFileSync(target, next)
}
