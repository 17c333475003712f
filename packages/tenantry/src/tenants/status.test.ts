import { describe, expect, test } from 'vitest'
import { type Decision, decide, type StatusVerb, startsFrom } from './status.ts'
import { type TenantStatus, tenantStatuses } from './tenant.ts'

// Rows are verbs, columns statuses: c changes, r repeats, x refuses. It is the table of the lifecycle, written out.
const table: Readonly<Record<StatusVerb, Readonly<Record<TenantStatus, string>>>> = {
  suspend: { active: 'c', suspended: 'r', inactive: 'x', deleted: 'x', purged: 'x' },
  activate: { active: 'r', suspended: 'c', inactive: 'c', deleted: 'x', purged: 'x' },
  deactivate: { active: 'c', suspended: 'c', inactive: 'r', deleted: 'x', purged: 'x' },
  delete: { active: 'c', suspended: 'c', inactive: 'c', deleted: 'r', purged: 'x' },
  restore: { active: 'x', suspended: 'x', inactive: 'x', deleted: 'c', purged: 'x' },
  purge: { active: 'x', suspended: 'x', inactive: 'x', deleted: 'c', purged: 'r' },
}
const decisions: Readonly<Record<string, Decision>> = { c: 'change', r: 'repeat', x: 'refuse' }
// The keys are verbs, by the table's type.
const statusVerbs = Object.keys(table) as StatusVerb[]
const pairs = statusVerbs.flatMap((verb) => tenantStatuses.map((status) => ({ verb, status })))

describe('the status machine', () => {
  test.each(pairs)('$verb of a tenant that is $status', ({ verb, status }) => {
    expect(decide(verb, { status, restored: false })).toBe(decisions[table[verb][status]])
  })

  test.each(['active', 'suspended', 'inactive'] as const)(
    'restoring again what came back %s is a repetition',
    (status) => {
      expect(decide('restore', { status, restored: true })).toBe('repeat')
    },
  )

  test('a tombstone cannot be restored, whatever happened before', () => {
    expect(decide('restore', { status: 'purged', restored: true })).toBe('refuse')
  })

  test('every verb starts from somewhere', () => {
    for (const verb of statusVerbs) expect(startsFrom(verb)).not.toHaveLength(0)
  })
})
