// Tells from a folder's files which tool wrote it.
import { join } from 'node:path'
import type { MigrationFormat } from '../migration-file.ts'
import { codeNames } from './code-folder.ts'
import { DRIZZLE_JOURNAL } from './drizzle.ts'
import { type Folder, invalidFolder, listFolder, readText } from './folder.ts'
import { plainNames } from './plain.ts'
import { PRISMA_FILE, PRISMA_LOCK } from './prisma.ts'

export const migrationFormats: readonly MigrationFormat[] = ['tenantry', 'drizzle', 'prisma', 'kysely', 'knex']

/** The format of a folder; numbered files where it is empty. Throws CONFIGURATION_INVALID where nothing tells it. */
export async function detectFormat(folder: Folder): Promise<MigrationFormat> {
  if (await hasFile(folder, DRIZZLE_JOURNAL)) return 'drizzle'
  if (folder.files.includes(PRISMA_LOCK)) return 'prisma'
  const first = folder.folders[0]
  if (first !== undefined && (await hasFile(folder, join(first, PRISMA_FILE)))) return 'prisma'
  return detectCode(folder)
}

async function hasFile({ path, folders }: Folder, file: string): Promise<boolean> {
  const [parent = '', name = ''] = file.split(/[/\\]/)
  return folders.includes(parent) && (await listFolder(join(path, parent)))?.files.includes(name) === true
}

async function detectCode(folder: Folder): Promise<MigrationFormat> {
  const texts = await Promise.all(codeNames(folder).map((name) => readText(join(folder.path, name))))
  const found = new Set(texts.map(formatOfCode).filter((format) => format !== undefined))
  if (plainNames(folder).some((name) => name.endsWith('.sql'))) found.add('tenantry')
  const [format] = found
  if (found.size === 1 && format !== undefined) return format
  // Helper modules alone are no migrations; files that look like some need an answer.
  if (found.size === 0 && plainNames(folder).length === 0) return 'tenantry'
  throw invalidFolder(
    folder.path,
    found.size === 0 ? 'has migrations of an unknown format' : `has migrations of ${[...found].join(' and ')}`,
    'Name its format in the setting `migrations`, or keep one kind of migrations in it.',
  )
}

/** Tells by what a migration imports, and else by what it calls the argument of up(). */
function formatOfCode(text: string): MigrationFormat | undefined {
  if (/\bdefineMigration\b/.test(text)) return 'tenantry'
  const [, imported] = /(?:\bfrom|\brequire\(|\bimport\()\s*['"](kysely|knex)['"]/.exec(text) ?? []
  if (imported !== undefined) return imported as MigrationFormat
  const [, argument] = /\bup\b[\s\w:=(]*?\(\s*(knex|db)\b/.exec(text) ?? []
  if (argument !== undefined) return argument === 'knex' ? 'knex' : 'kysely'
  return undefined
}
