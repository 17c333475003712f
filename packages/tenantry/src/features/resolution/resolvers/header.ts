// header: X-Tenant-ID and X-Tenant-Slug. Anybody can write them.
import type { Resolver } from '../resolution.ts'

export interface HeaderResolverOptions {
  readonly priority: number
  readonly headerName: string
  readonly slugHeaderName: string
}

/** Names what the two headers hold; where both are sent, both. */
export function headerResolver({ priority, headerName, slugHeaderName }: HeaderResolverOptions): Resolver {
  const [idHeader, slugHeader] = [headerName.toLowerCase(), slugHeaderName.toLowerCase()]
  return {
    ...{ name: 'header', priority, trust: 'claimed' },
    resolve(request) {
      const [id, slug] = [request.header(idHeader), request.header(slugHeader)]
      if (slug === undefined) return refsOf(id)
      return [...refsOf(id), ...refsOf(slug).map((ref) => ({ slug: ref }))]
    },
  }
}

const NOBODY: readonly string[] = []
const MOST = 8

/** A header that was sent several times names each of its values. */
function refsOf(value: string | undefined): readonly string[] {
  if (value === undefined) return NOBODY
  if (!value.includes(',')) return value.trim() === '' ? NOBODY : [value.trim()]
  const parts = value.split(',', MOST).map((part) => part.trim())
  return parts.filter((part) => part !== '')
}
