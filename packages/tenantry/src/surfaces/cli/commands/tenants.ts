// create, list, show, update: the registry from the command line.
import { TenantryError } from '../../../kernel/errors.ts'
import {
  type CreateTenant,
  isolations,
  type ListTenants,
  type Page,
  type Tenant,
  tenantStatuses,
  type UpdateTenant,
} from '../../../tenants/tenant.ts'
import { type CommandRun, type CommandSpec, type Input, tenantArgument, tenantOf } from '../command.ts'
import { withTarget } from '../open-target.ts'
import type { TargetTenants } from '../target.ts'
import { createdLines, detailLines, listLines } from '../tenant-view.ts'
import { plain } from '../text.ts'

export const createCommand: CommandSpec = {
  name: 'create',
  group: 'Tenants:',
  summary: 'Create a tenant and make it ready to enter.',
  notes: ['Without --slug the slug is made from the name. Without --isolation the instance decides.'],
  arguments: [['<name>', 'display name']],
  options: [
    { flags: '--slug <slug>', description: '2-100 lowercase letters, digits and hyphens' },
    { flags: '--plan <plan>', description: 'label of its plan' },
    { flags: '--owner <user>', description: 'id of the user who owns it' },
    { flags: '--isolation <isolation>', description: 'how its data is kept apart', choices: isolations },
    { flags: '--schema-name <name>', description: 'name of its schema; default tenant_<slug>' },
    { flags: '--settings <json>', description: 'its settings, a JSON object' },
    { flags: '--no-provision', description: 'only register it; `tenantry provision` makes it ready' },
  ],
  examples: [
    { line: 'create "Acme Corp"', explains: 'slug acme-corp, in the isolation of the instance' },
    { line: 'create "Acme Corp" --slug acme --plan pro', explains: 'own slug and plan' },
    { line: 'create Globex --isolation schema --json', explains: 'a schema of its own; print it as JSON' },
  ],
  exits: { 1: 'provisioning failed; nothing is left behind', 4: 'slug or schema name is taken', 5: 'no target' },
  async run(run) {
    const tenant = await withTarget(run, ({ tenants }) => tenants.create(newTenant(run.input)))
    if (run.json) run.output.json(tenant)
    else printCreated(run, tenant)
    return undefined
  },
}

function newTenant(input: Input): CreateTenant {
  const [slug, plan, owner] = [input.text('slug'), input.text('plan'), input.text('owner')]
  const schemaName = input.text('schemaName')
  const isolation = isolations.find((one) => one === input.text('isolation'))
  const settings = input.jsonObject('settings')
  return {
    name: input.argument(0) ?? '',
    ...(slug !== undefined && { slug }),
    ...(plan !== undefined && { plan }),
    ...(owner !== undefined && { ownerUserId: owner }),
    ...(isolation !== undefined && { isolation }),
    ...(schemaName !== undefined && { schemaName }),
    ...(settings !== undefined && { settings }),
    ...(input.denied('provision') && { provision: false }),
  }
}

function printCreated({ output }: CommandRun, tenant: Tenant): void {
  const [first = '', ...facts] = createdLines(tenant)
  output.line(output.style('green', first))
  for (const line of facts) output.line(line)
  if (tenant.provisionedAt === null) output.line(`Next: tenantry provision ${plain(tenant.slug)}`)
}

export const listCommand: CommandSpec = {
  name: 'list',
  group: 'Tenants:',
  summary: 'List tenants; deleted ones only with --status deleted.',
  options: [
    { flags: '--status <status>', description: 'only tenants of this status', choices: tenantStatuses },
    { flags: '--search <text>', description: 'part of slug or name' },
    { flags: '--plan <plan>', description: 'only tenants of this plan' },
    { flags: '--limit <n>', description: 'tenants a page, 1 to 100, default 20' },
    { flags: '--cursor <cursor>', description: 'where the page before has ended' },
    { flags: '--all', description: 'all pages' },
  ],
  examples: [
    { line: 'list', explains: 'the first 20' },
    { line: 'list --status suspended --plan pro', explains: 'narrowed down' },
    { line: 'list --all --json', explains: 'everything, for a script' },
  ],
  exits: { 5: 'no target' },
  async run(run) {
    const query = listQuery(run.input)
    const page = await withTarget(run, ({ tenants }) =>
      run.input.flag('all') ? allPages(tenants, query) : tenants.list(query),
    )
    if (run.json) run.output.json(page)
    else printPage(run, page)
    return undefined
  },
}

function listQuery(input: Input): ListTenants {
  const status = tenantStatuses.find((one) => one === input.text('status'))
  const [search, plan, cursor] = [input.text('search'), input.text('plan'), input.text('cursor')]
  const limit = input.integer('limit', { least: 1, most: 100 }) ?? (input.flag('all') ? 100 : undefined)
  return {
    ...(status !== undefined && { status }),
    ...(search !== undefined && { search }),
    ...(plan !== undefined && { plan }),
    ...(cursor !== undefined && { cursor }),
    ...(limit !== undefined && { limit }),
  }
}

async function allPages(tenants: TargetTenants, query: ListTenants): Promise<Page<Tenant>> {
  const items: Tenant[] = []
  let page = await tenants.list(query)
  items.push(...page.items)
  while (page.nextCursor !== null) {
    page = await tenants.list({ ...query, cursor: page.nextCursor })
    items.push(...page.items)
  }
  return { items, nextCursor: null, total: page.total }
}

function printPage({ output }: CommandRun, page: Page<Tenant>): void {
  if (page.items.length === 0) {
    output.line('No tenants. Create one: tenantry create "Acme Corp"')
    return
  }
  const [titles = '', ...lines] = listLines(page.items)
  output.line(output.style('bold', titles))
  for (const line of lines) output.line(line)
  if (page.nextCursor === null) return
  output.line(`${page.items.length} of ${page.total}. Next page: add --cursor ${plain(page.nextCursor)}, or see --all.`)
}

export const showCommand: CommandSpec = {
  name: 'show',
  group: 'Tenants:',
  summary: 'Show everything about one tenant.',
  arguments: [tenantArgument],
  examples: [
    { line: 'show acme', explains: 'by slug' },
    { line: 'show 0198c0de-0000-7000-8000-000000000000 --json', explains: 'by id, as JSON' },
  ],
  exits: { 3: 'no such tenant', 5: 'no target' },
  async run(run) {
    const tenant = await withTarget(run, ({ tenants }) => tenants.get(tenantOf(run)))
    if (run.json) run.output.json(tenant)
    else for (const line of detailLines(tenant)) run.output.line(line)
    return undefined
  },
}

export const updateCommand: CommandSpec = {
  name: 'update',
  group: 'Tenants:',
  summary: 'Change name, plan, owner or settings of a tenant.',
  notes: ['Settings are replaced as a whole. Slug and isolation stay; the status has verbs of its own.'],
  arguments: [tenantArgument],
  options: [
    { flags: '--name <name>', description: 'new display name' },
    { flags: '--plan <plan>', description: 'new plan' },
    { flags: '--no-plan', description: 'take the plan away' },
    { flags: '--owner <user>', description: 'new owner' },
    { flags: '--no-owner', description: 'take the owner away' },
    { flags: '--settings <json>', description: 'new settings, a JSON object' },
  ],
  examples: [
    { line: 'update acme --plan enterprise', explains: 'another plan' },
    { line: `update acme --name "Acme Ltd" --settings '{"theme":"dark"}'`, explains: 'name and settings at once' },
    { line: 'update acme --no-owner', explains: 'nobody owns it' },
  ],
  exits: { 3: 'no such tenant', 4: 'its status does not allow it', 5: 'no target' },
  async run(run) {
    const change = tenantChange(run.input)
    const tenant = await withTarget(run, ({ tenants }) => tenants.update(tenantOf(run), change))
    if (run.json) run.output.json(tenant)
    else run.output.line(run.output.style('green', `✓ Tenant updated: ${plain(tenant.slug)}`))
    return undefined
  },
}

function tenantChange(input: Input): UpdateTenant {
  const name = input.text('name')
  const [plan, ownerUserId] = [input.clearable('plan'), input.clearable('owner')]
  const settings = input.jsonObject('settings')
  const change: UpdateTenant = {
    ...(name !== undefined && { name }),
    ...(plan !== undefined && { plan }),
    ...(ownerUserId !== undefined && { ownerUserId }),
    ...(settings !== undefined && { settings }),
  }
  if (Object.keys(change).length > 0) return change
  throw new TenantryError('USAGE', 'Nothing to change was named.', {
    fix: 'Name a new value with --name, --plan, --owner or --settings.',
  })
}
