import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readRunFile, removeRunFile, writeRunFile } from './run-file.ts'

const key = 'tn_run_0123456789abcdef'
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-file-'))
})
afterEach(() => rm(folder, { recursive: true }))

const endedPid = (): number => spawnSync(process.execPath, ['--version']).pid

describe('run.json', () => {
  it('is readable by its owner only and names the server that runs', async () => {
    const run = { url: 'http://127.0.0.1:3000', pid: process.pid, key }
    await writeRunFile(folder, run)
    expect((await stat(join(folder, 'run.json'))).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['run.json'])
    expect(await readRunFile(folder)).toEqual({ kind: 'running', run })
  })

  it('is stale when its process has ended', async () => {
    const pid = endedPid()
    await writeRunFile(folder, { url: 'http://127.0.0.1:3000', pid, key })
    expect(await readRunFile(folder)).toEqual({ kind: 'stale', pid })
  })

  it('is absent where there is none, and where there is no folder', async () => {
    expect(await readRunFile(folder)).toEqual({ kind: 'absent' })
    expect(await readRunFile(join(folder, 'nowhere'))).toEqual({ kind: 'absent' })
  })

  it('is not believed when it is torn or points away from this machine', async () => {
    await writeFile(join(folder, 'run.json'), '{"url":"http://127')
    expect(await readRunFile(folder)).toEqual({ kind: 'unreadable' })
    await writeFile(join(folder, 'run.json'), JSON.stringify({ url: 'http://evil.example:80', pid: 1, key }))
    expect(await readRunFile(folder)).toEqual({ kind: 'unreadable' })
  })

  it('is removed by its own process and by no other', async () => {
    await writeRunFile(folder, { url: 'http://127.0.0.1:3000', pid: process.pid, key })
    await removeRunFile(folder, process.pid + 1)
    expect((await readRunFile(folder)).kind).toBe('running')
    await removeRunFile(folder, process.pid)
    expect((await readRunFile(folder)).kind).toBe('absent')
  })
})
