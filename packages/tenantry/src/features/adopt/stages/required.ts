// The stage `required`: NOT NULL by way of a check that is validated while the application goes on writing.
import { sqlStateOf } from '../../../engine/sql/database-errors.ts'
import { TenantryError } from '../../../kernel/errors.ts'
import type { PlanFacts, Stage } from './context.ts'
import type { Step } from './step.ts'

const CHECK = 'tenantry_adopt_required'

export const requiredStage: Stage = {
  stage: 'required',
  steps: (facts) => Promise.resolve(facts.tables.flatMap(({ table }) => stepsOf(facts, table))),
}

function stepsOf({ factsOf }: PlanFacts, table: string): readonly Step[] {
  const name = table
  const { partitioned, leaves } = factsOf(table)
  const step = (statement: string, undo: readonly string[] = []): Step => ({
    subject: table,
    statements: [statement],
    undo,
  })
  const dropped = `alter table ${name} drop constraint if exists ${CHECK}`
  return [
    step(`alter table ${name} add constraint ${CHECK} check (tenant_id is not null) not valid`, [dropped]),
    // Each partition by itself: validating the parent would hold all of them at once.
    ...(partitioned ? leaves.map((leaf) => step(`alter table ${leaf.name} validate constraint ${CHECK}`)) : []),
    step(`alter table ${name} validate constraint ${CHECK}`),
    {
      subject: table,
      // With a valid check there is nothing to look at.
      statements: [
        `alter table ${name} alter column tenant_id set not null`,
        `alter table ${name} drop constraint ${CHECK}`,
      ],
      undo: [`alter table ${name} alter column tenant_id drop not null`],
    },
  ]
}

const CHECK_VIOLATION = '23514'

/** What a failed validation means: rows came meanwhile that have no way to a tenant. Otherwise unchanged. */
export function explainRequired(error: unknown, table: string): unknown {
  if (sqlStateOf(error) !== CHECK_VIOLATION) return error
  return new TenantryError('ADOPT_ORPHANS', `${table} has rows without a tenant, written since the backfill.`, {
    sqlState: CHECK_VIOLATION,
    cause: error,
  })
}
