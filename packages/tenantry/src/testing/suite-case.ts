/** One test of a published suite, for any test framework. */
export interface SuiteCase {
  readonly name: string
  readonly run: () => Promise<void>
}
