// All rules over the base, in the order in which they are examined and in which their fixes can run.
import type { CatalogueRule } from './catalogue-rule.ts'
import { controlPlaneRules } from './rules/control-plane-rules.ts'
import { coverageRules } from './rules/coverage-rules.ts'
import { driftRules } from './rules/drift-rules.ts'
import { functionRules } from './rules/function-rules.ts'
import { grantRules } from './rules/grant-rules.ts'
import { indexRules } from './rules/index-rules.ts'
import { keyRules } from './rules/key-rules.ts'
import { policyRules } from './rules/policy-rules.ts'
import { roleRules } from './rules/role-rules.ts'

// First what closes a door for everyone, then what each table needs: its column before the policy that reads it.
export const catalogueRules: readonly CatalogueRule[] = [
  ...roleRules,
  ...controlPlaneRules,
  ...grantRules,
  ...functionRules,
  ...keyRules,
  ...policyRules,
  ...coverageRules,
  ...driftRules,
  ...indexRules,
]
