// Two copies of pg in one application.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { warnOfTwoCopies } from '../../src/composition/pg-copies.ts'
import { jsonLogger } from '../../src/kernel/logger.ts'

const warnings = (folder: string) => {
  const lines: string[] = []
  warnOfTwoCopies(
    jsonLogger((line) => lines.push(line)),
    folder,
  )
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

test('a second copy of pg is named at start, with what to do', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tenantry-copies-'))
  try {
    await mkdir(join(folder, 'node_modules/pg'), { recursive: true })
    await writeFile(join(folder, 'node_modules/pg/package.json'), '{ "name": "pg", "version": "8.11.0" }')
    expect(warnings(folder)).toMatchObject([
      { level: 'warn', application: '8.11.0', fix: expect.stringContaining('npm') as string },
    ])
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('one copy, or none in the folder, is no news', () => {
  expect(warnings(process.cwd())).toEqual([])
  expect(warnings('/')).toEqual([])
})
