// Lints the SQL files of a folder together: a table made in one file may be completed in another. A rule is a function
// from all files to remarks; another family of rules is another entry in this list.
import { codeRemarks } from './code-rules.ts'
import type { FileRemark, SqlFile } from './sql-file.ts'
import { type ReachOptions, statementRemarks } from './statement-rules.ts'
import { tableRemarks } from './table-rules.ts'

const families: readonly ((files: readonly SqlFile[], options: ReachOptions) => readonly FileRemark[])[] = [
  tableRemarks,
  codeRemarks,
  statementRemarks,
]

/** What the rules say of these files, which are given in the order in which they run. */
export function lintSql(files: readonly SqlFile[], options: ReachOptions = {}): readonly FileRemark[] {
  return families.flatMap((remarksOf) => remarksOf(files, options))
}
