// Finds and reads the configuration file: tenantry.config.ts (or .mts, .js, .mjs) or tenantry.yaml. The only file that
// knows the loaders of the two.
import { readdir, readFile } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import { TenantryError } from '../../kernel/errors.ts'

const CODE = ['tenantry.config.ts', 'tenantry.config.mts', 'tenantry.config.js', 'tenantry.config.mjs']
const YAML = ['tenantry.yaml', 'tenantry.yml']

/** What a file holds, before anything of it is checked. */
export interface ConfigFile {
  readonly path: string
  readonly content: unknown
}

/** Names of the files that are looked for, in a folder that may hold one of them. */
export const configFileNames: readonly string[] = [...CODE, ...YAML]

/**
 * The configuration file of a folder, or the one that is named; undefined where there is none. Throws
 * CONFIGURATION_INVALID where there are two, and for one that cannot be read.
 */
export async function readConfigFile(folder: string, named?: string): Promise<ConfigFile | undefined> {
  const path = named === undefined ? await findFile(folder) : resolve(folder, named)
  if (path === undefined) return undefined
  const content = ['.yaml', '.yml'].includes(extname(path)) ? await readYaml(path) : await importModule(path)
  return { path, content }
}

async function findFile(folder: string): Promise<string | undefined> {
  const names = new Set(await readdir(folder).catch(() => []))
  const found = configFileNames.filter((name) => names.has(name))
  if (found.length > 1) {
    throw new TenantryError('CONFIGURATION_INVALID', `There are two configurations: ${found.join(' and ')}.`, {
      fix: 'Keep one of them, or name the one to use.',
    })
  }
  return found[0] === undefined ? undefined : join(folder, found[0])
}

async function readYaml(path: string): Promise<unknown> {
  const { parseDocument } = await import('yaml')
  const document = parseDocument(await readText(path), { prettyErrors: true, uniqueKeys: true })
  const [mistake] = document.errors
  if (mistake !== undefined) {
    const [{ line, col } = { line: 0, col: 0 }] = mistake.linePos ?? []
    throw unusable(path, `is not valid YAML (line ${line}, column ${col}, ${mistake.code})`, undefined)
  }
  // Aliases are counted, so that a small file cannot become a large one.
  try {
    return document.toJS({ maxAliasCount: 100 }) ?? {}
  } catch (cause) {
    throw unusable(path, 'refers to itself too often', cause)
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw unusable(path, 'cannot be read', cause)
  }
}

/** The default export of a module; TypeScript is transpiled, not checked. */
async function importModule(path: string): Promise<unknown> {
  await readText(path)
  const { createJiti } = await import('jiti')
  try {
    const loader = createJiti(import.meta.url, { fsCache: false, moduleCache: false, interopDefault: true })
    const content: unknown = await loader.import(path, { default: true })
    return typeof content === 'function' ? await (content as () => unknown)() : content
  } catch (cause) {
    throw unusable(path, 'failed while it was loaded; the cause says why', cause)
  }
}

function unusable(path: string, what: string, cause: unknown): TenantryError {
  return new TenantryError('CONFIGURATION_INVALID', `The configuration ${basename(path)} ${what}.`, {
    cause,
    field: basename(path),
  })
}
