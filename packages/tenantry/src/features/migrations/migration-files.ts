// Reads the migration folders: `shared/` for the tables that tenants share, `tenant/` for those each schema tenant has.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TenantryError } from '../../kernel/errors.ts'
import { checkMigrationText } from './migration-rules.ts'

export interface MigrationFile {
  /** File name with its number: `0001_invoices.sql`. */
  readonly name: string
  readonly text: string
  /** SHA-256 of the text with line ends as `\n`, so that a checkout on Windows is the same file. */
  readonly checksum: string
}

export interface MigrationFiles {
  readonly shared: readonly MigrationFile[]
  readonly tenant: readonly MigrationFile[]
}

const NAME = /^\d{4}_[A-Za-z0-9_-]+\.sql$/

/**
 * Reads and checks all migration files below a folder; a folder that is absent holds none.
 * Throws CONFIGURATION_INVALID for a misplaced, misnamed or doubly numbered file, MIGRATION_FAILED for a statement
 * that no migration can contain.
 *
 * @example
 * ```ts
 * const files = await readMigrationFiles('./migrations')
 * ```
 */
export async function readMigrationFiles(folder: string): Promise<MigrationFiles> {
  const misplaced = (await sqlFilesIn(folder))[0]
  if (misplaced !== undefined) {
    throw invalidFile(
      join(folder, misplaced),
      'lies beside the folders shared/ and tenant/',
      'Move it into one of them.',
    )
  }
  const [shared, tenant] = await Promise.all([readFolder(join(folder, 'shared')), readFolder(join(folder, 'tenant'))])
  return { shared, tenant }
}

async function readFolder(folder: string): Promise<readonly MigrationFile[]> {
  const names = (await sqlFilesIn(folder)).sort()
  for (const [index, name] of names.entries()) {
    if (!NAME.test(name)) throw invalidFile(join(folder, name), 'is not named like 0001_invoices.sql', 'Rename it.')
    if (names[index - 1]?.slice(0, 4) === name.slice(0, 4)) {
      throw invalidFile(join(folder, name), 'has the same number as another file', 'Give it the next free number.')
    }
  }
  return Promise.all(names.map((name) => readMigration(folder, name)))
}

async function sqlFilesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.filter((entry) => !entry.isDirectory() && /\.sql$/i.test(entry.name)).map((entry) => entry.name)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw new TenantryError('CONFIGURATION_INVALID', `The migration folder ${folder} cannot be read.`, { cause: error })
  }
}

async function readMigration(folder: string, name: string): Promise<MigrationFile> {
  const text = decode(join(folder, name), await readFile(join(folder, name))).replaceAll('\r\n', '\n')
  checkMigrationText(name, text)
  return { name, text, checksum: createHash('sha256').update(text).digest('hex') }
}

function decode(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw invalidFile(path, 'is not UTF-8 text', 'Save it as UTF-8.')
  }
}

function invalidFile(path: string, fault: string, fix: string): TenantryError {
  return new TenantryError('CONFIGURATION_INVALID', `The migration file ${path} ${fault}.`, { fix })
}
