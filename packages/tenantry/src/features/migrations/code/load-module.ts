// Loads a migration in TypeScript or JavaScript: the one place of migrations that knows jiti.
import { createRequire } from 'node:module'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { TenantryError } from '../../../kernel/errors.ts'
import { defineMigration } from '../define-migration.ts'

export interface ModuleSource {
  readonly path: string
  readonly name: string
  /** What runs: the text whose checksum the ledger keeps, whatever lies on the disk by now. */
  readonly text: string
}

/** What the module exports; TypeScript is transpiled, not checked. Throws MIGRATION_FAILED naming file and line. */
export async function loadModule({ path, name, text }: ModuleSource): Promise<unknown> {
  const { createJiti } = await import('jiti')
  const loader = createJiti(path, {
    fsCache: false,
    moduleCache: false,
    virtualModules: { tenantry: await tenantryBeside(path) },
  })
  try {
    return await loader.evalModule(text, { filename: path, ext: extname(path), async: true })
  } catch (cause) {
    const line = lineOf(cause, name)
    const where = line === undefined ? name : `${name}, line ${line}`
    throw new TenantryError('MIGRATION_FAILED', `The migration ${where} cannot be loaded; the cause says why.`, {
      cause,
    })
  }
}

/** Imports a package as the migration would, so that both hold the same one. Throws CONFIGURATION_INVALID. */
export async function importBeside(path: string, name: string): Promise<unknown> {
  const { createJiti } = await import('jiti')
  try {
    return await createJiti(path).import(name)
  } catch (cause) {
    throw new TenantryError('CONFIGURATION_INVALID', `The package ${name}, which migrations need, is not installed.`, {
      cause,
      fix: `npm install ${name}`,
    })
  }
}

/** The library as the project has it; what a migration needs of it, where the project has none, as of the command line. */
async function tenantryBeside(path: string): Promise<unknown> {
  let entry: string
  try {
    entry = createRequire(path).resolve('tenantry')
  } catch {
    return { defineMigration }
  }
  // Not by the loader, which would transpile all of it for every migration.
  return import(pathToFileURL(entry).href)
}

function lineOf(error: unknown, name: string): number | undefined {
  const text = error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : ''
  const at = text.indexOf(`${name}:`)
  const line = at < 0 ? undefined : /^\d+/.exec(text.slice(at + name.length + 1))?.[0]
  return line === undefined ? undefined : Number(line)
}
