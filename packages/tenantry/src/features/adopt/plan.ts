// The plan that turns a single-tenant database into a multi-tenant one: a file that people read, change and keep.

/** Where tenants come from. */
export type AdoptRoot =
  /** Each row of the table is a tenant. */
  | {
      readonly kind: 'table'
      /** As in `AdoptTable`. */
      readonly table: string
      /** The column that tells its rows apart: its primary key, or another column that is unique and never null. */
      readonly key: string
      /** Columns whose words, joined by a blank, make slug and name; `nameTenants` makes them valid and unique. */
      readonly slugFrom: readonly string[]
      readonly nameFrom: readonly string[]
    }
  /** A column of many tables names the tenant, such as company_id, without a table of its own. */
  | { readonly kind: 'column'; readonly column: string }
  /** Everything belongs to one tenant. */
  | { readonly kind: 'default'; readonly slug: string; readonly name: string }

export type TableDecision = 'tenant' | 'global' | 'undecided'

/**
 * One step of a way from a table to the root: through these columns to a row of the next table. Tables are named as
 * PostgreSQL writes them, qualified and quoted where needed (`public."Order"`), fit for SQL as they are; columns are bare.
 */
export interface PathStep {
  readonly columns: readonly string[]
  readonly table: string
  readonly references: readonly string[]
}

/**
 * What becomes of a foreign key. `composite`: both ends belong to tenants, the tenant goes into the key. `kept`: it stays
 * as it is (its target is global). `dropped`: its rows cross tenants, or it leads from a global table to a tenant's; the
 * column stays, the constraint goes, `revert` makes it again.
 */
export type KeyDecision = 'composite' | 'kept' | 'dropped'

export interface AdoptKey {
  /** Of the constraint, bare. */
  readonly name: string
  readonly columns: readonly string[]
  readonly table: string
  readonly references: readonly string[]
  readonly decision: KeyDecision
  readonly reason: string
}

export interface AdoptTable {
  /** Qualified and quoted where needed, as in `PathStep`. Partitions are not listed: they go with their root. */
  readonly table: string
  readonly decision: TableDecision
  /**
   * How its rows find their tenant, nearest first; empty for the root, for global ones, for all where the root is one
   * default tenant, where `column` of the table itself names the tenant, and where there is no way and all rows are
   * `orphans`. The last step's table is the root's, or one whose `column` names the tenant.
   */
  readonly path: readonly PathStep[]
  /** The column that names the tenant where there is one already: its text is the key of `nameTenants`. */
  readonly column: string | null
  /** Its foreign keys, and what becomes of them. */
  readonly keys: readonly AdoptKey[]
  /** Why it was decided so, in a sentence; `chosen` ends it where a person decided. */
  readonly reason: string
  /** Where rows without a way to the root go: a tenant's slug; null refuses to go on while there are any. */
  readonly orphans: string | null
  readonly rows: number
  readonly partitioned: boolean
  /** What else is there and matters: views, triggers, generated columns, full-text indexes, self-references, cycles. */
  readonly notes: readonly string[]
}

/** A question that the database cannot answer. */
export interface AdoptQuestion {
  readonly table: string
  readonly question: string
  readonly choices: readonly {
    readonly decision: TableDecision
    readonly path: readonly PathStep[]
    readonly label: string
  }[]
}

export const adoptStages = [
  ...(['tenants', 'columns', 'backfill', 'required', 'keys', 'observe', 'pilot', 'enforce'] as const),
] as const

/**
 * `tenants` registers them; `columns` adds the nullable column; `backfill` fills it; `required` makes it NOT NULL through a
 * validated check; `keys` makes UNIQUE (tenant_id, …) and composite foreign keys; `observe` has policies that let all
 * through and log foreign access; `pilot` enforces for named tenants; `enforce` for all. Target `schema` has `split` in
 * place of `observe` and what follows.
 */
export type AdoptStage = (typeof adoptStages)[number] | 'split'

export interface AdoptPlan {
  readonly format: 1
  readonly database: string
  /** Of the catalogue when the plan was made; `apply` refuses another one. */
  readonly fingerprint: string
  readonly schema: string
  readonly target: 'row' | 'schema'
  readonly root: AdoptRoot
  readonly tables: readonly AdoptTable[]
  readonly questions: readonly AdoptQuestion[]
  readonly pilot: readonly string[]
  readonly createdAt: string
}

export interface AdoptProgress {
  readonly stage: AdoptStage
  /** What is being done, such as the table. */
  readonly subject: string
  readonly done: number
  /** Null where it cannot be told. */
  readonly total: number | null
}

export interface AdoptStatus {
  readonly plan: AdoptPlan
  /** The last stage that is complete; null before the first. */
  readonly stage: AdoptStage | null
  readonly stages: readonly {
    readonly stage: AdoptStage
    readonly state: 'pending' | 'running' | 'done' | 'reverted'
    readonly startedAt: string | null
    readonly finishedAt: string | null
  }[]
  /** Of each table: rows and checksum before the first stage and now, as far as counted. */
  readonly tables: readonly {
    readonly table: string
    readonly rowsBefore: number
    readonly rowsNow: number | null
    readonly backfilled: number
    readonly same: boolean | null
  }[]
  /** Until when foreign accesses are noted, which makes the application slow; null while nothing is. */
  readonly observingUntil: string | null
  /** Foreign accesses seen while observing, by table. */
  readonly observed: readonly { readonly table: string; readonly count: number; readonly lastAt: string }[]
}
