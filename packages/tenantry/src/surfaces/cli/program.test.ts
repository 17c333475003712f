import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { inputOf } from './command.ts'
import { commands } from './commands.ts'
import { parseCommandLine } from './program.ts'

function parse(...argv: string[]) {
  const stdout = new PassThrough()
  const io = { stdout, isTTY: { stdin: false, stdout: false, stderr: false } }
  const call = parseCommandLine(argv, { version: '1.2.3', io, specs: commands })
  return { call, printed: String(stdout.read() ?? '') }
}

/** The words of a line as a POSIX shell would cut it, for lines with plain quotes. */
const shellWords = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => double ?? single ?? bare ?? '')

describe('the command line', () => {
  it.each(commands.map((spec) => [spec.name, spec] as const))('understands every example of %s', (name, spec) => {
    expect(spec.examples.length).toBeGreaterThanOrEqual(2)
    for (const { line } of spec.examples) expect(parse(...shellWords(line)).call?.spec.name).toBe(name)
  })

  it.each(commands.map(({ name, summary }) => [name, summary] as const))(
    'explains %s in one sentence',
    (name, summary) => {
      expect(summary).toMatch(/^[A-Z][^\n]*\.$/)
      const { printed, call } = parse('help', name)
      expect(call).toBeUndefined()
      for (const part of ['Usage: tenantry', 'Examples:', 'Exit codes:', '--json']) expect(printed).toContain(part)
      expect(parse(name, '--help').printed).toBe(printed)
    },
  )

  it('shows grouped help when it is called with nothing', () => {
    const { printed } = parse()
    for (const part of ['Start:', 'Tenants:', 'Lifecycle:', 'Data:', 'tenantry dev']) expect(printed).toContain(part)
  })

  it('prints the version', () => {
    expect(parse('--version').printed).toBe('1.2.3\n')
  })

  it('suggests the command that was meant', () => {
    expect(() => parse('creat')).toThrow(expect.objectContaining({ code: 'USAGE', fix: 'Did you mean create?' }))
    expect(() => parse('list', '--stauts', 'active')).toThrow(
      expect.objectContaining({ code: 'USAGE', fix: 'Did you mean --status?' }),
    )
  })

  it('refuses unknown options, missing and surplus words, and values that are no choice', () => {
    expect(() => parse('migrate')).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: 'migrate needs an action.',
        fix: expect.stringContaining('status, up, retry') as string,
      }),
    )
    const wrong = [['list', '--nope'], ['create'], ['show', 'a', 'b'], ['list', '--status', 'gone'], ['show', '-x']]
    for (const argv of wrong) expect(() => parse(...argv)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })

  it('takes the options of every command before and after its name', () => {
    for (const argv of [
      ['--json', 'list'],
      ['list', '--json'],
    ])
      expect(parse(...argv).call?.options).toMatchObject({ json: true })
  })
})

describe('the words of a command', () => {
  it('are numbers within their range only', () => {
    const range = { least: 1, most: 100 }
    expect(inputOf([], { limit: '20' }).integer('limit', range)).toBe(20)
    for (const limit of ['0', '101', '-1', '1.5', '1e1', ' 5', '', 'x']) {
      expect(() => inputOf([], { limit }).integer('limit', range)).toThrow(
        expect.objectContaining({ code: 'INVALID_INPUT', field: 'limit' }),
      )
    }
  })

  it('are JSON objects only, and a wrong one is not repeated in the error', () => {
    expect(inputOf([], { settings: '{"a":1}' }).jsonObject('settings')).toEqual({ a: 1 })
    for (const settings of ['{secret', '[1]', '"x"', 'null', '1']) {
      const read = (): unknown => inputOf([], { settings }).jsonObject('settings')
      expect(read).toThrow(expect.objectContaining({ code: 'INVALID_JSON' }))
      expect(read).not.toThrow('secret')
    }
  })

  it('tell a value, a cleared one and none apart', () => {
    expect(inputOf([], { plan: 'pro' }).clearable('plan')).toBe('pro')
    expect(inputOf([], { plan: false }).clearable('plan')).toBeNull()
    expect(inputOf([], {}).clearable('plan')).toBeUndefined()
  })
})
