// What the HTTP surface does with an Idempotency-Key by itself; how often a handler runs is tested over a database in
// test/surfaces/idempotency.test.ts.
import { EventEmitter, once } from 'node:events'
import { afterEach, expect, it, vi } from 'vitest'
import { controlPlaneWith, keysWith } from '../../../test/support/control-plane.ts'
import type { Idempotency } from '../../features/idempotency/idempotency.ts'
import { healthReport } from '../../kernel/health.ts'
import { type LogFields, silentLogger } from '../../kernel/logger.ts'
import type { Tenants } from '../../tenants/tenants.ts'
import type { ControlPlane } from './control-plane.ts'
import { idempotencyKeyOf } from './idempotency-key.ts'
import { handler } from './index.ts'

afterEach(() => void vi.useRealTimers())

it.each([
  ['8e03978e-40d5-43dd-bc93-6894a57f9324', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
  ['"8e03978e-40d5-43dd-bc93-6894a57f9324"', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
  ['"two words"', 'two words'],
  [String.raw`"a\"b\\c"`, String.raw`a"b\c`],
  ['x'.repeat(255), 'x'.repeat(255)],
  [`"${'x'.repeat(255)}"`, 'x'.repeat(255)],
])('reads the key %s', (header, key) => {
  expect(idempotencyKeyOf(header)).toBe(key)
})

it.each(['', '""', '"', '"a', 'a b', '"a", "b"', 'a, b', String.raw`"a\b"`, 'é', '"é"', 'x'.repeat(256), 'a\tb'])(
  'refuses the key %s without repeating it',
  (header) => {
    expect(() => idempotencyKeyOf(header)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', field: 'Idempotency-Key' }),
    )
  },
)

const unused: Idempotency = {
  claim: () => Promise.reject(new Error('no claim was expected')),
  renew: () => Promise.resolve(true),
  finish: () => Promise.resolve(),
  abandon: () => Promise.resolve(),
  prune: () => Promise.resolve(0),
}

function suspend(controlPlane: Partial<ControlPlane>, authorization = 'Bearer k'): Promise<Response> {
  const given = { keys: keysWith('k'), ...controlPlane }
  const headers = { authorization, 'idempotency-key': 'one' }
  const request = new Request('http://localhost/api/tenants/acme/suspend', { method: 'POST', headers })
  return handler(controlPlaneWith(given))(request)
}

it('asks for a key before it looks for an answer, and looks for none where nothing is written', async () => {
  expect((await suspend({ idempotency: unused }, 'Bearer other')).status).toBe(401)
  const reading = controlPlaneWith({ idempotency: unused, health: () => Promise.resolve(healthReport({})) })
  const request = new Request('http://localhost/health', { headers: { 'idempotency-key': 'one' } })
  expect((await handler(reading)(request)).status).toBe(200)
})

it('keeps its claim for as long as the handler runs', async () => {
  vi.useFakeTimers()
  let renewals = 0
  const work = new EventEmitter()
  const started = once(work, 'start')
  const idempotency: Idempotency = {
    ...unused,
    claim: () => Promise.resolve({ holder: 'me' }),
    renew: (holder) => {
      renewals += holder === 'me' ? 1 : 0
      return Promise.resolve(true)
    },
  }
  const tenants = new Proxy({} as Tenants, {
    get: () => async () => {
      const ended = once(work, 'end')
      work.emit('start')
      await ended
      throw new Error('fails')
    },
  })
  const answer = suspend({ idempotency, tenants })
  await started
  await vi.advanceTimersByTimeAsync(100_000)
  expect(renewals).toBe(5)
  work.emit('end')
  expect((await answer).status).toBe(500)
  await vi.advanceTimersByTimeAsync(100_000)
  expect(renewals).toBe(5)
})

it('answers although the answer cannot be kept, and says so in the log', async () => {
  const logged: (readonly [string, LogFields | undefined])[] = []
  const logger = {
    ...silentLogger,
    error: (message: string, fields?: LogFields) => void logged.push([message, fields]),
  }
  const idempotency: Idempotency = {
    ...unused,
    claim: () => Promise.resolve({ holder: 'me' }),
    finish: () => Promise.reject(new Error('the database is away')),
  }
  const tenants = new Proxy({} as Tenants, { get: () => () => Promise.resolve({ version: 1 }) })
  expect((await suspend({ idempotency, tenants, logger })).status).toBe(200)
  expect(logged).toMatchObject([[expect.stringContaining('could not be kept'), { reason: 'the database is away' }]])
})
