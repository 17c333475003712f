// The folder that Drizzle Kit writes: NNNN_name.sql files, in the order of meta/_journal.json.
import { join } from 'node:path'
import { sqlDirectives } from '../directives.ts'
import type { MigrationFile } from '../migration-file.ts'
import { type Folder, invalidFile, invalidFolder, type MigrationSet, readText, sqlMigration } from './folder.ts'

export const DRIZZLE_JOURNAL = join('meta', '_journal.json')

interface Journal {
  readonly dialect?: unknown
  readonly entries: readonly { readonly tag: string }[]
}

export async function readDrizzle(folder: Folder, set: MigrationSet): Promise<readonly MigrationFile[]> {
  const names = await namesOf(folder)
  const unlisted = folder.files.find((name) => name.endsWith('.sql') && !names.includes(name))
  if (unlisted !== undefined) {
    throw invalidFile(join(folder.path, unlisted), 'is not in meta/_journal.json', 'Make it with drizzle-kit generate.')
  }
  return Promise.all(
    names.map(async (name) => {
      const text = await readText(join(folder.path, name))
      // `--> statement-breakpoint` is a comment to the server.
      return sqlMigration({
        ...{ name, set, text, source: text },
        format: 'drizzle',
        directives: sqlDirectives(name, text),
      })
    }),
  )
}

async function namesOf({ path }: Folder): Promise<readonly string[]> {
  const file = join(path, DRIZZLE_JOURNAL)
  const { dialect, entries } = parseJournal(file, await readText(file))
  if (dialect !== 'postgresql') {
    throw invalidFolder(path, 'was not generated for PostgreSQL', 'Set dialect to "postgresql" for Drizzle Kit.')
  }
  return entries.map(({ tag }) => `${tag}.sql`)
}

function parseJournal(file: string, text: string): Journal {
  let journal: unknown
  try {
    journal = JSON.parse(text)
  } catch {
    throw invalidFile(file, 'is not JSON', 'Generate it again.')
  }
  if (!isJournal(journal)) throw invalidFile(file, 'is not a journal of Drizzle Kit', 'Generate it again.')
  return journal
}

// A tag is a file's name, and never a path.
const TAG = /^[^/\\]+$/

function isJournal(value: unknown): value is Journal {
  if (typeof value !== 'object' || value === null || !('entries' in value) || !Array.isArray(value.entries))
    return false
  return value.entries.every(
    (entry: unknown) =>
      typeof entry === 'object' &&
      entry !== null &&
      'tag' in entry &&
      typeof entry.tag === 'string' &&
      TAG.test(entry.tag),
  )
}
