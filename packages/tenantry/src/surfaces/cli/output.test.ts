import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { CliIo } from './io.ts'
import { fieldLines, outputTo, tableLines } from './output.ts'

interface Surroundings {
  readonly env?: Record<string, string>
  readonly terminal?: boolean
}

function printed(print: (output: ReturnType<typeof outputTo>) => void, { env = {}, terminal = false }: Surroundings) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const isTTY = { stdin: terminal, stdout: terminal, stderr: terminal }
  const io: CliIo = { stdin: new PassThrough(), stdout, stderr, env, cwd: '/', isTTY, signals: process }
  print(outputTo(io))
  return String(stdout.read() ?? '')
}

const green = (surroundings: Surroundings) => printed((out) => out.line(out.style('green', 'yes')), surroundings)

describe('output', () => {
  it('has colours on a terminal and nowhere else', () => {
    expect(green({ terminal: true })).toBe('\u001b[32myes\u001b[39m\n')
    expect(green({})).toBe('yes\n')
  })

  it('has no colours with NO_COLOR or on a dumb terminal', () => {
    expect(green({ terminal: true, env: { NO_COLOR: '1' } })).toBe('yes\n')
    expect(green({ terminal: true, env: { TERM: 'dumb' } })).toBe('yes\n')
  })

  it('gives a program JSON on one line, and a person JSON that cannot steer the terminal', () => {
    const body = { name: 'a\u009b2J' }
    expect(printed((out) => out.json(body), {})).toBe(`${JSON.stringify(body)}\n`)
    const read = printed((out) => out.json(body), { terminal: true })
    expect(read).toContain('\\u009b')
    expect(JSON.parse(read)).toEqual(body)
  })

  it('lays a table out with titles, a rule and columns that line up', () => {
    const columns = [
      { title: 'NAME', width: 6 },
      { title: 'N', align: 'right' as const },
    ]
    expect(
      tableLines(columns, [
        ['株式', '1'],
        ['b\u0007\nc', '10'],
      ]),
    ).toEqual(['NAME    N', '─────────', '株式    1', 'b c    10'])
  })

  it('puts the values of fields below each other', () => {
    expect(
      fieldLines([
        ['ID', '1'],
        ['Status', 'active'],
      ]),
    ).toEqual(['  ID:     1', '  Status: active'])
  })
})
