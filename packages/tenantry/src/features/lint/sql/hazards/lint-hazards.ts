// Judges how migrations run over a fleet that is in use: each file on its own, after those before it.
import type { FileRemark, SqlFile } from '../sql-file.ts'
import { alterTableHazards } from './alter-table.ts'
import type { Judge, Surroundings } from './hazard.ts'
import { HeldLocks } from './held-locks.ts'
import { indexHazards } from './indexes.ts'
import { KnownTables } from './known-tables.ts'
import { tableHazards } from './tables.ts'
import { tenantSetHazards } from './tenant-sets.ts'

export interface HazardOptions {
  /** The oldest PostgreSQL that the migrations run on. Default: 15. */
  readonly postgres?: number
}

const judges: readonly Judge[] = [alterTableHazards, indexHazards, tableHazards, tenantSetHazards]

/** What is dangerous about running these files, which are given in the order in which they run. */
export function lintHazards(files: readonly SqlFile[], { postgres = 15 }: HazardOptions = {}): readonly FileRemark[] {
  // Tables of the same name in both sets are different ones.
  const known = { shared: new KnownTables(), tenant: new KnownTables() }
  return files.flatMap((file) => fileHazards(file, known[file.kind], postgres))
}

function fileHazards(file: SqlFile, tables: KnownTables, postgres: number): readonly FileRemark[] {
  const { path, kind, statements } = file
  const around: Surroundings = {
    ...{ path, kind, postgres, isTransaction: !hasDirective(file) },
    table: (relation) => tables.table(relation),
    isNew: (relation) => relation !== undefined && tables.table(relation).madeIn === path,
    isNewIndex: (name) => tables.indexMadeIn(name) === path,
    isSteady: (name) => tables.isSteady(name),
  }
  const locks = new HeldLocks()
  return statements.flatMap((statement) => {
    const found = [...judges.flatMap((judge) => judge(statement, around)), ...locks.judge(statement, around)]
    tables.learn(statement, path)
    return found.map(({ place, ...hazard }) => ({ ...hazard, ...place, path }))
  })
}

/** Whether it stands above the first statement, where the runner looks for it. */
function hasDirective({ statements: [first] }: SqlFile): boolean {
  if (first === undefined) return false
  const { line, column } = first.place
  return first.comments.some(
    (comment) =>
      /^\s*tenantry:\s*no-transaction\s*$/.test(comment.text) &&
      (comment.line < line || (comment.line === line && comment.column < column)),
  )
}
