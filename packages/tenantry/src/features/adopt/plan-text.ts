// What the comments of a plan file say, for people. Pure.
import { counted } from './decide-notes.ts'
import { pathText } from './decide-reasons.ts'
import type { AdoptPlan, AdoptRoot } from './plan.ts'

export interface PlanComments {
  readonly head: string
  readonly tables: readonly { readonly table: string; readonly comment: string }[]
}

/** A sentence on where tenants come from. */
export function rootText(root: AdoptRoot): string {
  if (root.kind === 'default') return `everything belongs to one tenant, ${root.slug}`
  if (root.kind === 'column') return `the column ${root.column} names the tenant`
  return `each row of ${root.table} is a tenant, known by ${root.key}`
}

/** The comments before the plan and before each of its tables. */
export function planComments(plan: AdoptPlan): PlanComments {
  const open = plan.tables.filter(({ decision }) => decision === 'undecided').length
  const head = [
    `A plan that makes ${plan.schema} multi-tenant: ${rootText(plan.root)}.`,
    'decision is tenant, global (all tenants share the table) or undecided. path says how a row finds its tenant: through',
    'these columns to a row of that table, and so on. orphans is the slug of the tenant that gets rows without one.',
    'keys says what becomes of foreign keys: composite (the tenant goes in), kept, or dropped.',
    open === 0
      ? 'Nothing is open. Next: tenantry adopt apply'
      : `${open} of the tables are open: look for "undecided".`,
  ]
  return {
    head: head.join('\n'),
    tables: plan.tables.map((table) => {
      const question = plan.questions.find((each) => each.table === table.table)
      const lines = [
        `${table.table}: ${counted(table.rows, 'row')}. ${table.reason}`,
        ...table.notes.map((note) => `- ${note}`),
        ...(question === undefined
          ? []
          : [
              question.question,
              ...question.choices.map(({ decision, path, label }) => {
                return `  * ${decision}${path.length === 0 ? '' : ` by ${pathText(path)}`}: ${label}`
              }),
            ]),
      ]
      return { table: table.table, comment: lines.join('\n') }
    }),
  }
}
