// Takes out what the author has answered for: a comment `tenantry-lint-ok: <reason>` covers its line and the next.
import type { Comment, Remark } from './rules.ts'

const MARK = /^[\s*]*tenantry-lint-ok\b(?:\s*:\s*([^]*))?/

/** The remarks that no comment answers for, and what is wrong with the comments themselves. */
export function withoutSuppressed(remarks: readonly Remark[], comments: readonly Comment[]): readonly Remark[] {
  const marks = comments.flatMap((comment) => {
    const mark = MARK.exec(comment.text)
    return mark === null ? [] : [{ ...comment, reason: (mark[1] ?? '').trim(), isUsed: false }]
  })
  const kept = remarks.filter(({ line }) => {
    const covering = marks.filter((mark) => mark.reason !== '' && (mark.line === line || mark.line === line - 1))
    for (const mark of covering) mark.isUsed = true
    return covering.length === 0
  })
  const faults = marks.flatMap(({ reason, isUsed, line, column }): Remark[] => {
    if (reason === '') {
      const message = 'A finding is suppressed without a reason, so it still counts.'
      return [{ rule: 'suppression-without-reason', message, line, column }]
    }
    return isUsed ? [] : [{ rule: 'unused-suppression', message: 'A comment suppresses nothing.', line, column }]
  })
  return [...kept, ...faults]
}
