// Each protection that the catalogue's half of `verify` looks at, and the SQL that takes it away.
import { codeMutations } from './mutations/code.ts'
import type { Mutation } from './mutations/mutation.ts'
import { rightsMutations } from './mutations/rights.ts'
import { tablesMutations } from './mutations/tables.ts'

export const catalogueMutations: readonly Mutation[] = [...tablesMutations, ...rightsMutations, ...codeMutations]
