// The embedded server for an ordinary user, from a package whose install scripts were blocked and whose folder is
// not writable. Under root another user runs it, in a real process.
import { spawn } from 'node:child_process'
import { chown, cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import ts from 'typescript'
import { afterEach, expect, test } from 'vitest'
import { binaryPackageName } from '../../src/embedded/binaries.ts'
import type { EmbeddedServer } from '../../src/embedded/embedded-server.ts'
import { isReachable, unprivilegedUser } from '../../src/embedded/server-user.ts'
import { followChild } from '../harness/child-process.ts'
import { temporaryFolder, testBinaries } from '../harness/cluster.ts'

const sources = fileURLToPath(new URL('../../src/', import.meta.url))
const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

// The repository may lie where the other user cannot read, so what runs is compiled into the test's folder.
async function compile(target: string): Promise<void> {
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true }
  await writeFile(path.join(target, 'package.json'), '{"type":"module"}')
  for (const layer of ['kernel', 'embedded']) {
    await mkdir(path.join(target, layer))
    for (const file of (await readdir(path.join(sources, layer))).filter((name) => /(?<!\.test)\.ts$/.test(name))) {
      const text = await readFile(path.join(sources, layer, file), 'utf8')
      const { outputText } = ts.transpileModule(text, {
        compilerOptions: { ...compilerOptions, rewriteRelativeImportExtensions: true },
      })
      await writeFile(path.join(target, layer, file.replace(/\.ts$/, '.js')), outputText)
    }
  }
}

// As npm unpacks it: without symbolic links, which only an install script makes.
async function installWithoutScripts(target: string): Promise<void> {
  const resolve = createRequire(import.meta.url).resolve
  const installed = testBinaries() ?? path.dirname(path.dirname(resolve(binaryPackageName())))
  const isLink = new Set(
    (
      JSON.parse(await readFile(path.join(installed, 'native', 'pg-symlinks.json'), 'utf8')) as { target: string }[]
    ).map(({ target: link }) => path.join(installed, link)),
  )
  await cp(installed, target, { recursive: true, filter: (source) => !isLink.has(source) })
}

test('an ordinary user runs it with blocked install scripts and a read-only package', async (context) => {
  if (!(await isReachable(path.dirname(process.execPath)))) return context.skip('another user cannot run this Node')
  const folder = await temporaryFolder()
  cleanups.push(() => rm(folder, { recursive: true, force: true }))
  const user = await unprivilegedUser()
  const program = path.join(folder, 'program')
  const installed = path.join(folder, 'package')
  const own = path.join(folder, 'own')
  await mkdir(program)
  await compile(program)
  await installWithoutScripts(installed)
  await mkdir(own)
  if (user !== undefined) await chown(own, user.uid, user.gid)
  const script = `
    import { startEmbedded } from '${program}/embedded/embedded-server.js'
    const options = { durable: false, binaries: '${installed}', onProgress: (line) => console.log('progress ' + line) }
    const server = await startEmbedded(options)
    console.log('ready ' + JSON.stringify(server))
    process.on('SIGTERM', () => server.stop().then(() => process.exit(0)))
    setInterval(() => undefined, 60_000)`
  const child = followChild(
    spawn(process.execPath, ['--input-type=module', '--eval', script], {
      ...user,
      cwd: own,
      env: { PATH: process.env.PATH, HOME: own },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
  cleanups.push(() => child.kill())
  const server = JSON.parse((await child.line(/^ready /)).slice('ready '.length)) as EmbeddedServer
  expect(server.dataDir).toBe(path.join(own, '.tenantry', 'postgres', 'data'))
  expect((await readdir(path.join(own, '.cache', 'tenantry'))).length).toBe(1)
  expect(child.lines.filter((line) => line.startsWith('progress'))).toHaveLength(2)
  const owner = await stat(server.dataDir)
  expect(owner.uid).toBe(user?.uid ?? process.getuid?.())
  const client = new pg.Client(server.adminUrl)
  await client.connect()
  expect((await client.query('select current_user::text as name')).rows).toEqual([{ name: 'Tenantry_Admin' }])
  await client.end()
  child.process.kill('SIGTERM')
  await child.exited
  expect(child.process.exitCode).toBe(0)
})
