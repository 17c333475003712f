// Reads the migrations of an instance: `shared/` for the tables that tenants share, `tenant/` for those each schema tenant
// has, in whichever format lies there.
import { join } from 'node:path'
import { TenantryError } from '../../kernel/errors.ts'
import type { MigrationFile, MigrationFiles, MigrationFormat } from './migration-file.ts'
import { readCodeFolder } from './sources/code-folder.ts'
import { detectFormat, migrationFormats } from './sources/detect-format.ts'
import { readDrizzle } from './sources/drizzle.ts'
import { type Folder, invalidFile, invalidFolder, listFolder, type MigrationSet } from './sources/folder.ts'
import { plainNames, readPlain } from './sources/plain.ts'
import { readPrisma } from './sources/prisma.ts'
import { straysIn } from './sources/strays.ts'

export type { MigrationFile, MigrationFiles }

/** Where one set of migrations lies. */
export interface MigrationFolder {
  readonly folder: string
  /** Who wrote it. Default: told from what lies there. */
  readonly format?: MigrationFormat
}

/** Where both sets lie; one that is left out holds none. */
export interface MigrationSettings {
  readonly shared?: MigrationFolder
  readonly tenant?: MigrationFolder
}

/**
 * Reads and checks all migrations below a folder with `shared/` and `tenant/`, or of the folders that settings name. A
 * string's folder that is absent holds none; one that settings name must exist. Code is read, and not run.
 * Throws CONFIGURATION_INVALID for a misplaced, misnamed or doubly numbered file, one that is not UTF-8, a directive that
 * does not exist, and a folder of an unknown format; MIGRATION_FAILED for a statement that no migration can contain.
 *
 * @example
 * ```ts
 * const files = await readMigrationFiles('./migrations')
 * const other = await readMigrationFiles({ tenant: { folder: './drizzle', format: 'drizzle' } })
 * ```
 */
export async function readMigrationFiles(source: string | MigrationSettings): Promise<MigrationFiles> {
  if (typeof source === 'string') await refuseBeside(source)
  const folderOf = (set: MigrationSet) => (typeof source === 'string' ? { folder: join(source, set) } : source[set])
  const [shared, tenant] = await Promise.all([
    readSet(folderOf('shared'), 'shared', typeof source !== 'string'),
    readSet(folderOf('tenant'), 'tenant', typeof source !== 'string'),
  ])
  const strays = [...shared.strays, ...tenant.strays, ...(typeof source === 'string' ? await strayFolders(source) : [])]
  return { shared: shared.files, tenant: tenant.files, ...(strays.length > 0 ? { strays } : {}) }
}

interface ReadSet {
  readonly files: readonly MigrationFile[]
  readonly strays: readonly string[]
}

async function readSet(named: MigrationFolder | undefined, set: MigrationSet, mustExist: boolean): Promise<ReadSet> {
  if (named === undefined) return { files: [], strays: [] }
  const folder = await listFolder(named.folder)
  if (folder === undefined) {
    if (mustExist) throw invalidFolder(named.folder, 'does not exist', 'Correct it in the setting `migrations`.')
    return { files: [], strays: [] }
  }
  const format = named.format ?? (await detectFormat(folder))
  const files = await readFormat(folder, format, set)
  return { files, strays: await straysIn(folder, format) }
}

async function readFormat(
  folder: Folder,
  format: MigrationFormat,
  set: MigrationSet,
): Promise<readonly MigrationFile[]> {
  if (format === 'kysely' || format === 'knex') return readCodeFolder(folder, format)
  // A setting may come from a file that no compiler saw.
  const read = Object.hasOwn(readers, format) ? readers[format] : undefined
  if (read !== undefined) return read(folder, set)
  throw new TenantryError('CONFIGURATION_INVALID', 'The setting `migrations` names a format that does not exist.', {
    fix: `Known are ${migrationFormats.join(', ')}.`,
  })
}

type Reader = (folder: Folder, set: MigrationSet) => Promise<readonly MigrationFile[]>

const readers: Readonly<Partial<Record<MigrationFormat, Reader>>> = {
  tenantry: readPlain,
  drizzle: readDrizzle,
  prisma: readPrisma,
}

async function refuseBeside(path: string): Promise<void> {
  const folder = await listFolder(path)
  if (folder === undefined) return
  const misplaced = plainNames(folder)[0]
  if (misplaced !== undefined) {
    throw invalidFile(join(path, misplaced), 'lies beside the folders shared/ and tenant/', 'Move it into one of them.')
  }
  const format = await detectFormat(folder)
  if (format === 'tenantry') return
  throw invalidFolder(path, `is one of ${format}`, 'Say whose it is: migrations: { tenant: { folder } }, or shared.')
}

/** SQL beside shared/ and tenant/, in folders that nobody reads. */
async function strayFolders(path: string): Promise<readonly string[]> {
  const folder = await listFolder(path)
  if (folder === undefined) return []
  const others = folder.folders.filter((name) => !['shared', 'tenant'].includes(name))
  return straysIn({ ...folder, folders: others }, 'tenantry')
}
