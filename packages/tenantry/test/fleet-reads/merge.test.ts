// What a merge holds: no more than it is told to, whichever way rows come.
import { expect, test } from 'vitest'
import { Merge } from '../../src/features/fleet/merge.ts'

const TEXT = 25
const INT8 = 20
const columns = [
  { name: 'word', type: TEXT },
  { name: 'n', type: INT8 },
]
const from = { slug: 'acme', at: 0 }
const rows = (count: number, word = (at: number) => `word ${at}`) =>
  Array.from({ length: count }, (_, at) => [word(at), String(at)])

test('sorted rows are held up to the bound, and with a limit as many as it says, however many come', () => {
  const unlimited = new Merge({ order: ['n'] }, 100_000)
  expect(() => unlimited.add(columns, rows(1000), from)).toThrow('more rows to sort')
  const limited = new Merge({ order: ['-n'], limit: 2 }, 100_000)
  for (let at = 0; at < 100; at++) limited.add(columns, rows(1000), from)
  expect(limited.end().rows.map(([, word]) => word)).toEqual(['word 999', 'word 999'])
})

test('a limit beyond the bound is no way around it', () => {
  const merge = new Merge({ order: ['n'], limit: 1_000_000 }, 100_000)
  expect(() => merge.add(columns, rows(1000), from)).toThrow('more rows to sort')
})

test('sums are bound by their groups, not by their rows', () => {
  const few = new Merge({ sum: ['n'] }, 100_000)
  for (let at = 0; at < 100; at++)
    few.add(
      columns,
      rows(1000, (word) => String(word % 10)),
      from,
    )
  expect(few.end().rows).toHaveLength(10)
  expect(() => new Merge({ sum: ['n'] }, 100_000).add(columns, rows(1000), from)).toThrow('more groups to add up')
})
