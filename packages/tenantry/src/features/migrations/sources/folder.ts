// What the readers of all formats do with a folder: list it, read a text of it, and refuse a file by its path.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TenantryError } from '../../../kernel/errors.ts'
import type { Directives } from '../directives.ts'
import type { MigrationFile, MigrationFormat } from '../migration-file.ts'
import { checkMigrationText } from '../migration-rules.ts'
import { cutAtPublic } from '../sql-rewriting.ts'

/** One folder of a set, as it lies there. */
export interface Folder {
  readonly path: string
  readonly files: readonly string[]
  readonly folders: readonly string[]
}

/** Tenant migrations run in a schema that is not "public". */
export type MigrationSet = 'shared' | 'tenant'

/** Lists a folder by name; undefined where there is none. Throws CONFIGURATION_INVALID where it cannot be read. */
export async function listFolder(path: string): Promise<Folder | undefined> {
  try {
    const entries = await readdir(path, { withFileTypes: true })
    const names = (isFolder: boolean) =>
      entries
        .filter((entry) => entry.isDirectory() === isFolder)
        .map((entry) => entry.name)
        .sort()
    return { path, files: names(false), folders: names(true) }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new TenantryError('CONFIGURATION_INVALID', `The migration folder ${path} cannot be read.`, { cause: error })
  }
}

/** A text with its line ends as `\n`. Throws CONFIGURATION_INVALID where it is absent or not UTF-8. */
export async function readText(path: string): Promise<string> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new TenantryError('CONFIGURATION_INVALID', `The migration file ${path} cannot be read.`, { cause })
  })
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replaceAll('\r\n', '\n')
  } catch {
    throw invalidFile(path, 'is not UTF-8 text', 'Save it as UTF-8.')
  }
}

export const checksumOf = (text: string): string => createHash('sha256').update(text).digest('hex')

export interface SqlMigration {
  readonly name: string
  readonly format: MigrationFormat
  readonly set: MigrationSet
  /** As it stands in the file. */
  readonly source: string
  /** As it runs. */
  readonly text: string
  readonly directives: Directives
}

/** A migration in SQL, checked. Throws MIGRATION_FAILED for a statement that no migration can contain. */
export function sqlMigration({ name, format, set, source, text, directives }: SqlMigration): MigrationFile {
  checkMigrationText(name, text, directives)
  // Whoever writes SQL by hand means the schema that is named; the tools name the one they know of.
  const pieces = set === 'tenant' && format !== 'tenantry' ? cutAtPublic(text) : []
  return {
    ...{ name, text, checksum: checksumOf(source), format, ...directives },
    ...(pieces.length > 1 ? { pieces } : {}),
  }
}

export function invalidFile(path: string, fault: string, fix: string): TenantryError {
  return new TenantryError('CONFIGURATION_INVALID', `The migration file ${path} ${fault}.`, { fix })
}

export function invalidFolder(path: string, fault: string, fix: string): TenantryError {
  return new TenantryError('CONFIGURATION_INVALID', `The migration folder ${path} ${fault}.`, { fix })
}

/** Refuses two migrations with one key, such as their number. */
export function refuseTwice(path: string, names: readonly string[], keyOf: (name: string) => string): void {
  const seen = new Set<string>()
  for (const name of names) {
    const key = keyOf(name)
    if (seen.has(key)) {
      throw invalidFile(join(path, name), 'has the same number as another file', 'Give it the next free number.')
    }
    seen.add(key)
  }
}
