// The folder that Prisma Migrate writes: one folder for each migration, with migration.sql in it.
import { join } from 'node:path'
import { sqlDirectives } from '../directives.ts'
import type { MigrationFile } from '../migration-file.ts'
import { withoutTransactionControl } from '../sql-rewriting.ts'
import {
  type Folder,
  invalidFile,
  invalidFolder,
  listFolder,
  type MigrationSet,
  readText,
  sqlMigration,
} from './folder.ts'

export const PRISMA_LOCK = 'migration_lock.toml'
export const PRISMA_FILE = 'migration.sql'

export async function readPrisma(folder: Folder, set: MigrationSet): Promise<readonly MigrationFile[]> {
  await refuseOtherProvider(folder)
  const beside = folder.files.find((name) => name.endsWith('.sql'))
  if (beside !== undefined) {
    throw invalidFile(join(folder.path, beside), 'is in no migration’s folder', 'Move it into one of its own.')
  }
  return Promise.all(folder.folders.map((name) => readOne(join(folder.path, name), name, set)))
}

async function readOne(path: string, name: string, set: MigrationSet): Promise<MigrationFile> {
  const files = (await listFolder(path))?.files ?? []
  if (!files.includes(PRISMA_FILE))
    throw invalidFolder(path, `has no ${PRISMA_FILE}`, 'Remove it, or restore the file.')
  const source = await readText(join(path, PRISMA_FILE))
  const directives = sqlDirectives(`${name}/${PRISMA_FILE}`, source)
  return sqlMigration({ name, set, source, format: 'prisma', text: withoutTransactionControl(source), directives })
}

async function refuseOtherProvider({ path, files }: Folder): Promise<void> {
  if (!files.includes(PRISMA_LOCK)) return
  const provider = /^\s*provider\s*=\s*"([^"]*)"/m.exec(await readText(join(path, PRISMA_LOCK)))?.[1]
  if (provider === 'postgresql') return
  throw invalidFolder(path, 'was not written for PostgreSQL', `Its ${PRISMA_LOCK} must say provider = "postgresql".`)
}
