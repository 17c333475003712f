// What the SQL rules look at: parsed migration files, in the order in which they run, and small readers of their trees.
import type { Place, Remark, RuleName } from '../rules.ts'
import { asTree, listOf, textOf, type Tree } from '../tree.ts'
import type { SqlStatement } from './parse-sql.ts'

export interface SqlFile {
  readonly path: string
  /** `tenant`: runs in each tenant's schema. Everything else is shared. */
  readonly kind: 'shared' | 'tenant'
  readonly statements: readonly SqlStatement[]
  /** Written by Drizzle Kit or Prisma Migrate: in a tenant migration its `public` is read as the tenant's schema. */
  readonly isGenerated?: boolean
}

/** Whether a file, by its path, is one of the migrations of each tenant: `tenant/0001_a.sql`, `tenant/1_a/migration.sql`. */
export const isTenantPath = (path: string): boolean => /(^|\/)tenant\/([^/]+\/)?[^/]*$/.test(path)

const MIGRATION_PATHS = [
  /(^|\/)(shared|tenant|drizzle|[^/]*migrat[^/]*)\//i,
  // Numbered by hand or by a tool.
  /(^|\/)\d{4,}_[^/]*\.sql$/i,
]

/** Whether a file looks like a migration, and not like a script or a fixture. */
export const isMigrationPath = (path: string): boolean => MIGRATION_PATHS.some((pattern) => pattern.test(path))

/** Prisma Migrate gives each migration a folder. */
export const isPrismaPath = (path: string): boolean => /\/migration\.sql$/.test(path)

/** What orders migrations: the name of the file, or of its folder where all files are called `migration.sql`. */
export function migrationName(path: string): string {
  const [file = '', folder] = path.split('/').toReversed()
  return file === 'migration.sql' && folder !== undefined ? folder : file
}

/** A remark of a rule that looks at several files. */
export interface FileRemark extends Remark {
  readonly path: string
}

export function remark(rule: RuleName, message: string, where: { path: string; place: Place }): FileRemark {
  return { rule, message, path: where.path, ...where.place }
}

/** `public.invoices` for a relation that names no schema. */
export function relationName(relation: Tree | undefined): string {
  return `${textOf(relation, 'schemaname') ?? 'public'}.${textOf(relation, 'relname') ?? ''}`
}

/** The texts of a list of String nodes: a qualified name, the columns of a key. */
export function namesIn(tree: Tree | undefined, key: string): readonly string[] {
  return listOf(tree, key).map((item) => textOf(asTree(item['String']), 'sval') ?? '')
}

/** A value of `WITH (name = value)` as text; '' where the name stands alone, undefined where it is absent. */
export function optionValue(options: readonly Tree[], name: string): string | undefined {
  const found = options.map((item) => asTree(item['DefElem'])).find((option) => option?.['defname'] === name)
  if (found === undefined) return undefined
  const argument = asTree(found['arg'])
  const [value] = Object.values(argument ?? {}).map(asTree)
  return value === undefined ? '' : String(Object.values(value)[0])
}

export const isOn = (value: string | undefined): boolean =>
  value !== undefined && ['', 'true', 'on', 'yes', '1'].includes(value.toLowerCase())

/** Every object of a statement's tree, the outer ones first. */
export function everyNode(tree: Tree): readonly Tree[] {
  const found: Tree[] = [tree]
  for (let index = 0; index < found.length; index += 1) {
    for (const value of Object.values(found[index] ?? {})) {
      for (const each of Array.isArray(value) ? (value as readonly unknown[]) : [value]) {
        const child = asTree(each)
        if (child !== undefined) found.push(child)
      }
    }
  }
  return found
}
