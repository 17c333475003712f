// The statements of a change of one column, in the schema that search_path names. Each looks first what is there, so that
// it can be repeated, and stops half-way without harm.
import type { Sql } from '../../engine/sql/database.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { fitIdentifier, quoteIdentifier as quote } from '../../kernel/identifiers.ts'
import { BODY_QUOTE, checkChange, type ColumnChange } from './change.ts'

/** Runs work in the schema of the table. Where each call is a transaction, no lock outlives its statement. */
export type InSchema = <T>(work: (sql: Sql) => Promise<T>) => Promise<T>

const within =
  (sql: Sql): InSchema =>
  (work) =>
    work(sql)

/**
 * Adds the new column and the trigger that keeps it and the old one in step; for TypeScript migrations, shared or tenant.
 * Nothing is filled yet: `tenantry.changes.backfill` does that. Throws INVALID_INPUT, TABLE_NOT_FOUND.
 *
 * @example
 * ```ts
 * import { type ColumnChange, expandColumn, type Sql } from 'tenantry'
 *
 * export const totalInCents: ColumnChange = {
 *   ...{ name: 'total_in_cents', set: 'tenant', table: 'invoice', from: 'total', to: { name: 'total_cents', type: 'bigint' } },
 *   ...{ forward: '(total * 100)::bigint', back: 'total_cents / 100.0' },
 * }
 * export const up = (sql: Sql) => expandColumn(sql, totalInCents)
 * ```
 */
export function expandColumn(sql: Sql, change: ColumnChange): Promise<void> {
  return expandIn(within(sql), checkChange(change))
}

/**
 * Makes the new column NOT NULL and gives it its foreign key, as the change says; for the migration after the backfill.
 * Throws CHANGE_UNPROVEN where a row was not filled.
 *
 * @example
 * ```ts
 * import { type ColumnChange, type Sql, validateColumn } from 'tenantry'
 *
 * declare const totalInCents: ColumnChange
 * export const up = (sql: Sql) => validateColumn(sql, totalInCents)
 * ```
 */
export function validateColumn(sql: Sql, change: ColumnChange): Promise<void> {
  return validateIn(within(sql), checkChange(change))
}

/**
 * Makes the old column optional, once both are seen to say the same. Throws CHANGE_UNPROVEN where they do not.
 *
 * @example
 * ```ts
 * import { type ColumnChange, type Sql, switchColumn } from 'tenantry'
 *
 * declare const totalInCents: ColumnChange
 * export const up = (sql: Sql) => switchColumn(sql, totalInCents)
 * ```
 */
export function switchColumn(sql: Sql, change: ColumnChange): Promise<void> {
  return switchIn(within(sql), checkChange(change))
}

/**
 * Drops the trigger and the old column; for the migration after the last version that wrote it has gone. Throws
 * CHANGE_UNPROVEN where a row was not filled.
 *
 * @example
 * ```ts
 * import { type ColumnChange, contractColumn, type Sql } from 'tenantry'
 *
 * declare const totalInCents: ColumnChange
 * export const up = (sql: Sql) => contractColumn(sql, totalInCents)
 * ```
 */
export function contractColumn(sql: Sql, change: ColumnChange): Promise<void> {
  return contractIn(within(sql), checkChange(change))
}

interface Facts {
  /** Types of the two columns; null where a column is not there. */
  readonly from: string | null
  readonly to: string | null
  readonly notNull: boolean
  /** Whether the foreign key, and the check that proves NOT NULL, are there; false: not validated yet. */
  readonly key: boolean | null
  readonly check: boolean | null
  /** The table and its children, without partitions, whose triggers are their parent's. */
  readonly tables: readonly { readonly name: string; readonly synced: boolean }[]
}

const selectFacts = `
with recursive tree (oid) as (
  select pg_catalog.to_regclass(pg_catalog.quote_ident($1))::oid
  union all select i.inhrelid from pg_catalog.pg_inherits i join tree t on t.oid = i.inhparent
), root as (select * from pg_catalog.pg_class where oid = (select pg_catalog.to_regclass(pg_catalog.quote_ident($1))))
select (select pg_catalog.format_type(a.atttypid, a.atttypmod) from pg_catalog.pg_attribute a
         where a.attrelid = r.oid and a.attname = $2 and not a.attisdropped) as "from",
       pg_catalog.format_type(n.atttypid, n.atttypmod) as "to", coalesce(n.attnotnull, false) as "notNull",
       (select c.convalidated from pg_catalog.pg_constraint c where c.conrelid = r.oid and c.conname = $4) as key,
       (select c.convalidated from pg_catalog.pg_constraint c where c.conrelid = r.oid and c.conname = $5) as "check",
       (select pg_catalog.json_agg(pg_catalog.json_build_object('name', c.oid::regclass::text, 'synced',
          exists (select from pg_catalog.pg_trigger g where g.tgrelid = c.oid and g.tgname = $6)) order by c.oid)
          from tree t join pg_catalog.pg_class c on c.oid = t.oid where not c.relispartition or c.oid = r.oid) as tables
  from root r left join pg_catalog.pg_attribute n on n.attrelid = r.oid and n.attname = $3 and not n.attisdropped`

/** What the change's own objects are called. */
export const namesOf = ({ name, table, to }: ColumnChange) => ({
  trigger: fitIdentifier(`tenantry_sync_${name}`),
  key: fitIdentifier(`${table}_${to.name}_fkey`),
  check: fitIdentifier(`tenantry_filled_${name}`),
})

async function readFacts(sql: Sql, change: ColumnChange): Promise<Facts> {
  const { trigger, key, check } = namesOf(change)
  const values = [change.table, change.from, change.to.name, key, check, trigger]
  const facts = (await sql.query<Facts>(selectFacts, values)).rows[0]
  if (facts !== undefined) return facts
  throw new TenantryError(
    'TABLE_NOT_FOUND',
    `The change ${change.name} names the table ${change.table}, which is not there.`,
  )
}

/** With an empty list of values a text is one statement: a type or expression cannot smuggle in a second. */
const define = (sql: Sql, text: string) => sql.query(text, [])

export async function expandIn(run: InSchema, change: ColumnChange): Promise<void> {
  await run(async (sql) => {
    const facts = await readFacts(sql, change)
    if (facts.from === null) {
      throw new TenantryError('INVALID_INPUT', `The table ${change.table} has no column ${change.from}.`, {
        field: 'from',
      })
    }
    if (facts.to === null)
      await define(sql, `alter table ${quote(change.table)} add column ${quote(change.to.name)} ${change.to.type}`)
    if (facts.tables.every(({ synced }) => synced)) return
    const { trigger } = namesOf(change)
    await define(sql, syncFunction(change))
    for (const { name } of facts.tables.filter(({ synced }) => !synced)) {
      await define(
        sql,
        `create trigger ${quote(trigger)} before insert or update on ${name} for each row execute function ${quote(trigger)}()`,
      )
    }
  })
}

// A value in the new column was put there by the new version, for nothing else fills it; whoever changes one of the two
// means that one. Compared byte by byte, which every type can. Without a search_path of its own: it has the rights of
// whoever writes the row, and a schema that is renamed would leave its old name behind in it.
function syncFunction(change: ColumnChange): string {
  const [from, to] = [quote(change.from), quote(change.to.name)]
  const forward = `new.${to} := (select (${change.forward}) from (select new.*) as changed);`
  const back = `new.${from} := (select (${change.back}) from (select new.*) as changed);`
  const changes = (column: string) => `pg_catalog.record_image_ne(row(new.${column}), row(old.${column}))`
  return `create or replace function ${quote(namesOf(change).trigger)}() returns trigger language plpgsql as ${BODY_QUOTE}
#variable_conflict use_column
begin
  if tg_op = 'INSERT' then
    if new.${to} is not null then ${back} else ${forward} end if;
  elsif ${changes(to)} then
    ${back}
  elsif ${changes(from)} or new.${to} is null then
    ${forward}
  end if;
  return new;
end ${BODY_QUOTE}`
}

/** Throws CHANGE_UNPROVEN where a row has an old value and no new one. */
async function refuseUnfilled(sql: Sql, change: ColumnChange): Promise<void> {
  const { rows } = await sql.query(
    `select from ${quote(change.table)} where ${quote(change.to.name)} is null and (${change.forward}) is not null limit 1`,
    [],
  )
  if (rows.length > 0) throw unproven(change, `rows without their ${change.to.name}`)
}

export async function validateIn(run: InSchema, change: ColumnChange): Promise<void> {
  const { key, check } = namesOf(change)
  const [table, to] = [quote(change.table), quote(change.to.name)]
  const { notNull = false, references } = change.to
  await run((sql) => refuseUnfilled(sql, change))
  /** One statement, where the facts of its moment ask for it. */
  const step = (isDue: (facts: Facts) => boolean, text: string) =>
    run(async (sql) => {
      if (isDue(await readFacts(sql, change))) await define(sql, text)
    })
  try {
    if (notNull) {
      const due = (facts: Facts) => !facts.notNull
      await step(
        (facts) => due(facts) && facts.check === null,
        `alter table ${table} add constraint ${quote(check)} check (${to} is not null) not valid`,
      )
      await step((facts) => facts.check === false, `alter table ${table} validate constraint ${quote(check)}`)
      await step(due, `alter table ${table} alter column ${to} set not null`)
      await step((facts) => facts.check !== null, `alter table ${table} drop constraint ${quote(check)}`)
    }
    if (references === undefined) return
    const columns = [references.tenantColumn, change.to.name]
      .filter((name) => name !== undefined)
      .map(quote)
      .join(', ')
    const target = [references.tenantColumn, references.column]
      .filter((name) => name !== undefined)
      .map(quote)
      .join(', ')
    await step(
      (facts) => facts.key === null,
      `alter table ${table} add constraint ${quote(key)} foreign key (${columns}) references ${quote(references.table)} (${target}) not valid`,
    )
    await step((facts) => facts.key === false, `alter table ${table} validate constraint ${quote(key)}`)
  } catch (error) {
    throw asUnproven(error, change)
  }
}

export async function switchIn(run: InSchema, change: ColumnChange): Promise<void> {
  const [table = '', from = '', to = ''] = [change.table, change.from, change.to.name].map(quote)
  const isThere = await run(async (sql) => {
    const facts = await readFacts(sql, change)
    if (facts.from === null) return false
    // Of two expressions that round, the one that went last holds; neither holds only where nothing kept them in step.
    const differ = (column: string, expression: string, type: string | null) =>
      `pg_catalog.record_image_ne(row(${column}), row((${expression})::${type}))`
    const { rows } = await sql.query(
      `select from ${table} where ${differ(to, change.forward, facts.to)} and ${differ(from, change.back, facts.from)} limit 1`,
      [],
    )
    if (rows.length > 0) throw unproven(change, `rows whose ${change.from} and ${change.to.name} differ`)
    return true
  })
  if (!isThere) return
  await run((sql) =>
    define(sql, `alter table ${table} alter column ${from} drop not null, alter column ${from} drop default`),
  )
}

export async function contractIn(run: InSchema, change: ColumnChange): Promise<void> {
  const trigger = quote(namesOf(change).trigger)
  const isThere = await run(async (sql) => {
    if ((await readFacts(sql, change)).from === null) return false
    await refuseUnfilled(sql, change)
    return true
  })
  if (!isThere) return
  await run(async (sql) => {
    const { tables } = await readFacts(sql, change)
    for (const { name } of tables) await define(sql, `drop trigger if exists ${trigger} on ${name}`)
    await define(sql, `drop function if exists ${trigger}()`)
    await define(sql, `alter table ${quote(change.table)} drop column ${quote(change.from)}`)
  })
}

function unproven(change: ColumnChange, what: string): TenantryError {
  return new TenantryError('CHANGE_UNPROVEN', `The change ${change.name} found ${what} in ${change.table}.`)
}

const UNMET = new Set(['23502', '23503', '23514'])

/** A constraint that the rows do not meet yet is no fault of the statement. */
function asUnproven(error: unknown, change: ColumnChange): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (!UNMET.has(code)) return error
  return new TenantryError(
    'CHANGE_UNPROVEN',
    `Rows of ${change.table} do not meet what the change ${change.name} asks of them.`,
    {
      ...{ cause: error, sqlState: code },
    },
  )
}
