// Every TypeScript example compiles against the library: the blocks marked ts of README.md and docs/, and the @example
// blocks of what the package exports. One program checks them all.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const folder = `${root}packages/tenantry/test/types/`
const entries = {
  tenantry: `${root}packages/tenantry/src/index.ts`,
  'tenantry/client': `${root}packages/tenantry/src/surfaces/client/index.ts`,
  'tenantry/http': `${root}packages/tenantry/src/surfaces/http/index.ts`,
  'tenantry/lint': `${root}packages/tenantry/src/features/lint/index.ts`,
  'tenantry/testing': `${root}packages/tenantry/src/testing/index.ts`,
  'tenantry/bullmq': `${root}packages/tenantry/src/bridges/bullmq.ts`,
  'tenantry/express': `${root}packages/tenantry/src/bridges/express.ts`,
  'tenantry/fastify': `${root}packages/tenantry/src/bridges/fastify.ts`,
  'tenantry/graphile-worker': `${root}packages/tenantry/src/bridges/graphile-worker.ts`,
  'tenantry/hono': `${root}packages/tenantry/src/bridges/hono.ts`,
  'tenantry/koa': `${root}packages/tenantry/src/bridges/koa.ts`,
  'tenantry/knex': `${root}packages/tenantry/src/bridges/knex.ts`,
  'tenantry/mikro-orm': `${root}packages/tenantry/src/bridges/mikro-orm.ts`,
  'tenantry/nestjs': `${root}packages/tenantry/src/bridges/nestjs.ts`,
  'tenantry/next': `${root}packages/tenantry/src/bridges/next.ts`,
  'tenantry/pg-boss': `${root}packages/tenantry/src/bridges/pg-boss.ts`,
  'tenantry/ws': `${root}packages/tenantry/src/bridges/ws.ts`,
  'tenantry/prisma': `${root}packages/tenantry/src/bridges/prisma.ts`,
  'tenantry/sequelize': `${root}packages/tenantry/src/bridges/sequelize.ts`,
  'tenantry/typeorm': `${root}packages/tenantry/src/bridges/typeorm.ts`,
}

/** Names that examples use without making them; what an example makes itself hides them. */
const preamble = `
import * as library from 'tenantry'
declare global {
  const tenantry: library.Tenantry
  const scope: library.ScopeHandle
  const createTenantry: typeof library.createTenantry
  const isTenantryError: typeof library.isTenantryError
  const PrismaClient: new (options: { adapter: object }) => { invoice: { findMany(): Promise<object[]> } }
  const databaseUrl: string, adminUrl: string, invoiceId: number
  const error: unknown
}`

// "A 'return' statement can only be used within a function body": an example may be the inside of one.
const ALLOWED = new Set([1108])

const { options } = ts.parseJsonConfigFileContent(
  {
    extends: './tsconfig.base.json',
    compilerOptions: { noEmit: true, noUnusedLocals: false, noUnusedParameters: false, erasableSyntaxOnly: false },
  },
  ts.sys,
  root,
)
options.paths = Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, [file]]))

interface Example {
  readonly origin: string
  readonly code: string
}

function fences(text: string): string[] {
  return [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
}

function documentExamples(): Example[] {
  const pages = ['README.md', ...readdirSync(`${root}docs`).map((name) => `docs/${name}`)]
  return pages
    .filter((page) => page.endsWith('.md'))
    .flatMap((page) => fences(readFileSync(root + page, 'utf8')).map((code) => ({ origin: page, code })))
}

/** The @example blocks of everything the entries export, members included. An example need not import its own subject. */
function exportedExamples(program: ts.Program): Example[] {
  const checker = program.getTypeChecker()
  return Object.entries(entries).flatMap(([specifier, file]) => {
    const source = program.getSourceFile(file)
    const module = source && checker.getSymbolAtLocation(source)
    if (module === undefined) throw new Error(`${specifier} is not a module`)
    return checker.getExportsOfModule(module).flatMap((exported) => {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
      const owners = [symbol, ...(symbol.members?.values() ?? [])]
      const codes = owners.flatMap((owner) => owner.getJsDocTags(checker).filter(({ name }) => name === 'example'))
      const isValue = (symbol.flags & ts.SymbolFlags.Value) !== 0
      const subject = isValue ? `import { ${exported.name} } from '${specifier}'\n` : ''
      return codes
        .flatMap((tag) => fences(`${ts.displayPartsToString(tag.text)}\n`))
        .map((code) => ({ origin: exported.name, code: code.includes('import ') ? code : subject + code }))
    })
  })
}

/** A compiler host for which the examples are files. */
function hostOf(files: ReadonlyMap<string, string>): ts.CompilerHost {
  const host = ts.createCompilerHost(options)
  const readSource: ts.CompilerHost['getSourceFile'] = (name, ...rest) => {
    const text = files.get(name)
    if (text === undefined) return host.getSourceFile(name, ...rest)
    return ts.createSourceFile(name, text, {
      languageVersion: ts.ScriptTarget.ES2023,
      impliedNodeFormat: ts.ModuleKind.ESNext,
    })
  }
  return {
    ...host,
    getSourceFile: readSource,
    fileExists: (name) => files.has(name) || host.fileExists(name),
    readFile: (name) => files.get(name) ?? host.readFile(name),
  }
}

/** What the compiler says of each example: `origin, line n: message`. */
function check(examples: readonly Example[], oldProgram: ts.Program): string[] {
  const named = examples.map((example, index) => ({ ...example, file: `${folder}example-${index}.ts` }))
  const files = new Map(named.map(({ file, code }) => [file, `${code}\nexport {}\n`]))
  files.set(`${folder}preamble.ts`, preamble)
  const program = ts.createProgram({ rootNames: [...files.keys()], options, host: hostOf(files), oldProgram })
  return named.flatMap(({ origin, file }) => {
    const source = program.getSourceFile(file)
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
    return found
      .filter(({ code }) => !ALLOWED.has(code))
      .map(({ messageText, start = 0 }) => {
        const line = source?.text.slice(0, start).split('\n').length ?? 0
        return `${origin}, line ${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
      })
  })
}

describe('the TypeScript examples', () => {
  const library = ts.createProgram(Object.values(entries), options)

  it('compile, in README.md, in docs/ and in the docstrings of what is exported', () => {
    const [documents, exported] = [documentExamples(), exportedExamples(library)]
    expect(documents.length).toBeGreaterThan(15)
    expect(exported.map(({ origin }) => origin)).toEqual(
      expect.arrayContaining(['createTenantry', 'isTenantryError', 'handler', 'serve', 'stubTenantry']),
    )
    expect(check([...documents, ...exported], library)).toEqual([])
  })

  it('would be found wrong if they were', () => {
    const wrong = { origin: 'here', code: "await tenantry.tenants.create({ nam: 'x' })\nconst n: number = scope" }
    expect(check([wrong], library)).toEqual([expect.stringContaining("'nam'"), expect.stringContaining('here, line 2')])
  })
})
