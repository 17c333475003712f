// What verify finds: a list of claims, each held or not. `name`, `ok`, `subject` and `fix` are the published shape; the
// rest is for reading.

/** One claim about the isolation of this database. */
export interface VerifyCheck {
  /** What was claimed, the same in every run. */
  readonly name: string
  readonly ok: boolean
  /** The table, view, function, role or setting it is about. */
  readonly subject?: string
  /** SQL, or one sentence, that mends it. Only where it is not ok. */
  readonly fix?: string
  /** Why a probe could not run. It proves nothing then, so `ok` is false unless the run allows it. */
  readonly skipped?: string
  /** The attacks behind one claim about a table. */
  readonly ran?: readonly string[]
}
