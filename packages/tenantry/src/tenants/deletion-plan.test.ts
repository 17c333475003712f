import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deletionPlan } from './deletion-plan.ts'

describe('the deletion plan', () => {
  test('referencing tables come first', () => {
    const keys = [
      { from: 'line', to: 'invoice' },
      { from: 'invoice', to: 'customer' },
    ]
    expect(deletionPlan(['customer', 'invoice', 'line'], keys)).toEqual([
      { tables: ['line'], batched: true },
      { tables: ['invoice'], batched: true },
      { tables: ['customer'], batched: true },
    ])
  })

  test('a table that references itself goes in one statement', () => {
    expect(deletionPlan(['employee'], [{ from: 'employee', to: 'employee' }])).toEqual([
      { tables: ['employee'], batched: false },
    ])
  })

  test('tables in a circle form one group, together with what they reference', () => {
    const keys = [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'a' },
      { from: 'c', to: 'a' },
    ]
    expect(deletionPlan(['a', 'b', 'c'], keys)).toEqual([
      { tables: ['c'], batched: true },
      { tables: ['a', 'b'], batched: false },
    ])
  })

  test('every table appears once, and none before a table that references it', () => {
    const table = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
    const keys = fc.array(fc.record({ from: table, to: table }), { maxLength: 12 })
    fc.assert(
      fc.property(fc.uniqueArray(table), keys, (tables, foreignKeys) => {
        const plan = deletionPlan(tables, foreignKeys)
        expect(plan.flatMap((group) => group.tables).toSorted()).toEqual([...tables].toSorted())
        const position = new Map(plan.flatMap((group, index) => group.tables.map((name) => [name, index] as const)))
        for (const { from, to } of foreignKeys) {
          const [referencing, referenced] = [position.get(from), position.get(to)]
          if (referencing !== undefined && referenced !== undefined) expect(referencing).toBeLessThanOrEqual(referenced)
        }
      }),
    )
  })
})
