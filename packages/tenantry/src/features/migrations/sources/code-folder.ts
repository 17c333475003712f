// The folders of Kysely and Knex: one file of code for each migration, in the order of their names.
import { join } from 'node:path'
import { codeMigration } from '../code/code-migration.ts'
import type { MigrationFile } from '../migration-file.ts'
import { type Folder, invalidFile, readText } from './folder.ts'

const CODE = /\.(ts|mts|cts|js|mjs|cjs)$/

/** Files that may be migrations in code. */
export const codeNames = ({ files }: Folder): readonly string[] =>
  files.filter((name) => CODE.test(name) && !/\.d\.[mc]?ts$/.test(name))

export async function readCodeFolder(folder: Folder, format: 'kysely' | 'knex'): Promise<readonly MigrationFile[]> {
  const sql = folder.files.find((name) => name.endsWith('.sql'))
  if (sql !== undefined) {
    throw invalidFile(
      join(folder.path, sql),
      `is no migration of ${format}`,
      'Keep one kind of migrations in a folder.',
    )
  }
  return Promise.all(
    codeNames(folder).map(async (name) => {
      const path = join(folder.path, name)
      return codeMigration({ path, name, text: await readText(path), format })
    }),
  )
}
