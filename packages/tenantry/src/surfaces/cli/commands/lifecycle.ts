// The verbs that move a tenant through its life: provision, suspend, activate, deactivate, restore.
import type { Tenant } from '../../../tenants/tenant.ts'
import { type CommandRun, type CommandSpec, tenantArgument, tenantOf } from '../command.ts'
import { withTarget } from '../open-target.ts'
import type { TargetTenants } from '../target.ts'
import { plain } from '../text.ts'

export const lifecycleExits = { 3: 'no such tenant', 4: 'its status does not allow it', 5: 'no target' }

/** Prints the body with --json, otherwise one line of success. */
export function printDone(run: CommandRun, body: object, done: string): void {
  if (run.json) run.output.json(body)
  else run.output.line(run.output.style('green', `✓ ${done}`))
}

interface Verb {
  readonly name: string
  readonly summary: string
  readonly notes?: readonly string[]
  readonly past: string
  act(tenants: TargetTenants, ref: string): Promise<Tenant>
}

function verbCommand(verb: Verb): CommandSpec {
  const { name, summary, notes = [], past } = verb
  return {
    name,
    group: 'Lifecycle:',
    summary,
    notes: [...notes, 'Repeating it changes nothing and succeeds.'],
    arguments: [tenantArgument],
    examples: [
      { line: `${name} acme`, explains: 'by slug' },
      { line: `${name} acme --json`, explains: 'the tenant as it is then, as JSON' },
    ],
    exits: lifecycleExits,
    async run(run) {
      const tenant = await withTarget(run, ({ tenants }) => verb.act(tenants, tenantOf(run)))
      printDone(run, tenant, `Tenant ${past}: ${plain(tenant.slug)}`)
      return undefined
    },
  }
}

export const activateCommand = verbCommand({
  name: 'activate',
  summary: 'Let a suspended or inactive tenant in again.',
  past: 'activated',
  act: (tenants, ref) => tenants.activate(ref),
})

export const deactivateCommand = verbCommand({
  name: 'deactivate',
  summary: 'Take a tenant out of use; its data stays untouched.',
  past: 'deactivated',
  act: (tenants, ref) => tenants.deactivate(ref),
})

export const restoreCommand = verbCommand({
  name: 'restore',
  summary: 'Bring a deleted tenant back, with its data and the status it had.',
  notes: ['Possible until its purge date, which `tenantry show` prints.'],
  past: 'restored',
  act: (tenants, ref) => tenants.restore(ref),
})

export const suspendCommand: CommandSpec = {
  name: 'suspend',
  group: 'Lifecycle:',
  summary: 'Refuse a tenant at once, everywhere; its data stays untouched.',
  notes: ['Repeating it changes nothing and succeeds.'],
  arguments: [tenantArgument],
  options: [{ flags: '--reason <text>', description: 'why; kept with the tenant and in the audit log' }],
  examples: [
    { line: 'suspend acme', explains: 'without a reason' },
    { line: 'suspend acme --reason "invoice 1041 unpaid"', explains: 'with one' },
  ],
  exits: lifecycleExits,
  async run(run) {
    const reason = run.input.text('reason')
    const options = reason === undefined ? {} : { reason }
    const tenant = await withTarget(run, ({ tenants }) => tenants.suspend(tenantOf(run), options))
    printDone(run, tenant, `Tenant suspended: ${plain(tenant.slug)}`)
    return undefined
  },
}

export const provisionCommand: CommandSpec = {
  name: 'provision',
  group: 'Lifecycle:',
  summary: 'Make a registered tenant ready to enter.',
  notes: ['Repeating it changes nothing and succeeds. A failed attempt leaves nothing behind.'],
  arguments: [tenantArgument],
  examples: [
    { line: 'provision acme', explains: 'after `tenantry create … --no-provision`, or after a failed attempt' },
    { line: 'provision acme --json', explains: '{provisioned, schemaName, tableCount, message}' },
  ],
  exits: { 1: 'a migration failed; nothing is left behind', ...lifecycleExits },
  async run(run) {
    const ref = tenantOf(run)
    const result = await withTarget(run, ({ tenants }) => tenants.provision(ref))
    const tables = result.tableCount === 1 ? '1 table' : `${result.tableCount} tables`
    const made = result.tableCount === 0 ? '' : ` (schema ${plain(result.schemaName)}, ${tables})`
    printDone(run, result, `Tenant ${plain(ref)} ${plain(result.message)}${made}`)
    return undefined
  },
}
