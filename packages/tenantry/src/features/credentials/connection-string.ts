// Where a tenant's login connects to: the admin login's server, or the one that tenants see, with nothing of the
// admin's user, password or options in it.
import { TenantryError } from '../../kernel/errors.ts'

// Of the server's URL; anything else may be the admin's own: certificates, options, application name.
const KEPT = ['host', 'port', 'sslmode']

/**
 * The connection string of a login at the server of this URL. Throws CONFIGURATION_INVALID for text that is no URL.
 *
 * @example
 * ```ts
 * connectionStringAt('postgres://admin:secret@db:5432/app?sslmode=require', { username: 'acme', password: "p'w" })
 * // 'postgres://acme:p%27w@db:5432/app?sslmode=require'
 * ```
 */
export function connectionStringAt(
  serverUrl: string,
  login: { readonly username: string; readonly password: string },
): string {
  // Never with its cause: the parser's error carries the whole text.
  if (!URL.canParse(serverUrl)) {
    throw new TenantryError('CONFIGURATION_INVALID', 'The URL of the database for direct credentials is not a URL.')
  }
  const { host, pathname, searchParams } = new URL(serverUrl)
  const kept = KEPT.flatMap((name) => {
    const value = searchParams.get(name)
    return value === null ? [] : [`${name}=${encodeURIComponent(value)}`]
  })
  const query = kept.length === 0 ? '' : `?${kept.join('&')}`
  return `postgres://${encode(login.username)}:${encode(login.password)}@${host}${pathname}${query}`
}

// A quote is legal in a URL and breaks the shell line it is pasted into.
const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
