// Gives a migration in TypeScript its types.
import type { MigrationClient } from './migration-file.ts'

export interface MigrationDefinition {
  /** Runs in the migration's transaction, in the tenant's schema; await every statement. */
  up(client: MigrationClient): Promise<void>
}

/**
 * Returns what it is given; the compiler checks it. The file's default export; directives stand above it, as
 * `// tenantry: no-transaction`.
 *
 * @example
 * ```ts
 * import { defineMigration } from 'tenantry'
 *
 * export default defineMigration({
 *   async up(client) {
 *     await client.query('alter table invoices add column number text')
 *     await client.query(`update invoices set number = 'R-' || id`)
 *   },
 * })
 * ```
 */
export function defineMigration(definition: MigrationDefinition): MigrationDefinition {
  return definition
}
