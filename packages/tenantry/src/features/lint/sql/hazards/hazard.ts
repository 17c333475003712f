// What the rules about running migrations share: what they find, and what they may ask of the file and the tables before it.
import { quoteIdentifier } from '../../../../kernel/identifiers.ts'
import type { Place, RuleName } from '../../rules.ts'
import { textOf, type Tree } from '../../tree.ts'
import type { SqlStatement } from '../parse-sql.ts'
import type { KnownTable } from './known-tables.ts'

export interface Hazard {
  readonly rule: RuleName
  readonly message: string
  readonly place: Place
  /** The SQL to write instead, with the names of the statement. */
  readonly instead?: string
}

/** The file around a statement, and the tables as the statements before it left them. */
export interface Surroundings {
  readonly path: string
  readonly kind: 'shared' | 'tenant'
  /** False in a file with `-- tenantry: no-transaction`. */
  readonly isTransaction: boolean
  /** The oldest PostgreSQL that the migrations run on: 15 to 18. */
  readonly postgres: number
  table(relation: Tree | undefined): KnownTable
  /** Whether this file made the table: nobody waits for it, and it is empty. */
  isNew(relation: Tree | undefined): boolean
  /** The table of an index that this file made. */
  isNewIndex(name: string): boolean
  /** Whether a function is known not to be volatile, from the files; undefined where they do not make it. */
  isSteady(functionName: string): boolean | undefined
}

/** One command of an ALTER TABLE. */
export interface Alteration {
  readonly command: Tree
  readonly statement: SqlStatement
  readonly around: Surroundings
  /** As SQL. */
  readonly table: string
}

export type Judge = (statement: SqlStatement, around: Surroundings) => readonly Hazard[]

/** A name as SQL, quoted only where it has to be. */
export function sqlName(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : quoteIdentifier(name)
}

/** A relation as SQL, with its schema where the statement names one. */
export function sqlRelation(relation: Tree | undefined): string {
  const schema = textOf(relation, 'schemaname')
  const name = sqlName(textOf(relation, 'relname') ?? '')
  return schema === undefined ? name : `${sqlName(schema)}.${name}`
}

/** SQL, a statement a line. */
export const lines = (...statements: readonly string[]): string => statements.join('\n')

/** A file whose statements are transactions of their own. */
export const apart = (...statements: readonly string[]): string => lines('-- tenantry: no-transaction', ...statements)

/** A name for something new, made of others and not longer than PostgreSQL allows. */
export function newName(...parts: readonly string[]): string {
  return sqlName(parts.join('_').slice(0, 63))
}
