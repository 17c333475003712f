// Numbered files of Tenantry's own: SQL, and TypeScript or JavaScript that exports defineMigration({ up }).
import { join } from 'node:path'
import { codeMigration } from '../code/code-migration.ts'
import { sqlDirectives } from '../directives.ts'
import type { MigrationFile } from '../migration-file.ts'
import { type Folder, invalidFile, type MigrationSet, readText, refuseTwice, sqlMigration } from './folder.ts'

const NAME = /^\d{4}_[A-Za-z0-9_-]+\.(sql|ts|js|mjs)$/
const MAY_BE_ONE = /\.sql$|^\d.*\.(ts|js|mjs)$/i

/** Files that are meant as numbered migrations; helper modules beside them are not. */
export const plainNames = ({ files }: Folder): readonly string[] =>
  files.filter((name) => MAY_BE_ONE.test(name) && !name.endsWith('.d.ts'))

export async function readPlain(folder: Folder, set: MigrationSet): Promise<readonly MigrationFile[]> {
  const names = plainNames(folder)
  const misnamed = names.find((name) => !NAME.test(name))
  if (misnamed !== undefined) {
    throw invalidFile(join(folder.path, misnamed), 'is not named like 0001_invoices.sql', 'Rename it.')
  }
  refuseTwice(folder.path, names, (name) => name.slice(0, 4))
  return Promise.all(names.map((name) => readOne(folder.path, name, set)))
}

async function readOne(folder: string, name: string, set: MigrationSet): Promise<MigrationFile> {
  const path = join(folder, name)
  const text = await readText(path)
  if (!name.endsWith('.sql')) return codeMigration({ path, name, text, format: 'tenantry' })
  return sqlMigration({
    ...{ name, set, text, source: text, format: 'tenantry' },
    directives: sqlDirectives(name, text),
  })
}
