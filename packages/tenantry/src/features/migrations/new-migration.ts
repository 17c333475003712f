// Makes the next numbered migration file, for its author to fill.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TenantryError } from '../../kernel/errors.ts'
import type { MigrationFormat } from './migration-file.ts'
import type { MigrationSettings } from './migration-files.ts'
import { detectFormat } from './sources/detect-format.ts'
import { type Folder, listFolder } from './sources/folder.ts'
import { plainNames } from './sources/plain.ts'

export interface NewMigration {
  /** Letters, digits, `_` and `-`: `add_due_date`. */
  readonly name: string
  /** For the tables that tenants share; default false: for each tenant's own schema. */
  readonly shared?: boolean
  /** In TypeScript; default false: in SQL. */
  readonly ts?: boolean
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$/
const LAST_NUMBER = 9_999

const madeBy: Readonly<Record<Exclude<MigrationFormat, 'tenantry'>, string>> = {
  drizzle: 'npx drizzle-kit generate --custom',
  prisma: 'npx prisma migrate dev --create-only',
  kysely: 'npx kysely migrate:make',
  knex: 'npx knex migrate:make',
}

const SQL = '-- What this migration changes, and why.\n'
const TYPESCRIPT = `// What this migration changes, and why.
import { defineMigration } from 'tenantry'

export default defineMigration({
  async up(client) {
    await client.query('')
  },
})
`

/**
 * Writes the next file of a set, and returns its path. Throws INVALID_INPUT for a name that a file cannot have or that
 * another migration has, CONFIGURATION_INVALID where another tool writes the folder, or settings name none.
 *
 * @example
 * ```ts
 * const path = await newMigration('migrations', { name: 'add_due_date' })
 * ```
 */
export async function newMigration(source: string | MigrationSettings, wanted: NewMigration): Promise<string> {
  const { name, ts = false } = wanted
  if (!NAME.test(name)) throw badName('A migration is named with letters, digits, _ and -.')
  const { path, format } = folderOf(source, wanted.shared === true ? 'shared' : 'tenant')
  const folder = (await listFolder(path)) ?? { path, files: [], folders: [] }
  refuseOther(path, format ?? (await detectFormat(folder)))
  const file = join(path, `${nextNumber(folder, name)}_${name}.${ts ? 'ts' : 'sql'}`)
  await mkdir(path, { recursive: true })
  // Not over a file that somebody else makes at this moment.
  await writeFile(file, ts ? TYPESCRIPT : SQL, { flag: 'wx' })
  return file
}

function folderOf(
  source: string | MigrationSettings,
  set: 'shared' | 'tenant',
): { readonly path: string; readonly format: MigrationFormat | undefined } {
  if (typeof source === 'string') return { path: join(source, set), format: undefined }
  const named = source[set]
  if (named !== undefined) return { path: named.folder, format: named.format }
  throw new TenantryError('CONFIGURATION_INVALID', `The setting \`migrations\` names no folder for ${set} migrations.`)
}

function refuseOther(path: string, format: MigrationFormat): void {
  if (format === 'tenantry') return
  throw new TenantryError('CONFIGURATION_INVALID', `The migration folder ${path} is one of ${format}.`, {
    fix: `Make the migration with ${madeBy[format]}.`,
  })
}

function nextNumber(folder: Folder, name: string): string {
  const taken = plainNames(folder).map((each) => /^(\d{4})_(.+)\.\w+$/.exec(each))
  if (taken.some((match) => match?.[2] === name)) throw badName(`There is a migration named ${name}.`)
  const number = Math.max(0, ...taken.map((match) => Number(match?.[1] ?? 0))) + 1
  if (number > LAST_NUMBER) throw badName('The numbers of migrations end with 9999.')
  return String(number).padStart(4, '0')
}

function badName(message: string): TenantryError {
  return new TenantryError('INVALID_INPUT', message, { field: 'name' })
}
