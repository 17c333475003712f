// Lets a real child process of a test run the sources as they are: `node --import <this file> script.ts`. Node 20
// cannot strip types by itself. What was transpiled once is kept by the hash of its source: crash tests start a process
// for every point they kill it at, and loading the compiler alone takes most of a second.
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { register } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) register(import.meta.url)

const cache = new URL('../../../../node_modules/.cache/tenantry-tests/', import.meta.url)

/** The load hook of module.register. */
export async function load(url, context, nextLoad) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return nextLoad(url, context)
  const text = await readFile(fileURLToPath(url), 'utf8')
  const kept = new URL(`${createHash('sha256').update(url).update(text).digest('hex')}.mjs`, cache)
  const source = await readFile(kept, 'utf8').catch(() => transpile(text, kept))
  return { format: 'module', shortCircuit: true, source }
}

async function transpile(text, kept) {
  const { default: typescript } = await import('typescript')
  const { outputText } = typescript.transpileModule(text, {
    compilerOptions: { target: 'es2022', module: 'esnext', verbatimModuleSyntax: true, inlineSourceMap: true },
  })
  await mkdir(cache, { recursive: true })
  // Renamed into place: another process must not read half of it.
  const unfinished = new URL(`${kept.href}.${process.pid}`)
  await writeFile(unfinished, outputText)
  await rename(unfinished, kept)
  return outputText
}
