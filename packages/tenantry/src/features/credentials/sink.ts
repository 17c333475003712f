// The port to a secret store, for those who do not want a password to pass through people's hands.
import { TenantryError } from '../../kernel/errors.ts'
import type { Tenant } from '../../tenants/tenant.ts'
import type { DirectCredential } from './credential.ts'

/** What a sink needs beside the credential to file it. */
export interface CredentialMeta {
  readonly tenantId: string
  readonly slug: string
  /** Stays the same through rotations: file the credential under it. */
  readonly name: string
  readonly username: string
  /** The login that this one replaces; none where the credential is new. */
  readonly replaces?: string
}

/**
 * Where credentials go as they are made. `put` is called before the change is committed, so that every credential there
 * is has arrived; it must replace what it stored under the same tenant and name. Where the commit itself fails the store
 * holds a login that does not exist, or after a rotation not the one that goes on working: rotate again.
 */
export interface CredentialSink {
  put(credential: DirectCredential, meta: CredentialMeta, signal: AbortSignal): Promise<void>
  /** Called once no login of that name works any more. */
  remove?(meta: CredentialMeta, signal: AbortSignal): Promise<void>
}

/** Longest time a sink may take; the tenant's row is held for as long. */
const LIMIT_MS = 10_000

/** How a login is filed. */
export function metaOf(
  { id, slug }: Pick<Tenant, 'id' | 'slug'>,
  { name, username, replaces }: { readonly name: string; readonly username: string; readonly replaces?: string },
): CredentialMeta {
  return { tenantId: id, slug, name, username, ...(replaces === undefined ? {} : { replaces }) }
}

/** Hands a credential over. Throws CREDENTIAL_SINK_FAILED for whatever the sink throws, and where it takes too long. */
export async function deliver(
  sink: CredentialSink | undefined,
  credential: DirectCredential,
  meta: CredentialMeta,
): Promise<void> {
  await within(async (signal) => sink?.put(credential, meta, signal), 'did not take the credential')
}

/** Takes a credential out of the sink again. Throws CREDENTIAL_SINK_FAILED. */
export async function withdraw(sink: CredentialSink | undefined, meta: CredentialMeta): Promise<void> {
  await within(async (signal) => sink?.remove?.(meta, signal), 'did not remove the credential')
}

async function within(work: (signal: AbortSignal) => Promise<void>, failed: string): Promise<void> {
  const limit = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      limit.abort()
      reject(new Error(`no answer within ${LIMIT_MS / 1000} seconds`))
    }, LIMIT_MS)
  })
  try {
    await Promise.race([work(limit.signal), late])
  } catch (error) {
    // Its class and not its text: the text of a failed request may hold what was sent.
    const kind = error instanceof Error ? error.name : typeof error
    throw new TenantryError('CREDENTIAL_SINK_FAILED', `The credential sink ${failed} (${kind}).`)
  } finally {
    clearTimeout(timer)
  }
}
