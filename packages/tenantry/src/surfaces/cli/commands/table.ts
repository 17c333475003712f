// protect: brings a shared table into the form in which the database keeps its tenants apart, or says that all tenants
// are to share it.
import { TenantryError } from '../../../kernel/errors.ts'
import type { CommandRun, CommandSpec } from '../command.ts'
import type { CliTenantry, GlobalTable, ProtectResult } from '../composition.ts'
import { requireAdminUrl } from '../target.ts'
import { plain } from '../text.ts'

export const protectCommand: CommandSpec = {
  name: 'protect',
  group: 'Data:',
  summary: 'Put a shared table under row-level security, so that each tenant sees its own rows.',
  notes: [
    'Adds tenant_id, its index and the policies. A table with rows needs --tenant, or a tenant_id column that is filled.',
    'Protecting a protected table changes nothing.',
    'With --global it protects nothing: it lists the table as shared on purpose, so that verify does not report it.',
  ],
  arguments: [['<table>', 'table, or schema.table']],
  options: [
    { flags: '--tenant <tenant>', description: 'slug or id of the tenant that owns the rows that are there' },
    { flags: '--dry-run', description: 'print the statements and run none' },
    { flags: '--global <reason>', description: 'list it instead as shared by all tenants on purpose' },
    { flags: '--not-global', description: 'take it off that list' },
  ],
  examples: [
    { line: 'protect invoices --dry-run', explains: 'see what it would do' },
    { line: 'protect invoices', explains: 'an empty table' },
    { line: 'protect billing.invoices --tenant acme', explains: 'a table whose rows all belong to acme' },
    { line: 'protect countries --global "the same for everyone"', explains: 'a table without tenants' },
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
      const listed = await listGlobal(run, tenantry)
      if (listed !== undefined) {
        if (run.json) run.output.json(listed)
        else printListed(run, listed)
        return undefined
      }
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

/** What --global or --not-global did; undefined where neither was given. */
async function listGlobal({ input }: CommandRun, tenantry: CliTenantry): Promise<GlobalTable | undefined> {
  const reason = input.text('global')
  const isTakenOff = input.flag('notGlobal')
  if (reason === undefined && !isTakenOff) return undefined
  const isMixed = reason !== undefined && isTakenOff
  if (isMixed || input.text('tenant') !== undefined || input.flag('dryRun')) {
    throw new TenantryError(
      'USAGE',
      '--global and --not-global stand alone, without each other, --tenant or --dry-run.',
    )
  }
  const table = input.argument(0) ?? ''
  return reason === undefined ? tenantry.unmarkGlobal(table) : tenantry.markGlobal(table, reason)
}

function printListed({ output, input }: CommandRun, { table, changed }: GlobalTable): void {
  const state = input.flag('notGlobal') ? 'not listed as global' : 'listed as global'
  const name = plain(table)
  output.line(changed ? output.style('green', `✓ ${name} is now ${state}.`) : `${name} was ${state} already.`)
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
