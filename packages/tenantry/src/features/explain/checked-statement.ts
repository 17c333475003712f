// What may be explained: one statement that reads or writes rows. Pure.
import { readStatement } from '../../engine/sql/statement.ts'
import { TenantryError } from '../../kernel/errors.ts'

const EXPLAINABLE = new Set(['select', 'insert', 'update', 'delete', 'merge', 'values', 'table', 'with'])

/** Throws STATEMENT_REFUSED for anything but a statement on rows: EXPLAIN would run nothing else, or refuse it late. */
export function refuseUnexplainable(text: string): void {
  const { keyword } = readStatement(text)
  if (EXPLAINABLE.has(keyword) || (keyword === '' && text.trimStart().startsWith('('))) return
  const fix =
    keyword === 'explain'
      ? 'Leave EXPLAIN out; give the statement alone.'
      : 'Explain one SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES or WITH statement.'
  throw new TenantryError('STATEMENT_REFUSED', 'Only a statement that reads or writes rows can be explained.', { fix })
}

// Strings, quoted names, dollar quotes and comments, in which a dollar sign is no parameter.
const QUOTED = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\//g

/** How many parameters the text asks for. */
export function countParameters(text: string): number {
  const numbers = [...text.replace(QUOTED, ' ').matchAll(/\$(\d{1,5})\b/g)].map(([, digits]) => Number(digits))
  return Math.max(0, ...numbers)
}
