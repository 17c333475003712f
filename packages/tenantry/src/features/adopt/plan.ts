// The plan that turns a single-tenant database into a multi-tenant one: a file that people read, change and keep.

/** Where tenants come from. */
export type AdoptRoot =
  /** Each row of the table is a tenant. */
  | {
      readonly kind: 'table'
      /** `schema.table` */
      readonly table: string
      /** Its primary key. */
      readonly key: string
      readonly slugFrom: string | null
      readonly nameFrom: string | null
    }
  /** A column of many tables names the tenant, such as company_id, without a table of its own. */
  | { readonly kind: 'column'; readonly column: string }
  /** Everything belongs to one tenant. */
  | { readonly kind: 'default'; readonly slug: string; readonly name: string }

export type TableDecision = 'tenant' | 'global' | 'undecided'

/** One step of a way from a table to the root: through these columns to a row of the next table. */
export interface PathStep {
  readonly columns: readonly string[]
  readonly table: string
  readonly references: readonly string[]
}

export interface AdoptTable {
  /** `schema.table` */
  readonly table: string
  readonly decision: TableDecision
  /** How its rows find their tenant, nearest first; empty for the root, for global ones, and where a column says it. */
  readonly path: readonly PathStep[]
  /** The column that names the tenant where there is one already. */
  readonly column: string | null
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
  /** Foreign accesses seen while observing, by table. */
  readonly observed: readonly { readonly table: string; readonly count: number; readonly lastAt: string }[]
}
