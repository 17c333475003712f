// From a folder and an environment to the settings of an instance: the file, then the variables over it, then the check.
import { basename, dirname, resolve } from 'node:path'
import type { TenantrySettings } from '../../composition/settings.ts'
import { readConfigFile } from './config-file.ts'
import type { Resolver } from '../../features/resolution/resolution.ts'
import { chosenOf } from '../../features/resolution/resolver-registry.ts'
import { type Environment, hostRoutingOf, type Override, overridesOf, unknownVariables } from './environment.ts'
import { camelKeys } from './key-style.ts'
import { checkConfig } from './schema.ts'

export interface LoadConfigOptions {
  /** Where the file is looked for; default: the working directory. */
  readonly cwd?: string
  /** A file of another name or place; default: TENANTRY_CONFIG, else the one that the folder holds. */
  readonly file?: string
  /** Default: the environment of the process. */
  readonly env?: Environment
}

/** Settings, and where they come from. */
export interface LoadedConfig {
  readonly settings: TenantrySettings
  /** Path of the file; undefined where there is none. */
  readonly file: string | undefined
  /** Names of the environment variables that took effect. */
  readonly overriddenBy: readonly string[]
  /** Variables that begin with TENANTRY_ and mean nothing. */
  readonly unknownVariables: readonly string[]
}

/**
 * The settings of tenantry.config.ts or tenantry.yaml with the environment over them, checked. Throws
 * CONFIGURATION_INVALID and, for a key that does not exist, UNKNOWN_FIELD.
 *
 * @example
 * ```ts
 * import { createTenantry } from 'tenantry'
 * import { loadConfig } from 'tenantry/config'
 *
 * const tenantry = createTenantry(await loadConfig())
 * ```
 */
export async function loadConfig(options: LoadConfigOptions = {}): Promise<TenantrySettings> {
  return (await readConfig(options)).settings
}

/** As loadConfig, and says where the settings come from. */
export async function readConfig(options: LoadConfigOptions = {}): Promise<LoadedConfig> {
  const { cwd = process.cwd(), env = process.env } = options
  const found = await readConfigFile(cwd, options.file ?? (env['TENANTRY_CONFIG'] || undefined))
  const overrides = overridesOf(env)
  const merged = overrides.reduce<unknown>(
    (target, { path, value }) => withValue(target, path, value),
    found === undefined ? {} : camelKeys(found.content),
  )
  const settings = checkConfig(merged, (field) => sourceOf(field, overrides, found?.path))
  return {
    settings: withHostResolvers(withFolder(settings, found?.path), env),
    file: found?.path,
    overriddenBy: overrides.map(({ name }) => name),
    unknownVariables: unknownVariables(env),
  }
}

/** Where the value of a key comes from, for messages: a variable, or the file. */
function sourceOf(field: string, overrides: readonly Override[], file: string | undefined): string {
  const variable = overrides.find(({ path }) => `${field}.`.startsWith(`${path.join('.')}.`))
  return variable?.name ?? (file === undefined ? 'the environment' : basename(file))
}

function withValue(target: unknown, path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return value
  // A file that is no object stays what it is, so that the check can say so.
  if (typeof target !== 'object' && target !== undefined) return target
  const object: Record<string, unknown> = { ...target }
  return { ...object, [key]: withValue(object[key], rest, value) }
}

/** A folder that a file names is meant from where the file is. */
function withFolder(settings: TenantrySettings, file: string | undefined): TenantrySettings {
  const { migrations } = settings
  if (file === undefined || migrations === undefined) return settings
  const fromFile = (folder: string) => resolve(dirname(file), folder)
  if (typeof migrations === 'string') return { ...settings, migrations: fromFile(migrations) }
  const { shared, tenant } = migrations
  return {
    ...settings,
    migrations: {
      ...(shared === undefined ? {} : { shared: { ...shared, folder: fromFile(shared.folder) } }),
      ...(tenant === undefined ? {} : { tenant: { ...tenant, folder: fromFile(tenant.folder) } }),
    },
  }
}

/** The resolvers that the settings choose, with those of hosts that the routing variables switch on and off. */
function withHostResolvers(settings: TenantrySettings, env: Environment): TenantrySettings {
  const routing = Object.entries(hostRoutingOf(env))
  if (routing.length === 0) return settings
  const { resolution = {} } = settings
  const chosen = new Map<string, string | Resolver>(
    chosenOf(resolution).map((each) => [typeof each === 'string' ? each : each.name, each]),
  )
  for (const [name, isOn] of routing) {
    if (!isOn) chosen.delete(name)
    else if (!chosen.has(name)) chosen.set(name, name)
  }
  return { ...settings, resolution: { ...resolution, resolvers: [...chosen.values()] } }
}
