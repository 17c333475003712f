// From an instance to a server that answers, until it is told to stop. `dev` and `serve` share it.
import { isTenantryError, TenantryError } from '../../kernel/errors.ts'
import type { HttpServer } from '../http/server.ts'
import type { CommandRun } from './command.ts'
import type { CliTenantry } from './composition.ts'
import { startHousekeeping } from './housekeeping.ts'
import { stopSignal } from './io.ts'

export interface ServingPlan {
  readonly tenantry: CliTenantry
  readonly hostname: string
  readonly port: number
  readonly ephemeralKeys?: readonly string[]
  readonly drainMs: number
  /** Resolves when something the server stands on has ended. */
  readonly lost?: Promise<unknown>
  /** Runs when it answers. */
  onReady(server: HttpServer, newAdminKey: string | undefined): Promise<void>
  /** Runs when it is about to stop. */
  onStop?(): Promise<void>
}

export interface StopWatch {
  readonly stopped: Promise<void>
  forget(): void
}

/** Serves until the first stop signal or a loss, says which, and drains; a second signal cuts what is under way. */
export async function serveUntilStopped(
  run: CommandRun,
  plan: ServingPlan,
  stop: StopWatch,
): Promise<'stopped' | 'lost'> {
  const { tenantry } = plan
  // An empty variable is a variable that was not set.
  const { key } = await tenantry.keys.ensure(run.io.env['TENANTRY_ADMIN_KEY'] || undefined)
  const server = await listen(run, plan)
  const housekeeping = startHousekeeping(tenantry)
  try {
    await plan.onReady(server, key)
    const ends = [stop.stopped.then(() => 'stopped' as const)]
    return await Promise.race(plan.lost === undefined ? ends : [...ends, plan.lost.then(() => 'lost' as const)])
  } finally {
    await plan.onStop?.()
    const again = stopSignal(run.io)
    void again.stopped.then(() => server.force())
    await server.drain({ deadlineMs: plan.drainMs })
    await housekeeping.stop()
    again.forget()
  }
}

async function listen(
  run: CommandRun,
  { tenantry, hostname, port, ephemeralKeys = [] }: ServingPlan,
): Promise<HttpServer> {
  try {
    return await run.composition.serve(tenantry, { hostname, port, ephemeralKeys })
  } catch (error) {
    if (!isTenantryError(error, 'CONFIGURATION_INVALID') || error.field !== 'PORT') throw error
    const fix = 'Choose another port with --port or PORT, or stop what listens there.'
    throw new TenantryError(error.code, error.message, { cause: error.cause, field: error.field, fix })
  }
}

/** `--port`, else PORT, else 3000. Throws INVALID_INPUT and CONFIGURATION_INVALID where it is no port. */
export function portOf({ input, io }: Pick<CommandRun, 'input' | 'io'>): number {
  const given = input.integer('port', { least: 0, most: 65_535 })
  if (given !== undefined) return given
  const standing = io.env['PORT'] || '3000'
  if (/^\d{1,5}$/.test(standing) && Number(standing) <= 65_535) return Number(standing)
  throw new TenantryError('CONFIGURATION_INVALID', 'PORT is not a port number.', {
    field: 'PORT',
    fix: 'Set PORT to 0-65535.',
  })
}
