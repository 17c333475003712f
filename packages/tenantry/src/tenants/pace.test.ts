import { expect, test } from 'vitest'
import { Pace } from './pace.ts'

test('a pace lets a burst through, then so many a second', () => {
  let now = 0
  const pace = new Pace({ perSecond: 10, burst: 3, now: () => now })
  expect([pace.reserve(), pace.reserve(), pace.reserve()]).toEqual([0, 0, 0])
  expect(pace.reserve()).toBe(100)
  expect(pace.reserve()).toBe(200)
  expect(pace.reserve(250)).toBeUndefined()
  now = 200
  expect(pace.reserve(100)).toBe(100)
  now = 10_000
  expect([pace.reserve(), pace.reserve(), pace.reserve()]).toEqual([0, 0, 0])
  expect(pace.reserve()).toBe(100)
})

test('a turn that is handed back is there for the next', () => {
  const pace = new Pace({ perSecond: 1, burst: 1, now: () => 0 })
  expect(pace.reserve()).toBe(0)
  pace.giveBack()
  expect(pace.reserve()).toBe(0)
  expect(pace.reserve()).toBe(1000)
})
