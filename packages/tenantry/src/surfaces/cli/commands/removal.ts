// delete and purge: the two commands that take something away, and so ask first.
import { type CommandRun, type CommandSpec, tenantArgument, tenantOf } from '../command.ts'
import { confirm } from '../confirm.ts'
import { withTarget } from '../open-target.ts'
import type { TargetTenants } from '../target.ts'
import { timeText } from '../tenant-view.ts'
import { plain } from '../text.ts'
import { lifecycleExits, printDone } from './lifecycle.ts'

const exits = { ...lifecycleExits, 130: 'interrupted at the question; nothing was done' }

export const deleteCommand: CommandSpec = {
  name: 'delete',
  group: 'Lifecycle:',
  summary: 'Delete a tenant; `tenantry restore` brings it back until its purge date.',
  notes: ['Asks for a literal yes. Without a terminal it does nothing unless --yes is given.'],
  arguments: [tenantArgument],
  options: [{ flags: '--yes', description: 'do not ask' }],
  examples: [
    { line: 'delete acme', explains: 'asks first' },
    { line: 'delete acme --yes', explains: 'in a script' },
  ],
  exits,
  async run(run) {
    const tenant = await withTarget(run, async ({ tenants }) => {
      if (!run.input.flag('yes')) await askToDelete(run, tenants)
      return tenants.delete(tenantOf(run))
    })
    const until = tenant.purgeAfter === null ? '' : `; restorable until ${timeText(tenant.purgeAfter)}`
    printDone(run, tenant, `Tenant deleted: ${plain(tenant.slug)}${until}`)
    return undefined
  },
}

async function askToDelete(run: CommandRun, tenants: TargetTenants): Promise<void> {
  const { slug } = await tenants.get(tenantOf(run))
  const message = `Are you sure you want to delete tenant '${plain(slug)}'? It can be restored until its purge date. (yes/no)`
  await confirm(run.io, { message, expected: 'yes', option: '--yes' })
}

export const purgeCommand: CommandSpec = {
  name: 'purge',
  group: 'Lifecycle:',
  summary: 'Destroy a deleted tenant and all its data, for good.',
  notes: ['Asks for the slug, typed out. Without a terminal it does nothing unless --confirm <slug> is given.'],
  arguments: [tenantArgument],
  options: [{ flags: '--confirm <slug>', description: 'the slug of the tenant, instead of the question' }],
  examples: [
    { line: 'purge acme', explains: 'asks first' },
    { line: 'purge acme --confirm acme', explains: 'in a script' },
  ],
  exits: { 1: 'something is still there; purge again goes on', ...exits },
  async run(run) {
    const ref = tenantOf(run)
    const tenant = await withTarget(run, async ({ tenants }) =>
      tenants.purge(ref, { confirm: run.input.text('confirm') ?? (await askToPurge(run, tenants)) }),
    )
    printDone(run, tenant, `Tenant purged: ${plain(ref)}; nothing of it is left`)
    return undefined
  },
}

async function askToPurge(run: CommandRun, tenants: TargetTenants): Promise<string> {
  const { slug } = await tenants.get(tenantOf(run))
  const message = `This destroys tenant '${plain(slug)}' and all its data. This cannot be undone. Type its slug to go on`
  await confirm(run.io, { message, expected: slug, option: `--confirm ${plain(slug)}` })
  return slug
}
