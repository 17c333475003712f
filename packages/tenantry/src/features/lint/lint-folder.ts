// `tenantry lint`: looks for mistakes that let tenants cross in the source of an application, without running it.
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { TenantryError } from '../../kernel/errors.ts'
import { type Comment, type Place, type Remark, type RuleName, rules, type Severity } from './rules.ts'
import { findSourceFiles, type FoundFiles, type SourceFile } from './source-files.ts'
import {
  type FileRemark,
  isMigrationPath,
  isPrismaPath,
  isTenantPath,
  migrationName,
  type SqlFile,
} from './sql/sql-file.ts'
import { withoutSuppressed } from './suppressions.ts'

/** Something that lets, or may let, tenants cross. */
export interface LintFinding {
  /** Name of the rule; docs/lint.md explains each. */
  readonly rule: RuleName
  readonly severity: Severity
  /** Relative to the folder. */
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1, in characters. */
  readonly column: number
  readonly message: string
  /** What to do about it. */
  readonly fix: string
  /** The SQL to write instead, with the names of the statement, where it can be told. */
  readonly instead?: string
}

export interface LintReport {
  /** False where anything of severity `error` or `warning` was found. */
  readonly ok: boolean
  /** How many files were read. */
  readonly files: number
  /** By file, line and column. */
  readonly findings: readonly LintFinding[]
}

export interface LintOptions {
  /** Names, or paths below the folder, of files and folders to leave out, beside node_modules, dist and coverage. */
  readonly ignore?: readonly string[]
  /**
   * The newest migration that was applied, by name or number: `0012`. It and those before it are read, because others
   * build on them, but not judged: they cannot be changed any more. Default: none.
   */
  readonly since?: string
  /** The oldest PostgreSQL that the migrations run on, 15 to 18. Default: 15. */
  readonly postgres?: number
  /** Schemas whose tables tenant migrations may read and refer to, but not change. Default: none. */
  readonly sharedSchemas?: readonly string[]
}

const LARGEST_BYTES = 2_000_000
/** Drizzle Kit keeps it beside the migrations that it writes. */
const DRIZZLE_JOURNAL = 'meta/_journal.json'

/**
 * Lints the TypeScript, JavaScript and SQL files below a folder. Throws INVALID_INPUT where the folder cannot be read;
 * a file that cannot be is a finding.
 *
 * @example
 * ```ts
 * import { lintFolder } from 'tenantry/lint'
 *
 * const { ok, findings } = await lintFolder('.', { ignore: ['test'] })
 * for (const { file, line, message } of findings) console.log(`${file}:${line} ${message}`)
 * ```
 */
export async function lintFolder(folder: string, options: LintOptions = {}): Promise<LintReport> {
  return lint(folder, options, 'everything')
}

/**
 * Lints the SQL files below a folder, all of them as migrations: what lets tenants cross, and what keeps a fleet waiting.
 * Files in a folder `tenant/` are those of each tenant. Throws as `lintFolder`.
 *
 * @example
 * ```ts
 * import { lintMigrations } from 'tenantry/lint'
 *
 * const { findings } = await lintMigrations('migrations', { since: '0012', postgres: 17 })
 * for (const { file, line, message, instead } of findings) console.log(`${file}:${line} ${message} ${instead ?? ''}`)
 * ```
 */
export async function lintMigrations(folder: string, options: LintOptions = {}): Promise<LintReport> {
  return lint(folder, options, 'migrations')
}

async function lint(folder: string, options: LintOptions, what: 'everything' | 'migrations'): Promise<LintReport> {
  const found = await listed(folder, options.ignore ?? [])
  const { unreadable } = found
  const files = what === 'everything' ? found.files : found.files.filter(({ language }) => language === 'sql')
  const linter = new FolderLinter(folder, options, what)
  for (const path of unreadable) linter.refuse(path, 'The folder cannot be listed.')
  for (const file of files) await linter.read(file)
  const findings = linter.findings()
  return { ok: findings.every(({ severity }) => severity === 'info'), files: files.length, findings }
}

async function listed(folder: string, ignore: readonly string[]): Promise<FoundFiles> {
  try {
    return await findSourceFiles(folder, ignore)
  } catch (cause) {
    throw new TenantryError('INVALID_INPUT', 'The folder to lint cannot be read.', {
      ...{ cause, field: 'folder', fix: 'Name a folder that exists and that you may read.' },
    })
  }
}

interface FileResult {
  readonly remarks: readonly Remark[]
  readonly comments: readonly Comment[]
}

// The parsers are loaded when there is something to parse: SQL's is a WebAssembly module of 2 MB.
async function loadParsers() {
  const [{ lintScript }, { loadSqlParser, parseSql }, { lintSql }, { lintHazards }] = await Promise.all([
    import('./script/lint-script.ts'),
    import('./sql/parse-sql.ts'),
    import('./sql/lint-sql.ts'),
    import('./sql/hazards/lint-hazards.ts'),
  ])
  await loadSqlParser()
  return { lintScript, parseSql, lintSql, lintHazards }
}

type Parsers = Awaited<ReturnType<typeof loadParsers>>

class FolderLinter {
  readonly #folder: string
  readonly #options: LintOptions
  readonly #isMigration: (path: string) => boolean
  readonly #results = new Map<string, FileResult>()
  readonly #sqlFiles: SqlFile[] = []
  #parsers: Parsers | undefined

  constructor(folder: string, options: LintOptions, what: 'everything' | 'migrations') {
    this.#folder = folder
    this.#options = options
    this.#isMigration = what === 'migrations' ? () => true : isMigrationPath
  }

  /** Says that a file or folder was not looked at, and why. */
  refuse(path: string, message: string, place: Place = { line: 1, column: 1 }): void {
    this.#results.set(path, { remarks: [{ rule: 'unreadable-file', message, ...place }], comments: [] })
  }

  async read({ path, language }: SourceFile): Promise<void> {
    this.#parsers ??= await loadParsers()
    let text: string
    try {
      text = await readText(join(this.#folder, path))
    } catch (error) {
      this.refuse(path, error instanceof Unreadable ? error.message : 'The file cannot be opened.')
      return
    }
    try {
      this.#results.set(path, language === 'script' ? this.#parsers.lintScript(path, text) : this.#readSql(path, text))
    } catch (error) {
      this.refuse(path, 'The file cannot be parsed.', placeOfError(error, text))
    }
  }

  #readSql(path: string, text: string): FileResult {
    const parsed = this.#parsers?.parseSql(text)
    // The folder that is linted may be `tenant` itself.
    const kind = isTenantPath(`${basename(resolve(this.#folder))}/${path}`) ? 'tenant' : 'shared'
    const isGenerated = isPrismaPath(path) || existsSync(join(this.#folder, dirname(path), DRIZZLE_JOURNAL))
    this.#sqlFiles.push({ path, kind, isGenerated, statements: parsed?.statements ?? [] })
    return { remarks: [], comments: parsed?.comments ?? [] }
  }

  findings(): readonly LintFinding[] {
    const bySqlFile = new Map<string, Remark[]>(this.#sqlFiles.map(({ path }) => [path, []]))
    for (const { path, ...remark } of this.#sqlRemarks()) bySqlFile.get(path)?.push(remark)
    return [...this.#results]
      .filter(([path]) => !bySqlFile.has(path) || this.#isNew(path))
      .flatMap(([file, { remarks, comments }]) =>
        withoutSuppressed([...remarks, ...(bySqlFile.get(file) ?? [])], comments)
          .map(({ rule, line, column, ...said }) => ({ rule, ...rules[rule], file, line, column, ...said }))
          .sort((a, b) => a.line - b.line || a.column - b.column),
      )
  }

  #sqlRemarks(): readonly FileRemark[] {
    if (this.#parsers === undefined) return []
    const migrations = this.#sqlFiles.filter(({ path }) => this.#isMigration(path))
    const { lintSql, lintHazards } = this.#parsers
    return [...lintSql(this.#sqlFiles, this.#options), ...lintHazards(migrations, this.#options)]
  }

  #isNew(path: string): boolean {
    const { since } = this.#options
    const name = migrationName(path)
    return since === undefined || (name > since && !name.startsWith(since))
  }
}

class Unreadable extends Error {}

async function readText(path: string): Promise<string> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    if (size > LARGEST_BYTES) throw new Unreadable(`The file is larger than ${LARGEST_BYTES} bytes.`)
    const bytes = await file.readFile()
    if (bytes.includes(0)) throw new Unreadable('The file is not text: it contains zero bytes.')
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) throw new Unreadable('The file is not UTF-8 text.')
    throw error
  } finally {
    await file.close()
  }
}

/** Where a parser stopped: @babel/parser says line and column, libpg-query a position in the text. */
function placeOfError(error: unknown, text: string): Place {
  const loc = error instanceof Error && 'loc' in error ? error.loc : undefined
  const details = error instanceof Error && 'sqlDetails' in error ? error.sqlDetails : undefined
  const { line, column, cursorPosition } = { ...numbersOf(loc), ...numbersOf(details) }
  if (line !== undefined && column !== undefined) return { line, column: column + 1 }
  const before = text.slice(0, cursorPosition ?? 0).split('\n')
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}

function numbersOf(value: unknown): Readonly<Partial<Record<'line' | 'column' | 'cursorPosition', number>>> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  return Object.fromEntries(entries.filter(([, each]) => typeof each === 'number'))
}
