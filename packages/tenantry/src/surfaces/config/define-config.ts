// Gives a configuration file its types.
import type { TenantrySettings } from '../../composition/settings.ts'

/**
 * Returns what it is given; the compiler checks it.
 *
 * @example
 * ```ts
 * import { defineConfig } from 'tenantry/config'
 *
 * export default defineConfig({
 *   isolation: 'schema',
 *   resolution: { resolvers: ['jwt', 'subdomain'], subdomainPattern: 'example.com' },
 * })
 * ```
 */
export function defineConfig(settings: TenantrySettings): TenantrySettings {
  return settings
}
