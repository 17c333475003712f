// external: lets PostgREST and Hasura at protected tables, by claims that they set and nobody signs.
import { TenantryError } from '../../../kernel/errors.ts'
import type { CommandRun, CommandSpec } from '../command.ts'
import type { CliTenantry, ExternalTable } from '../composition.ts'
import { tableLines } from '../output.ts'
import { requireAdminUrl } from '../target.ts'
import { plain } from '../text.ts'

export const externalCommand: CommandSpec = {
  name: 'external',
  group: 'Data:',
  summary: 'Let PostgREST or Hasura at a protected table, by the claims that they set.',
  notes: [
    'These claims are not signed: whoever can run SQL as the gateway’s role can be any tenant. The role is the gateway’s',
    'alone, and the application’s login cannot become it. docs/external-access.md',
  ],
  arguments: [
    ['<action>', 'allow, revoke or list'],
    ['[gateway]', 'postgrest or hasura'],
    ['[table]', 'table, or schema.table'],
  ],
  options: [
    { flags: '--claim <keys>', description: 'where the tenant’s id stands in the claims, as app_metadata.tenant_id' },
  ],
  examples: [
    { line: 'external allow postgrest invoices', explains: 'reads tenant_id of request.jwt.claims' },
    { line: 'external allow hasura invoices --claim x-hasura-tenant-id', explains: 'reads it of hasura.user' },
    { line: 'external revoke postgrest invoices', explains: 'takes it back' },
    { line: 'external list', explains: 'who may reach what' },
  ],
  exits: {
    3: 'no such table',
    4: 'the table is not protected, or a role of the name is not ours',
    5: 'the database cannot be reached',
  },
  environment: [['DATABASE_ADMIN_URL', 'login that owns the tables']],
  async run(run) {
    const action = actions[run.input.argument(0) ?? '']
    if (action === undefined) throw new TenantryError('USAGE', 'external does one of allow, revoke and list.')
    const tenantry = await run.composition.createTenantry({ adminUrl: requireAdminUrl(run.target, 'external') })
    try {
      await action(run, tenantry.externalAccess)
      return undefined
    } finally {
      await tenantry.close()
    }
  },
}

type Access = CliTenantry['externalAccess']

const actions: Readonly<Partial<Record<string, (run: CommandRun, access: Access) => Promise<void>>>> = {
  async allow(run, access) {
    const { gateway, table } = named(run)
    const claim = run.input.text('claim')
    const allowed = await access.allow(gateway, table, { actor: 'cli', ...(claim !== undefined && { claim }) })
    if (run.json) return run.output.json(allowed)
    run.output.line(
      run.output.style(
        'green',
        `✓ ${plain(allowed.table)} is open to ${gateway}, claim ${plain(allowed.claim.join('.'))}`,
      ),
    )
    run.output.line(`  Its login has to be a member of ${allowed.role}, and of nothing that has more.`)
  },
  async revoke(run, access) {
    const { gateway, table } = named(run)
    const result = await access.revoke(gateway, table, { actor: 'cli' })
    if (run.json) return run.output.json(result)
    run.output.line(run.output.style('green', `✓ ${plain(table)} is closed to ${gateway}`))
  },
  async list(run, access) {
    const tables = await access.list()
    if (run.json) return run.output.json({ items: tables })
    for (const line of tableLines(columns, tables.map(rowOf))) run.output.line(line)
  },
}

const columns = [{ title: 'Gateway' }, { title: 'Table' }, { title: 'Claim' }, { title: 'Role' }]
const rowOf = ({ gateway, table, claim, role }: ExternalTable): string[] => [gateway, table, claim.join('.'), role]

function named({ input }: CommandRun): { gateway: ExternalTable['gateway']; table: string } {
  const [gateway, table] = [input.argument(1), input.argument(2)]
  if ((gateway === 'postgrest' || gateway === 'hasura') && table !== undefined) return { gateway, table }
  throw new TenantryError('USAGE', 'Name a gateway (postgrest or hasura) and a table.')
}
