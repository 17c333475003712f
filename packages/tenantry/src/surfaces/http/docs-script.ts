// Finds the script of the API docs page: beside this file once built, in the rapidoc package where the sources run.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

export interface DocsScript {
  readonly body: string
  /** Of the body, for its name and its ETag. */
  readonly hash: string
}

const HASH_LENGTH = 32

/** Reads it; its callers keep it. */
export function readDocsScript(): DocsScript {
  const built = new URL('./rapidoc/rapidoc-min.js', import.meta.url)
  const file = existsSync(built) ? built : createRequire(import.meta.url).resolve('rapidoc/dist/rapidoc-min.js')
  // The map is not shipped.
  const body = readFileSync(file, 'utf8').replace(/\n\/\/# sourceMappingURL=.*$/s, '\n')
  return { body, hash: createHash('sha256').update(body).digest('hex').slice(0, HASH_LENGTH) }
}
