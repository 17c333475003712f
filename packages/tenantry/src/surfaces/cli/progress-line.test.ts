import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import type { MigrationProgress } from '../../features/migrations/fleet.ts'
import { durationText, progressLine } from './progress-line.ts'

const progress: MigrationProgress = {
  ...({ runId: 'r', state: 'running', total: 1_000, done: 240, failed: 10, rate: 120.4, leftMs: 6_230 } as const),
  wave: 1,
}

function lineOn(isTerminal: boolean, now: () => number = Date.now) {
  const stderr = new PassThrough()
  const line = progressLine({ stderr, isTTY: { stdin: false, stdout: false, stderr: isTerminal } }, now)
  return { line, written: () => String(stderr.read() ?? '') }
}

test('a terminal sees one bar with rate and time left, which is written over and taken away', () => {
  const { line, written } = lineOn(true)
  line.show(progress)
  expect(written()).toBe(
    `\r\u001b[2K${'█'.repeat(6)}${'░'.repeat(18)} 250 of 1000 tenants (25 %), 10 failed, 120/s, 7 s left, wave 1`,
  )
  line.clear()
  expect(written()).toBe('\r\u001b[2K')
})

test('a log gets a line at the beginning of each wave, and one every ten seconds', () => {
  let time = 0
  const { line, written } = lineOn(false, () => time)
  line.show({ ...progress, done: 0, failed: 0, rate: 0, leftMs: null, wave: 0 })
  time = 9_999
  line.show({ ...progress, wave: 0 })
  expect(written()).toBe('0 of 1000 tenants (0 %)\n')
  line.show({ ...progress, rate: 4.25 })
  expect(written()).toBe('250 of 1000 tenants (25 %), 10 failed, 4.3/s, 7 s left, wave 1\n')
  time = 19_999
  line.show(progress)
  expect(written()).toContain('250 of 1000')
})

test('canaries are named where some are done', () => {
  const { line, written } = lineOn(true)
  line.show({ ...progress, wave: 0 })
  expect(written()).toContain('left, canary')
  line.show({ ...progress, done: 0, failed: 0, wave: 0 })
  expect(written()).not.toContain('canary')
})

test.each([
  [0, '0 s'],
  [11_001, '12 s'],
  [123_000, '2 min 3 s'],
  [3_900_000, '1 h 5 min'],
])('%i ms are %s', (ms, text) => {
  expect(durationText(ms)).toBe(text)
})
