// What is said of a statement to others than the caller: its text without what could be somebody's data. Pure.

// Comments and strings of every form; a name in double quotes stays. An E string ends at a quote that has no backslash
// before it, all others at the first quote that is not doubled. What has no end reaches to the end of the text.
const CUT =
  /(?<comment>--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|(?<name>"(?:[^"]|"")*(?:"|$))|\b[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|(?:\b[bBxXnN]|\b[uU]&)?'(?:[^']|'')*(?:'|$)|\$(?<tag>[A-Za-z_\u0080-\uffff]?[\w\u0080-\uffff]*)\$[\s\S]*?(?:\$\k<tag>\$|$)|(?<![\w$.])\d[\w.]*/g

const LONGEST = 4_000

/** The statement with `?` for every literal, and without comments, for the audit log. */
export function withoutLiterals(sql: string): string {
  const cut = sql.replace(CUT, (found, ...rest) => {
    const groups = rest.at(-1) as { comment?: string; name?: string }
    if (groups.comment !== undefined) return ' '
    return groups.name === undefined ? '?' : found
  })
  return cut.replace(/\s+/g, ' ').trim().slice(0, LONGEST)
}
