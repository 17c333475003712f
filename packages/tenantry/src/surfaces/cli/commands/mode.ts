// mode: closes a tenant for writes, or altogether, and opens it again.
import { TenantryError } from '../../../kernel/errors.ts'
import type { SetMode, TenantMode } from '../../../tenants/tenant.ts'
import type { CommandRun, CommandSpec } from '../command.ts'
import { withTarget } from '../open-target.ts'
import { modeText } from '../tenant-view.ts'
import { plain } from '../text.ts'
import { lifecycleExits, printDone } from './lifecycle.ts'

const modes: Readonly<Partial<Record<string, TenantMode>>> = {
  normal: 'normal',
  'read-only': 'read_only',
  maintenance: 'maintenance',
}

export const modeCommand: CommandSpec = {
  name: 'mode',
  group: 'Lifecycle:',
  summary: 'Close a tenant for writes, or altogether, for all but named users; or open it again.',
  notes: ['It holds in every process at once, and for direct logins and gateways. Repeating it changes nothing.'],
  arguments: [
    ['<tenant>', 'slug or id'],
    ['<mode>', 'normal, read-only or maintenance'],
  ],
  options: [
    { flags: '--reason <text>', description: 'why; shown with the tenant and kept in the audit log' },
    { flags: '--operator <user...>', description: 'users whom it does not hold for, by the application’s id' },
  ],
  examples: [
    { line: 'mode acme read-only --reason "moving to another region"', explains: 'nobody writes' },
    { line: 'mode acme maintenance --operator user-7 --operator user-9', explains: 'nobody but these two enters' },
    { line: 'mode acme normal', explains: 'as it was' },
  ],
  exits: lifecycleExits,
  async run(run) {
    const input = inputOf(run)
    const tenant = await withTarget(run, ({ tenants }) => tenants.setMode(run.input.argument(0) ?? '', input))
    printDone(run, tenant, `Mode of ${plain(tenant.slug)}: ${modeText(tenant)}`)
    return undefined
  },
}

function inputOf({ input }: CommandRun): SetMode {
  const mode = modes[input.argument(1) ?? '']
  if (mode === undefined) {
    throw new TenantryError('USAGE', 'There is no such mode.', { fix: 'Use normal, read-only or maintenance.' })
  }
  const [reason, operators] = [input.text('reason'), input.texts('operator')]
  return {
    mode,
    ...(reason === undefined ? {} : { reason }),
    ...(operators.length === 0 ? {} : { operators }),
  }
}
