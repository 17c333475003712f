// The policies of a table that is on its way: all is let through and foreign access noted, then pilot tenants are held
// to their own rows. They go when the generated form comes.
import { quoteIdentifier, quoteLiteral } from '../../../kernel/identifiers.ts'

export const OPEN_POLICY = 'tenantry_adopt_open'
export const OBSERVE_POLICY = 'tenantry_adopt_observe'
export const PILOT_POLICY = 'tenantry_adopt_pilot'

export const adoptPolicies = [OPEN_POLICY, OBSERVE_POLICY, PILOT_POLICY] as const

/** Lets everyone through, also the logins of before that do not own the table. */
export const openPolicy = (table: string): string =>
  `create policy ${OPEN_POLICY} on ${table} to public using (true) with check (true)`

/** Restrictive, because a permissive one beside the open one would never be asked. */
export function observePolicy(table: string, app: string): string {
  // Unverified: a wrong context shows up as foreign access, and none at all, too. Nobody is refused here.
  const test = `(tenant_id = (select tenantry.claimed_tenant_id()) or tenantry.observe_access(${quoteLiteral(table)}::regclass))`
  return `create policy ${OBSERVE_POLICY} on ${table} as restrictive to ${quoteIdentifier(app)} using ${test} with check ${test}`
}

/** Pilot tenants see their own rows alone, and nobody else sees those. */
export function pilotPolicy(table: string, app: string, tenantIds: readonly string[]): string {
  const pilots = `(array[${tenantIds.map(quoteLiteral).join(', ')}]::uuid[])`
  const here = '(select tenantry.current_tenant_id())'
  const test = `(tenant_id = ${here} or (${here} <> all ${pilots} and tenant_id <> all ${pilots}))`
  return `create policy ${PILOT_POLICY} on ${table} as restrictive to ${quoteIdentifier(app)} using ${test} with check ${test}`
}
