// Puts the parts together into what `tenantry.keys` offers, and into the source that requests ask.
import { hash } from 'node:crypto'
import type { CentralDatabase } from '../../engine/sql/database.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { KeyPrincipal, KeySource } from '../../tenants/access.ts'
import { type CachedRegistry, instanceWide } from '../../tenants/cached-registry.ts'
import { createAdminKeys, keyPrefix } from './admin-keys.ts'
import type { KeyParts } from './api-key.ts'
import { KeyCache } from './key-cache.ts'
import { isKeyText } from './key-text.ts'
import { KeyUsage } from './key-usage.ts'
import { createKeyVerbs } from './key-verbs.ts'
import { keysParticipant } from './keys-participant.ts'

export interface KeysOptions {
  readonly database: CentralDatabase
  readonly registry: Pick<CachedRegistry, 'onForget' | 'isListening'>
  readonly clock: Clock
  readonly logger: Logger
  /** How long uses of keys are gathered before they are written. Default: 1 s. */
  readonly gatherMs?: number
}

/**
 * The keys of an instance. `close()` writes what is left of their uses.
 *
 * @example
 * ```ts
 * const { keys, source } = createKeys({ database, registry, clock: systemClock, logger })
 * const { key } = await keys.create('acme', { name: 'nightly import', permissions: ['members:write'] })
 * const principal = source.peek(key) ?? (await source.lookup(key))
 * ```
 */
export function createKeys(options: KeysOptions): KeyParts {
  const { database, registry, clock, logger } = options
  const usage = new KeyUsage({
    database,
    logger,
    ...(options.gatherMs === undefined ? {} : { gatherMs: options.gatherMs }),
  })
  const cache = new KeyCache({
    ...{ database, clock },
    isHearing: () => registry.isListening,
    onUse: (keyId) => usage.note(keyId),
  })
  const admin = createAdminKeys(database, { clock })
  registry.onForget((tenantId) => {
    cache.forget(tenantId)
    if (tenantId === undefined || tenantId === instanceWide) admin.forget()
  })
  const source: KeySource = {
    peek: (presented) => {
      if (isKeyText(presented)) return cache.peek(hashText(presented))
      const isAdmin = admin.peek(presented)
      return isAdmin === undefined ? undefined : adminPrincipal(presented, isAdmin)
    },
    lookup: async (presented) =>
      isKeyText(presented)
        ? cache.lookup(hashText(presented))
        : adminPrincipal(presented, await admin.verify(presented)),
  }
  const verbs = createKeyVerbs({ database, clock, onChange: (tenantId) => cache.forget(tenantId ?? instanceWide) })
  const authenticate = async (presented: string) => source.peek(presented) ?? source.lookup(presented)
  return {
    keys: {
      ensure: (given) => admin.ensure(given),
      verify: (presented) => admin.verify(presented),
      ...verbs,
      authenticate,
    },
    source,
    participant: keysParticipant(),
    close: () => usage.close(),
  }
}

const hashText = (text: string): string => hash('sha256', text, 'base64')

function adminPrincipal(presented: string, isAdmin: boolean): KeyPrincipal | null {
  if (!isAdmin) return null
  return { keyId: null, prefix: keyPrefix(presented), kind: 'admin', tenantId: null, permissions: ['*'] }
}
