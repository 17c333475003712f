// Names of direct logins. They name roles, which belong to the whole server, so they must not be mistaken for anybody
// else's: never folded, never quoted away, never one of PostgreSQL's words or of an instance's own.
import { TenantryError } from '../../kernel/errors.ts'
import { fitIdentifier } from '../../kernel/identifiers.ts'

const USERNAME = /^[a-z_][a-z0-9_]{0,62}$/
const INSTANCE_ROLE = /^tn_[0-9a-f]{8}_/
const RESERVED = new Set(['public', 'none', 'user', 'current_user', 'current_role', 'session_user', 'postgres'])

/** The username of a tenant's login where none was given. */
export function defaultUsername(instanceId: string, slug: string): string {
  return fitIdentifier(`tn_${instanceId}_t_${slug.replaceAll('-', '_')}`)
}

/** The other of the two usernames that rotation alternates between. */
export function otherUsername(name: string, current: string): string {
  return current === name ? fitIdentifier(`${name}_b`) : name
}

/** Returns the username. Throws CREDENTIAL_NAME_INVALID. */
export function checkUsername(username: string): string {
  const given: unknown = username // callers without types
  const isName = typeof given === 'string' && USERNAME.test(given) && !given.endsWith('\n')
  if (isName && !RESERVED.has(given) && !given.startsWith('pg_') && !INSTANCE_ROLE.test(given)) return given
  throw new TenantryError('CREDENTIAL_NAME_INVALID', 'The username cannot be used for a login.', { field: 'username' })
}
