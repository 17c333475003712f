// What the command line prints: lines, aligned blocks, tables and colours, and one JSON document with --json.
import type { Writable } from 'node:stream'
import { styleText } from 'node:util'
import type { CliIo } from './io.ts'
import { displayWidth, fit, pad, plain } from './text.ts'

type Style = 'red' | 'green' | 'yellow' | 'dim' | 'bold'

export interface Column {
  readonly title: string
  /** Least width; a longer value widens the column. */
  readonly width?: number
  /** A longer value is cut to this. */
  readonly cut?: number
  readonly align?: 'left' | 'right'
}

export interface Output {
  line(text?: string): void
  /** Goes to standard error, for what is not the answer. */
  note(text: string): void
  json(body: unknown): void
  /** Coloured on a terminal without NO_COLOR, plain otherwise. */
  style(style: Style, text: string): string
  clearScreen(): void
}

/** The output of a run. Text that comes from outside must pass through `plain` before it is given to it. */
export function outputTo(io: CliIo): Output {
  const colours = io.isTTY.stdout && !io.env['NO_COLOR'] && io.env['TERM'] !== 'dumb'
  return {
    line: (text = '') => write(io.stdout, `${text}\n`),
    note: (text) => write(io.stderr, `${text}\n`),
    json: (body) => write(io.stdout, `${jsonText(body, io.isTTY.stdout)}\n`),
    style: (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text),
    clearScreen: () => write(io.stdout, '\u001b[2J\u001b[3J\u001b[H'),
  }
}

function write(stream: Writable, text: string): void {
  stream.write(text)
}

// A person reads indented JSON, in which nothing can steer the terminal; a program gets the body as HTTP sends it.
function jsonText(body: unknown, isTerminal: boolean): string {
  if (!isTerminal) return JSON.stringify(body)
  return JSON.stringify(body, null, 2).replace(
    /[\u007f-\u009f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g,
    unicodeEscape,
  )
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Lines of a table: titles, a rule, the rows. Every value is made printable. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const cells = rows.map((row) => columns.map((column, i) => cell(column, row[i] ?? '')))
  const widths = columns.map((column, i) =>
    Math.max(displayWidth(column.title), column.width ?? 0, ...cells.map((row) => displayWidth(row[i] ?? ''))),
  )
  const lay = (row: readonly string[]): string =>
    columns.map((column, i) => pad(row[i] ?? '', widths[i] ?? 0, column.align)).join(' ')
  const rule = '─'.repeat(widths.reduce((sum, width) => sum + width + 1, -1))
  const titles = lay(columns.map((column) => plain(column.title)))
  return [titles.trimEnd(), rule, ...cells.map((row) => lay(row).trimEnd())]
}

function cell(column: Column, value: string): string {
  const printable = plain(value)
  return column.cut === undefined ? printable : fit(printable, column.cut)
}

/** Lines of `label: value` with the values below each other. */
export function fieldLines(fields: readonly (readonly [label: string, value: string])[]): string[] {
  const width = Math.max(...fields.map(([label]) => displayWidth(label))) + 1
  return fields.map(([label, value]) => `  ${pad(`${label}:`, width)} ${plain(value)}`.trimEnd())
}
