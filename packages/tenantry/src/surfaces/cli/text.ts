// Makes text from the outside fit for a terminal: nothing that moves the cursor, known width, cut where it must be.
import { stripVTControlCharacters } from 'node:util'

// C0 and C1 controls, and the marks that turn the direction of the text around them.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g
const BREAKS = /[\n\r\t\u2028\u2029]+/g
const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u
const segments = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** One line of printable text: escape sequences and control characters are gone, line breaks are spaces. */
export function plain(text: string): string {
  return stripVTControlCharacters(text).replace(BREAKS, ' ').replace(CONTROLS, '')
}

/** Columns the text takes on a terminal: East Asian wide characters and emoji take two, combining marks none. */
export function displayWidth(text: string): number {
  let width = 0
  for (const { segment } of segments.segment(text)) width += segmentWidth(segment)
  return width
}

function segmentWidth(segment: string): number {
  if (/^[\p{M}\u200b-\u200d\ufeff]+$/u.test(segment)) return 0
  return WIDE.test(segment) ? 2 : 1
}

/** The text cut to so many columns, ended with … where it was longer. */
export function fit(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text
  let kept = ''
  let width = 1
  for (const { segment } of segments.segment(text)) {
    width += segmentWidth(segment)
    if (width > columns) break
    kept += segment
  }
  return `${kept}…`
}

/** The text filled up with spaces to so many columns; longer text stays as it is. */
export function pad(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const gap = ' '.repeat(Math.max(0, columns - displayWidth(text)))
  return align === 'left' ? text + gap : gap + text
}
