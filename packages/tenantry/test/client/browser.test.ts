// The client as a browser has it: its modules, all of them, in a realm that holds fetch and its companions and nothing
// of Node.js.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import ts from 'typescript'
import { expect, test } from 'vitest'

const entry = fileURLToPath(new URL('../../src/surfaces/client/index.ts', import.meta.url))
const jsonLines = fileURLToPath(new URL('../../src/surfaces/json-lines.ts', import.meta.url))
const openapiFetch = createRequire(import.meta.url)
  .resolve('openapi-fetch')
  .replace(/[^/]+$/, 'index.mjs')

/** What is in a page's realm and in a worker's, besides the language itself. */
const web = {
  ...{ Request, Response, Headers, URL, URLSearchParams, FormData, AbortSignal, AbortController, crypto },
  TextDecoder,
}

interface Loaded {
  readonly exports: Record<string, (given: object) => Record<string, (given?: object) => Promise<unknown>>>
  readonly files: readonly string[]
}

/** Loads the modules, each once, as they stand; anything that is neither relative nor openapi-fetch is refused. */
function loadInto(realm: object): Loaded {
  const context = createContext(realm)
  const modules = new Map<string, { exports: object }>()
  const load = (file: string): object => {
    const known = modules.get(file)
    if (known) return known.exports
    const module = { exports: {} }
    modules.set(file, module)
    const { outputText } = ts.transpileModule(readFileSync(file, 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: false },
    })
    const run = runInContext(`(function (exports, require, module) {${outputText}\n})`, context) as (
      ...given: unknown[]
    ) => void
    run(module.exports, (name: string) => load(resolved(name, file)), module)
    return module.exports
  }
  return { exports: load(entry) as Loaded['exports'], files: [...modules.keys()] }
}

function resolved(name: string, from: string): string {
  if (name === 'openapi-fetch') return openapiFetch
  if (name.startsWith('.')) return join(dirname(from), name)
  throw new Error(`The client imports ${name}.`)
}

test('the client runs where there is no Node.js', async () => {
  const sent: Request[] = []
  const fetch = (request: Request) => {
    sent.push(request)
    return Promise.resolve(Response.json({ items: [], nextCursor: null, total: 0 }))
  }
  const { exports } = loadInto({ ...web, fetch, location: { href: 'https://console.example.com/tenants' } })
  const client = exports['createClient']?.({ baseUrl: '/control', key: 'tnk_key' })
  expect(await client?.['listTenants']?.({ query: { limit: 3 } })).toEqual({ items: [], nextCursor: null, total: 0 })
  expect(sent.map(({ url, redirect, credentials }) => ({ url, redirect, credentials }))).toEqual([
    { url: 'https://console.example.com/control/api/tenants?limit=3', redirect: 'error', credentials: 'omit' },
  ])
  expect(sent[0]?.headers.get('authorization')).toBe('Bearer tnk_key')
})

test('it reads answers line by line with nothing but a reader and a decoder', async () => {
  const body = '{"row":{"name":"müller"}}\n{"done":true,"answered":1,"failed":[]}\n'
  const chunks = Array.from(new TextEncoder().encode(body), (byte) => Uint8Array.of(byte))
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = chunks.shift()
      if (chunk === undefined) controller.close()
      else controller.enqueue(chunk)
    },
  })
  // Safari's streams are no iterables.
  Object.defineProperty(stream, Symbol.asyncIterator, { value: undefined })
  const { exports } = loadInto({ ...web, fetch: () => Promise.resolve(streamed(stream)) })
  const client = exports['createClient']?.({ baseUrl: 'https://console.example.com' })
  const rows = client?.['queryFleet']?.({ body: { reason: 'a test', sql: 'select 1' } })
  const read: unknown[] = []
  for await (const row of rows as unknown as AsyncIterable<unknown>) read.push(row)
  expect(read).toEqual([{ name: 'müller' }])
})

/** An answer whose body is this very stream. */
const streamed = (body: ReadableStream): Response => Object.defineProperty(new Response(), 'body', { value: body })

test('it is made of its own folder, the reading of lines and openapi-fetch', () => {
  const { files } = loadInto({ ...web, fetch })
  const foreign = files.filter((file) => !file.startsWith(dirname(entry)))
  expect(foreign.toSorted()).toEqual([openapiFetch, jsonLines].toSorted())
  expect(files.length).toBeGreaterThan(4)
})

test('a realm without fetch is seen to fail, so that the one above proves something', async () => {
  const { exports } = loadInto({ ...web })
  const client = exports['createClient']?.({ baseUrl: 'https://x.example.com' })
  await expect(client?.['getStats']?.()).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' })
})
