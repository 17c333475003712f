// protect: brings a shared table into the form in which the database keeps its tenants apart.
import type { CommandRun, CommandSpec } from '../command.ts'
import type { ProtectResult } from '../composition.ts'
import { requireAdminUrl } from '../target.ts'
import { plain } from '../text.ts'

export const protectCommand: CommandSpec = {
  name: 'protect',
  group: 'Data:',
  summary: 'Put a shared table under row-level security, so that each tenant sees its own rows.',
  notes: [
    'Adds tenant_id, its index and the policies. A table with rows needs --tenant, or a tenant_id column that is filled.',
    'Protecting a protected table changes nothing.',
  ],
  arguments: [['<table>', 'table, or schema.table']],
  options: [
    { flags: '--tenant <tenant>', description: 'slug or id of the tenant that owns the rows that are there' },
    { flags: '--dry-run', description: 'print the statements and run none' },
  ],
  examples: [
    { line: 'protect invoices --dry-run', explains: 'see what it would do' },
    { line: 'protect invoices', explains: 'an empty table' },
    { line: 'protect billing.invoices --tenant acme', explains: 'a table whose rows all belong to acme' },
  ],
  exits: {
    3: 'no such table or tenant',
    4: 'the table has rows, or another owner',
    5: 'the database cannot be reached',
  },
  environment: [['DATABASE_ADMIN_URL', 'login that owns the table']],
  async run(run) {
    const tenantry = await run.composition.createTenantry({ adminUrl: requireAdminUrl(run.target, 'protect') })
    try {
      const tenant = run.input.text('tenant')
      const options = { dryRun: run.input.flag('dryRun'), ...(tenant !== undefined && { tenant }) }
      const result = await tenantry.protect(run.input.argument(0) ?? '', options)
      if (run.json) run.output.json(result)
      else printProtected(run, result)
      return undefined
    } finally {
      await tenantry.close()
    }
  },
}

function printProtected({ output, input }: CommandRun, result: ProtectResult): void {
  const table = plain(result.table)
  if (!result.changed && result.statements.length === 0) {
    output.line(`${table} is protected already; nothing to do.`)
    return
  }
  if (input.flag('dryRun')) {
    for (const statement of result.statements) output.line(`${statement.replace(/;?\s*$/, '')};`)
    output.note('Nothing was run.')
    return
  }
  const rows = result.rows === undefined ? '' : ` (${result.rows} rows given to the tenant)`
  output.line(output.style('green', `✓ Table protected: ${table}${rows}`))
}
