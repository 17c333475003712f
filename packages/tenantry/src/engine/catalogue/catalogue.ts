// What a schema consists of, as far as migrations make it: the words of fingerprints, drift and snapshots.

/** A schema and whose guard its tables must carry. */
export interface GuardedSchema {
  readonly name: string
  /** The tenant whose id the guards name; any other id there is a difference. */
  readonly tenantId: string
}

export type CatalogueKind =
  | 'schema'
  | 'type'
  | 'sequence'
  | 'table'
  | 'column'
  | 'constraint'
  | 'index'
  | 'view'
  | 'function'
  | 'trigger'
  | 'policy'
  | 'rule'
  | 'statistics'
  | 'grant'

/** One object of a schema. Names carry no schema, so that the same object of two schemas reads the same. */
export interface CatalogueObject {
  readonly kind: CatalogueKind
  /** Unique within its kind: `invoice`, `invoice.total`, `total_of(bigint)`. */
  readonly name: string
  /** All there is to it, in PostgreSQL's own words, as one line of text that is equal where the objects are. */
  readonly definition: string
  /**
   * The statement that makes it, to be run with search_path set to its schema; null where another object's makes it, and
   * where none could. `<tenant>` in it stands for the tenant's id.
   */
  readonly create: string | null
  /** The definition part by part. */
  readonly details: Readonly<Record<string, unknown>>
  /** True where another object's statement makes it: a column is made with its table. */
  readonly isPart: boolean
}

/** The objects of one schema, in an order in which their statements can run. */
export interface SchemaCatalogue {
  readonly objects: readonly CatalogueObject[]
  readonly fingerprint: string
  /** Whose id `<tenant>` stands for. */
  readonly tenantId: string
}

/** How one object of a schema differs from the reference. */
export interface Difference {
  readonly kind: CatalogueKind
  readonly name: string
  readonly change: 'missing' | 'extra' | 'different'
  /** Null where it is missing there. */
  readonly expected: string | null
  readonly actual: string | null
  /** The statements that mend it, to be run with search_path set to the schema; null where that would take data away. */
  readonly mend: string | null
  /** What to know before running them, such as that rows are dropped or the table is rewritten. */
  readonly warning: string | null
}
