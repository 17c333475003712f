// Finds SQL files below a folder that its format does not read, such as migrations/shared/tenant/0001_x.sql.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { MigrationFormat } from '../migration-file.ts'
import type { Folder } from './folder.ts'
import { PRISMA_FILE } from './prisma.ts'

/** Their paths, in order. */
export async function straysIn({ path, folders }: Folder, format: MigrationFormat): Promise<readonly string[]> {
  const found = await Promise.all(
    folders.map(async (name) => {
      const entries = await readdir(join(path, name), { recursive: true })
      return entries
        .filter((entry) => entry.endsWith('.sql') && !(format === 'prisma' && entry === PRISMA_FILE))
        .map((entry) => join(path, name, entry))
    }),
  )
  return found.flat().sort()
}
