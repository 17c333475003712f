// The stage `keys`: unique keys that begin with the tenant, and beside each foreign key one that carries it. Indexes are
// built while the application writes; the keys of before stay.
import { type ForeignKey, readKeysAmong, tenantKeyDefinition } from '../../../engine/isolation/foreign-keys.ts'
import type { Sql } from '../../../engine/sql/database.ts'
import { fitIdentifier, quoteIdentifier } from '../../../kernel/identifiers.ts'
import type { AdoptFacts, Leaf } from './adopt-facts.ts'
import type { PlanFacts, Stage } from './context.ts'
import { objectName } from './names.ts'
import type { Step } from './step.ts'

export const keysStage: Stage = { stage: 'keys', steps: keySteps }

/** The name of the key that carries the tenant, for as long as the one of before is there. */
export const besideName = (name: string): string => fitIdentifier(`${name}_tenantry`)

/** The foreign keys of before that get the tenant: those between tables of tenants that the plan does not drop. */
export async function plannedKeys(facts: PlanFacts, sql: Sql): Promise<readonly ForeignKey[]> {
  const dropped = new Set(droppedKeys(facts).map(({ child, name }) => `${child} ${name}`))
  const oids = facts.tables.map(({ table }) => facts.factsOf(table).oid)
  const keys = await readKeysAmong(sql, oids)
  return keys.filter(({ child, name }) => !dropped.has(`${child} ${name}`))
}

/** The foreign keys that the plan drops, because their rows cross tenants. */
export function droppedKeys({ plan }: PlanFacts): readonly { readonly child: string; readonly name: string }[] {
  return plan.tables.flatMap(({ table, keys }) =>
    keys.filter(({ decision }) => decision === 'dropped').map(({ name }) => ({ child: table, name })),
  )
}

async function keySteps(facts: PlanFacts, sql: Sql): Promise<readonly Step[]> {
  const keys = await plannedKeys(facts, sql)
  const byName = new Map(facts.tables.map(({ table }) => [table, facts.factsOf(table)]))
  const targets = new Map<string, { facts: AdoptFacts; columns: readonly string[] }>()
  const need = (of: AdoptFacts | undefined, columns: readonly string[]) => {
    if (of !== undefined && columns.length > 0) targets.set(`${of.table} ${columns.join(' ')}`, { facts: of, columns })
  }
  for (const { table } of facts.tables) {
    const own = facts.factsOf(table)
    need(
      own,
      own.primaryKey.map(({ name }) => name),
    )
  }
  for (const key of keys) need(byName.get(key.parent), key.parentColumns)
  const keyless = facts.tables
    .map(({ table }) => facts.factsOf(table))
    .filter(({ primaryKey }) => primaryKey.length === 0)
  return [
    ...[...targets.values()].flatMap((target) => uniqueSteps(target.facts, target.columns)),
    ...keyless.flatMap(indexSteps),
    ...keys.flatMap((key) => foreignSteps(key, byName.get(key.child))),
  ]
}

const list = (columns: readonly string[]): string => ['tenant_id', ...columns].map(quoteIdentifier).join(', ')

const indexOf = (leaf: Pick<Leaf, 'schema'>, index: string): string =>
  `${quoteIdentifier(leaf.schema)}.${quoteIdentifier(index)}`

function uniqueSteps(facts: AdoptFacts, columns: readonly string[]): readonly Step[] {
  const nameFor = (relation: string) => objectName(relation, ['tenant_id', ...columns], 'key')
  const onLeaves = facts.leaves.flatMap((leaf): Step[] => {
    const name = nameFor(leaf.relation)
    const constraint = `alter table ${leaf.name} add constraint ${quoteIdentifier(name)} unique using index ${quoteIdentifier(name)}`
    return [
      {
        subject: facts.table,
        statements: [`create unique index concurrently ${quoteIdentifier(name)} on ${leaf.name} (${list(columns)})`],
        undo: [`drop index if exists ${indexOf(leaf, name)}`],
        builds: indexOf(leaf, name),
      },
      {
        subject: facts.table,
        statements: [constraint],
        undo: [`alter table ${leaf.name} drop constraint ${quoteIdentifier(name)}`],
      },
    ]
  })
  if (!facts.partitioned) return onLeaves
  const name = quoteIdentifier(nameFor(facts.relation))
  const table = facts.table
  // The parent's takes over the partitions' own, so nothing is built anew; taking it back takes them along.
  return [
    ...onLeaves.map((step) => ({ ...step, undo: step.undo.map(ifThere) })),
    {
      subject: facts.table,
      statements: [`alter table ${table} add constraint ${name} unique (${list(columns)})`],
      undo: [`alter table ${table} drop constraint ${name}`],
    },
  ]
}

const ifThere = (statement: string): string => statement.replace(' drop constraint "', ' drop constraint if exists "')

function indexSteps(facts: AdoptFacts): readonly Step[] {
  const nameFor = (relation: string) => objectName(relation, ['tenant_id'], 'idx')
  const onLeaves = facts.leaves.map((leaf) => ({
    subject: facts.table,
    statements: [`create index concurrently ${quoteIdentifier(nameFor(leaf.relation))} on ${leaf.name} (tenant_id)`],
    undo: [`drop index if exists ${indexOf(leaf, nameFor(leaf.relation))}`],
    builds: indexOf(leaf, nameFor(leaf.relation)),
  }))
  if (!facts.partitioned) return onLeaves
  const name = nameFor(facts.relation)
  return [
    ...onLeaves,
    {
      subject: facts.table,
      statements: [`create index ${quoteIdentifier(name)} on ${facts.table} (tenant_id)`],
      undo: [`drop index if exists ${indexOf(facts, name)}`],
    },
  ]
}

function foreignSteps(key: ForeignKey, child: AdoptFacts | undefined): readonly Step[] {
  const name = quoteIdentifier(besideName(key.name))
  const definition = `add constraint ${name} ${tenantKeyDefinition(key)}`
  const subject = child?.table ?? key.child
  const dropped = (table: string) => `alter table ${table} drop constraint if exists ${name}`
  const online = (table: string): readonly Step[] => [
    { subject, statements: [`alter table ${table} ${definition} not valid`], undo: [dropped(table)] },
    { subject, statements: [`alter table ${table} validate constraint ${name}`], undo: [] },
  ]
  if (child?.partitioned !== true) return online(key.child)
  // A partitioned table takes none that is not valid; it takes over those of its partitions.
  return [
    ...child.leaves.flatMap((leaf) => online(leaf.name)),
    { subject, statements: [`alter table ${key.child} ${definition}`], undo: [dropped(key.child)] },
  ]
}
