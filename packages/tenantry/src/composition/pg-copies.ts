// Libraries ask `instanceof pg.Pool` of the copy of pg that they find. Where the application has another one than we do,
// they would not know the scoped pool for a pool; better said at start than found in a stack trace of theirs.
import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Logger } from '../kernel/logger.ts'

const MANIFEST = 'pg/package.json'

/** Warns where the application's folder resolves `pg` to another copy than this package does. */
export function warnOfTwoCopies(logger: Logger, folder = process.cwd()): void {
  const [ours, theirs] = [copyFrom(import.meta.url), copyFrom(join(folder, 'package.json'))]
  if (ours === undefined || theirs === undefined || ours.folder === theirs.folder) return
  logger.warn('two copies of pg: libraries that ask instanceof will not take tenantry.pool for a pool', {
    ours: ours.version,
    application: theirs.version,
    fix: 'Keep one version of pg, 8.23.1 or newer: npm dedupe, or npm install pg@latest; npm ls pg shows who asks for which.',
  })
}

function copyFrom(origin: string): { readonly folder: string; readonly version: string } | undefined {
  try {
    const require = createRequire(origin)
    const { version } = require(MANIFEST) as { version: string }
    return { folder: realpathSync(dirname(require.resolve(MANIFEST))), version }
  } catch {
    return undefined
  }
}
