// A migration in code, read but not loaded: it is loaded when it is to run, once for all tenants.
import { TenantryError } from '../../../kernel/errors.ts'
import { codeDirectives } from '../directives.ts'
import type { MigrationClient, MigrationFile, MigrationFormat } from '../migration-file.ts'
import { checksumOf } from '../sources/folder.ts'
import { knexOver } from './knex-over.ts'
import { kyselyOver } from './kysely-over.ts'
import { loadModule, type ModuleSource } from './load-module.ts'

export interface CodeSource extends ModuleSource {
  readonly format: Extract<MigrationFormat, 'tenantry' | 'kysely' | 'knex'>
}

type Up = (argument: unknown, second?: unknown) => unknown

// Knex's own way to say it; what the module exports is compared when it is loaded.
const KNEX_NO_TRANSACTION = /\bconfig\b[^=;{]*=\s*\{[^}]*\btransaction\s*:\s*false\b/

export function codeMigration(source: CodeSource): MigrationFile {
  const { name, text, format } = source
  const directives = codeDirectives(name, text)
  const transaction = directives.transaction && !(format === 'knex' && KNEX_NO_TRANSACTION.test(text))
  let up: Promise<Up> | undefined
  return {
    ...{ name, text, checksum: checksumOf(text), format, ...directives, transaction },
    run: async (client) => {
      up ??= loadUp(source, transaction)
      const run = await up
      await run(await argumentOf(source, client), Promise)
    },
  }
}

async function loadUp(source: CodeSource, transaction: boolean): Promise<Up> {
  const module = await loadModule(source)
  const inner = propertyOf(module, 'default')
  const up = propertyOf(inner, 'up') ?? (source.format === 'tenantry' ? undefined : propertyOf(module, 'up'))
  if (typeof up !== 'function') {
    const what = source.format === 'tenantry' ? 'no default export made by defineMigration({ up })' : 'no export "up"'
    throw new TenantryError('MIGRATION_FAILED', `The migration ${source.name} has ${what}. Nothing was applied.`)
  }
  const config = propertyOf(module, 'config') ?? propertyOf(inner, 'config')
  if (source.format === 'knex' && transaction && propertyOf(config, 'transaction') === false) {
    throw new TenantryError(
      'MIGRATION_FAILED',
      `The migration ${source.name} wants no transaction, which only shows now.`,
      {
        fix: 'Say `// tenantry: no-transaction` at the top of the file.',
      },
    )
  }
  const owner = inner ?? module
  return (...args) => Reflect.apply(up, owner, args) as unknown
}

async function argumentOf({ format, path }: CodeSource, client: MigrationClient): Promise<unknown> {
  if (format === 'tenantry') return client
  return format === 'kysely' ? kyselyOver(client, path) : knexOver(client, path)
}

function propertyOf(value: unknown, name: string): unknown {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return isObject ? (value as Readonly<Record<string, unknown>>)[name] : undefined
}
