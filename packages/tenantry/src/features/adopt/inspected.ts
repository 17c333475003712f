// What a look at a single-tenant database finds: the catalogue of one schema, and how many rows its tables have.

/**
 * Names of relations are as PostgreSQL writes them, qualified and quoted where needed, fit for SQL as they are; names of
 * columns and constraints are bare.
 */
export interface Inspection {
  readonly database: string
  /** Bare. */
  readonly schema: string
  /** Tables and partitioned tables, without partitions, by name. */
  readonly tables: readonly InspectedTable[]
  readonly views: readonly InspectedView[]
  /** Functions of the schema that name one of its tables, by signature. */
  readonly functions: readonly InspectedFunction[]
  /** SHA-256 over the catalogue, row counts left out: equal where a plan still fits. */
  readonly fingerprint: string
}

export interface InspectedTable {
  readonly table: string
  /** Without its schema, bare. */
  readonly name: string
  readonly isPartitioned: boolean
  /** `RANGE (at)`; null where it is not partitioned. */
  readonly partitionedBy: string | null
  /** All levels, those above first. */
  readonly partitions: readonly InspectedPartition[]
  /** Tables it inherits from, and those that inherit from it, partitions left out. */
  readonly inheritsFrom: readonly string[]
  readonly inheritedBy: readonly string[]
  readonly owner: string
  /** The admin login owns it or is a member of its owner. */
  readonly isOurs: boolean
  /** Counted, not estimated. */
  readonly rows: number
  readonly columns: readonly InspectedColumn[]
  readonly primaryKey: readonly string[]
  readonly uniqueKeys: readonly InspectedUnique[]
  readonly foreignKeys: readonly InspectedForeignKey[]
  /** Its other constraints: primary and unique keys, checks and exclusions. */
  readonly constraints: readonly InspectedDefinition[]
  readonly indexes: readonly InspectedIndex[]
  readonly triggers: readonly InspectedSwitch[]
  readonly rules: readonly InspectedSwitch[]
  readonly policies: readonly string[]
  readonly rowSecurity: boolean
}

export interface InspectedColumn {
  readonly name: string
  /** With its modifier: `character varying(40)`. */
  readonly type: string
  readonly notNull: boolean
  /** The expression of its default, or of what generates it. */
  readonly default: string | null
  readonly generated: 'stored' | 'virtual' | null
  /** Where it is not the one of the type. */
  readonly collation: string | null
  /** `always` and `by default` for identity columns. */
  readonly identity: 'always' | 'by default' | null
  /** The sequence that belongs to it: of serial and identity columns. */
  readonly sequence: string | null
  /** Of that sequence, in the words of CREATE SEQUENCE; how far it is does not count. */
  readonly sequenceOptions: string | null
}

export interface InspectedPartition {
  readonly partition: string
  readonly name: string
  readonly parent: string
  /** `FOR VALUES FROM …`, or `DEFAULT`. */
  readonly bound: string
  readonly partitionedBy: string | null
}

export interface InspectedDefinition {
  readonly name: string
  readonly definition: string
}

/** A trigger or a rule. */
export interface InspectedSwitch extends InspectedDefinition {
  /** In the words of ALTER TABLE. */
  readonly state: 'enable' | 'disable' | 'enable replica' | 'enable always'
}

export interface InspectedUnique {
  readonly name: string
  readonly columns: readonly string[]
  /** A constraint; else a unique index only. */
  readonly isConstraint: boolean
}

export interface InspectedForeignKey extends InspectedDefinition {
  readonly columns: readonly string[]
  /** The table it references; it may lie in another schema. */
  readonly table: string
  readonly references: readonly string[]
  /** No column of it may be null. */
  readonly isRequired: boolean
}

/** Other than those of constraints. */
export interface InspectedIndex extends InspectedDefinition {
  readonly isUnique: boolean
  /** `btree`, `gin`, … */
  readonly method: string
}

export interface InspectedView {
  readonly view: string
  /** Bare, and its schema. */
  readonly name: string
  readonly schema: string
  readonly isMaterialized: boolean
  /** Its query, with all names qualified. */
  readonly definition: string
  /** Tables of the schema that it reads, directly or through other views. */
  readonly tables: readonly string[]
}

export interface InspectedFunction {
  /** With its arguments, as regprocedure writes it. */
  readonly name: string
  readonly securityDefiner: boolean
  readonly tables: readonly string[]
}
