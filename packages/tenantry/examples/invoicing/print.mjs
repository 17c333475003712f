// How the demo prints: plain lines, with colours on a terminal only.
import { styleText } from 'node:util'

const colours = process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === ''

const styled = (style) => (text) => (colours ? styleText(style, text) : text)

export const bold = styled('bold')
export const dim = styled('dim')
export const green = styled('green')
export const red = styled('red')

export function say(line = '') {
  process.stdout.write(`${line}\n`)
}

export function heading(text) {
  say(`\n${bold(text)}`)
}

/** Rows as aligned columns; those of numbers to the right. */
export function table(rows, columns) {
  const widths = columns.map((column) => Math.max(...[column, ...rows.map((row) => String(row[column]))].map(length)))
  const line = (cells) =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(widths[index]) : cell.padStart(widths[index]))).join('  ')
  say(dim(`    ${line(columns)}`))
  for (const row of rows) say(`    ${line(columns.map((column) => String(row[column])))}`)
}

/** One labelled block, its continuation lines under the first. */
export function labelled(label, text) {
  say(`    ${dim(label.padEnd(9))} ${text.replaceAll(/\n\s*/g, `\n${' '.repeat(14)}`)}`)
}

const length = (text) => text.length
