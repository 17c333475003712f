// The gateways there are, and where in their claims a tenant's id stands. Pure.
import { TenantryError } from '../../kernel/errors.ts'

/** A server that reaches the database by itself and says in an unsigned setting whose request it is. */
export type Gateway = 'postgrest' | 'hasura'

const defaults: Readonly<Record<Gateway, readonly string[]>> = {
  postgrest: ['tenant_id'],
  hasura: ['x-hasura-tenant-id'],
}

/** Throws INVALID_INPUT for anything that is not the name of a gateway. */
export function gatewayNamed(name: string): Gateway {
  if (name === 'postgrest' || name === 'hasura') return name
  throw new TenantryError('INVALID_INPUT', 'There are the gateways postgrest and hasura.', { field: 'gateway' })
}

/** The keys of a claim, from the outside in. Throws INVALID_INPUT. */
export function claimPath(gateway: Gateway, claim: string | readonly string[] = defaults[gateway]): readonly string[] {
  const keys: readonly unknown[] = typeof claim === 'string' ? claim.split('.') : claim
  const path = keys.filter((key) => typeof key === 'string' && key !== '' && key.length <= 200 && !key.includes('\0'))
  if (path.length === keys.length && path.length >= 1 && path.length <= 8) return path.map(String)
  throw new TenantryError('INVALID_INPUT', 'A claim is named by 1 to 8 keys with dots between them.', {
    field: 'claim',
  })
}

export function sameClaim(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((key, index) => key === b[index])
}
