// Which requests the application declared public.
import { TenantryError } from '../../kernel/errors.ts'
import { pathOf } from './host.ts'
import type { ResolveOptions, TenancyRequest } from './resolution.ts'

export type PublicPaths = NonNullable<ResolveOptions['public']>

// Paths that a router may read in another way than this comparison does.
const AMBIGUOUS = /\/\/|\\|%2e|%2f|%5c|(?:^|\/)\.\.?(?:\/|$)/i

/** Whether a request is declared public by this list of paths, or by the application's own function. */
export function isPublicRequest(request: TenancyRequest, paths: PublicPaths | undefined): boolean {
  if (paths === undefined) return false
  if (typeof paths === 'function') return paths(request)
  if (paths.length === 0) return false
  const path = pathOf(request.target)
  return !AMBIGUOUS.test(path) && paths.some((each) => matches(each, path))
}

function matches(pattern: string, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : pattern === path
}

/** Throws CONFIGURATION_INVALID for a pattern that is no path, or has its `*` anywhere but at the end. */
export function checkPublicPaths(paths: PublicPaths | undefined): void {
  if (paths === undefined || typeof paths === 'function') return
  if (paths.every((path) => path.startsWith('/') && !path.slice(0, -1).includes('*'))) return
  throw new TenantryError('CONFIGURATION_INVALID', '"public" holds something that is no path.', {
    field: 'resolution.public',
    fix: 'Begin each path with "/"; a "*" at its end stands for any rest.',
  })
}
