// In which order rows leave tables that reference each other. Pure.

export interface ForeignKey {
  readonly from: string
  readonly to: string
}

export interface DeletionGroup {
  readonly tables: readonly string[]
  /** Whether rows may go in batches: not where rows of the group reference each other. */
  readonly batched: boolean
}

/**
 * Groups tables so that deleting group by group breaks no foreign key: referencing tables first. Tables that
 * reference each other in a circle form one group, to be deleted from in one statement, at whose end PostgreSQL
 * checks all its keys.
 */
export function deletionPlan(tables: readonly string[], foreignKeys: readonly ForeignKey[]): readonly DeletionGroup[] {
  const plan: DeletionGroup[] = []
  let remaining = [...tables]
  while (remaining.length > 0) {
    const isReferenced = (table: string) =>
      foreignKeys.some((key) => key.to === table && key.from !== table && remaining.includes(key.from))
    const free = remaining.filter((table) => !isReferenced(table))
    if (free.length === 0) return [...plan, { tables: remaining, batched: false }]
    plan.push(...free.map((table) => ({ tables: [table], batched: !referencesItself(table, foreignKeys) })))
    remaining = remaining.filter((table) => !free.includes(table))
  }
  return plan
}

function referencesItself(table: string, foreignKeys: readonly ForeignKey[]): boolean {
  return foreignKeys.some((key) => key.from === table && key.to === table)
}
