// What `import 'tenantry/lint'` offers.
export { type LintFinding, lintFolder, lintMigrations, type LintOptions, type LintReport } from './lint-folder.ts'
export type { RuleName, Severity } from './rules.ts'
