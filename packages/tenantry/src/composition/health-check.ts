// How the parts of a running instance are: the control plane's database, the scoped login, the registry's listener.
import { type HealthPart, type HealthReport, healthReport } from '../kernel/health.ts'
import type { Runtime } from './runtime.ts'

const LIMIT_MS = 3_000

/** Asks each part, a few seconds at most. Never throws: a part that cannot be asked is down. */
export async function checkHealth(started: () => Promise<Runtime>): Promise<HealthReport> {
  const database = await part(async () => {
    await (await started()).central.query('select 1')
    return 'up'
  })
  const listener = await part(async () => ((await started()).registry.isListening ? 'up' : 'degraded'))
  return healthReport({ database, listener })
}

async function part(check: () => Promise<HealthPart['status']>): Promise<HealthPart> {
  const startedAt = performance.now()
  const status = await withLimit(check()).catch(() => 'down' as const)
  return { status, latencyMs: Math.round((performance.now() - startedAt) * 10) / 10 }
}

async function withLimit<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), LIMIT_MS)
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    clearTimeout(timer)
  }
}
