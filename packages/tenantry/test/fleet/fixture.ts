// What the tests of fleet migrations share.
import { createHash } from 'node:crypto'
import type { MigrationFile } from '../../src/features/migrations/migration-files.ts'

/** A migration file as the folder's reader gives it. */
export function fileOf(name: string, text: string): MigrationFile {
  return { name, text, checksum: createHash('sha256').update(text).digest('hex') }
}
