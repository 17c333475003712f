// Cuts SQL text into statements at the semicolons that are not inside a string, an identifier, a dollar-quoted body
// or a comment. It only finds the ends; what a statement may do is not decided here.

export interface SplitSql {
  readonly statements: readonly string[]
  /** What follows the last semicolon; blank where nothing is left open. */
  readonly rest: string
}

// Alternatives in the order they are tried at each position. The open forms (no end yet) run to the end of the text.
const TOKEN = new RegExp(
  [
    String.raw`--[^\n]*`,
    String.raw`[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)`,
    String.raw`'(?:[^']|'')*(?:'|$)`,
    String.raw`"(?:[^"]|"")*(?:"|$)`,
    String.raw`[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*`,
    String.raw`\$(?<tag>(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?)\$[\s\S]*?(?:\$\k<tag>\$|$(?![\s\S]))`,
    String.raw`;`,
    String.raw`\/\*`,
    String.raw`[\s\S]`,
  ].join('|'),
  'y',
)

/** The complete statements of a text, without their semicolons, and what is left after them. */
export function splitSql(text: string): SplitSql {
  const statements: string[] = []
  let start = 0
  let at = 0
  while (at < text.length) {
    const end = tokenEnd(text, at)
    if (text[at] === ';') {
      statements.push(text.slice(start, at).trim())
      start = end
    }
    at = end
  }
  return { statements: statements.filter((one) => !isBlankSql(one)), rest: text.slice(start) }
}

function tokenEnd(text: string, at: number): number {
  if (text.startsWith('/*', at)) return commentEnd(text, at)
  TOKEN.lastIndex = at
  return at + (TOKEN.exec(text)?.[0].length ?? 1)
}

// PostgreSQL's block comments nest.
function commentEnd(text: string, at: number): number {
  const mark = /\/\*|\*\//g
  mark.lastIndex = at
  let depth = 0
  for (let match = mark.exec(text); match !== null; match = mark.exec(text)) {
    depth += match[0] === '/*' ? 1 : -1
    if (depth === 0) return mark.lastIndex
  }
  return text.length
}

/** Whether a text holds nothing but white space and comments. */
export function isBlankSql(text: string): boolean {
  for (let at = 0; at < text.length; at = tokenEnd(text, at)) {
    const comment = text.startsWith('--', at) || text.startsWith('/*', at)
    if (!comment && !/\s/.test(text.charAt(at))) return false
  }
  return true
}
