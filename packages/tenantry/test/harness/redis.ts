// A Redis of the test's own, in a folder of its own and on no port. It keeps nothing.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'vitest'
import { skipUnless } from './skip.ts'
import { until } from './wait.ts'

export interface TestRedis {
  /** The path of its socket. */
  readonly path: string
  close(): Promise<void>
}

const binary = (process.env.PATH ?? '')
  .split(path.delimiter)
  .map((folder) => path.join(folder, 'redis-server'))
  .find((file) => existsSync(file))

/** Whether there is one to start. */
export const hasRedis = binary !== undefined

/** Skips a test on a machine without Redis; in CI that is a failure. */
export function needsRedis(context: Pick<TestContext, 'skip'>): void {
  skipUnless(context, hasRedis, 'Redis is not installed: apt-get install redis-server.')
}

export async function startRedis(): Promise<TestRedis> {
  if (binary === undefined) throw new Error('Redis is not installed.')
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tenantry-redis-'))
  const socket = path.join(folder, 'redis.sock')
  const settings = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '', '--appendonly', 'no']
  const child = spawn(binary, settings, { stdio: 'ignore' })
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))
  await until(() => child.exitCode !== null || existsSync(socket))
  if (child.exitCode !== null) throw new Error(`Redis ended with ${child.exitCode}.`)
  return {
    path: socket,
    close: async () => {
      child.kill('SIGKILL')
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}
