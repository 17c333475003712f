// Help that teaches: every command shows what to type, what comes back and what it looks at.
import type { CommandSpec } from './command.ts'

const EVERYWHERE = { 0: 'done', 2: 'wrong input, or not confirmed' }

export const targetHelp = `
Which instance a command talks to, first match:
  1. --url and --key, or TENANTRY_URL and TENANTRY_KEY: that server, over HTTP
  2. DATABASE_ADMIN_URL: that database
  3. the dev server running on this data folder (TENANTRY_DATA_DIR, default .tenantry)

Output: text for people; with --json the body of the HTTP API on standard output, and a failure as its problem
document there. NO_COLOR turns colours off. TENANTRY_DEBUG=1 adds the stack of an error.

Exit codes: 0 done, 1 failed, 2 wrong input, 3 not found, 4 refused by state or rights, 5 environment, 130 interrupted.

Start here:
  tenantry dev                       a server with a PostgreSQL of its own
  tenantry create "Acme Corp"        in a second terminal
  tenantry help create               what a command can do`

/** What follows the options in the help of a command. */
export function helpAfter(spec: CommandSpec): string {
  const parts = [
    section('', spec.notes ?? []),
    section('Examples:', exampleLines(spec)),
    section('Environment:', pairs(spec.environment ?? [])),
    section('Exit codes:', pairs(Object.entries({ ...EVERYWHERE, ...spec.exits }))),
  ]
  return parts.filter((part) => part !== '').join('\n')
}

function exampleLines(spec: CommandSpec): string[] {
  return spec.examples.flatMap(({ line, explains }) => [`  # ${explains}`, `  tenantry ${line}`])
}

function pairs(entries: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...entries.map(([name]) => name.length))
  return entries.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)
}

function section(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return ''
  return `\n${[...(title === '' ? [] : [title]), ...lines].join('\n')}`
}
