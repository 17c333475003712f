// One protection that the catalogue's half of `verify` looks at, and the SQL that takes it away.

export interface Mutation {
  readonly check: string
  readonly what: string
  readonly sql: string
  readonly subject: string
  readonly severity?: 'warning'
  /** Other checks that see the same thing. */
  readonly also?: readonly string[]
  /** The fix is a sentence. */
  readonly remains?: boolean
  /** First major version that has it. */
  readonly since?: number
}
