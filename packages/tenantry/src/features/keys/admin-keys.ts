// The admin key of the HTTP control plane: made once per instance, shown once, stored as its SHA-256. A given key
// replaces the stored one, so that setting it also shuts out a key that got lost or leaked.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import { type Clock, systemClock } from '../../kernel/clock.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'

export interface AdminKeys {
  /**
   * Sees to it that the instance has one admin key. Without `given` the first process to ask makes it and is the only
   * one to see it; a given key replaces whatever was stored, so it is also the way out where a made one was lost.
   * CONFIGURATION_INVALID for a given key that is too weak.
   */
  ensure(given?: string): Promise<{ readonly key: string | undefined }>
  /** Whether this is the instance's admin key; DATABASE_UNAVAILABLE where that cannot be found out. */
  verify(presented: string): Promise<boolean>
}

/** The same, for a process that keeps what it read. */
export interface CachedAdminKeys extends AdminKeys {
  /** What `verify` would say, from memory; undefined where the database must be asked. */
  peek(presented: string): boolean | undefined
  forget(): void
}

export interface AdminKeyOptions {
  readonly clock?: Clock
  /** How long a verified hash is trusted without asking the database again; a replaced key works on for as long. */
  readonly cacheMs?: number
}

const MADE = 'tn_admin_'
const OTHER_KINDS = /^tn_(key|svc|op)_/
const GIVEN = /^[!-~]{16,256}$/

const INSERT = `
  insert into tenantry.api_key (id, kind, prefix, hash) values ($1, 'admin', $2, $3)
  on conflict (kind) where kind = 'admin' and revoked_at is null do nothing
  returning id`

const REVOKE_OTHERS = `
  update tenantry.api_key set revoked_at = now() where kind = 'admin' and revoked_at is null and hash <> $1`

const INSERT_GIVEN = `
  insert into tenantry.api_key (id, kind, prefix, hash) values ($1, 'admin', $2, $3)
  on conflict (hash) do update set revoked_at = null where api_key.kind = 'admin'`

/**
 * The admin keys of the instance whose control plane this database holds.
 *
 * @example
 * ```ts
 * const { key } = await createAdminKeys(database).ensure(process.env.TENANTRY_ADMIN_KEY)
 * if (key !== undefined) console.log(`Admin key, shown once: ${key}`)
 * ```
 */
export function createAdminKeys(database: CentralDatabase, options: AdminKeyOptions = {}): CachedAdminKeys {
  const current = cachedHash(database, options)
  return {
    async ensure(given) {
      if (given === undefined) return { key: await makeOnce(database) }
      await replace(database, given)
      current.forget()
      return { key: undefined }
    },
    peek(presented) {
      const stored = current.peek()
      return stored && timingSafeEqual(hashKey(presented), stored)
    },
    forget: () => current.forget(),
    async verify(presented) {
      const stored = await current.read()
      return stored !== undefined && timingSafeEqual(hashKey(presented), stored)
    },
  }
}

/**
 * A name for a key that may stand in logs and audit entries: the first characters of a key made here, and of any other
 * key a piece of its hash, because a chosen key may be short.
 */
export function keyPrefix(key: string): string {
  return /^tn_admin_[0-9a-f]{64}$/.test(key) ? key.slice(0, MADE.length + 6) : hashKey(key).toString('hex').slice(0, 8)
}

/** SHA-256 of a key. A fast hash is enough: made keys hold 256 random bits. */
export function hashKey(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

async function makeOnce(database: CentralDatabase): Promise<string | undefined> {
  const key = `${MADE}${randomBytes(32).toString('hex')}`
  const made = await inTurn(database, (tx) => tx.query(INSERT, [newId(), keyPrefix(key), hashKey(key)]))
  return made.rows.length === 1 ? key : undefined
}

async function replace(database: CentralDatabase, given: string): Promise<void> {
  // What looks like a key of another kind would be taken for one.
  if (!GIVEN.test(given) || OTHER_KINDS.test(given)) {
    throw new TenantryError('CONFIGURATION_INVALID', 'The given admin key is not usable.', {
      field: 'TENANTRY_ADMIN_KEY',
      fix: 'Use 16 to 256 printable ASCII characters without spaces, for example from `openssl rand -hex 32`; not a key of another kind.',
    })
  }
  const hash = hashKey(given)
  await inTurn(database, async (tx) => {
    await tx.query(REVOKE_OTHERS, [hash])
    await tx.query(INSERT_GIVEN, [newId(), keyPrefix(given), hash])
  })
}

/** Processes that start together take turns, so that exactly one key is left: a given one where there is one. */
function inTurn<T>(database: CentralDatabase, run: (tx: Sql) => Promise<T>): Promise<T> {
  return database.transaction(async (tx) => {
    await tx.query('select 1 from tenantry.instance for update')
    return run(tx)
  })
}

/** Caches the one stored hash, not what callers present: guesses cannot fill it, and all waiters share one query. */
function cachedHash(database: CentralDatabase, options: AdminKeyOptions) {
  const { clock = systemClock, cacheMs = 2_000 } = options
  let known: { readonly hash: Buffer; readonly until: number } | undefined
  let loading: Promise<Buffer | undefined> | undefined

  // Counts what was forgotten, so that what was read before is not kept after.
  let changes = 0

  const load = async (): Promise<Buffer | undefined> => {
    const before = changes
    const found = await database.query<{ hash: Buffer }>(
      `select hash from tenantry.api_key where kind = 'admin' and revoked_at is null`,
    )
    const hash = found.rows[0]?.hash
    if (before === changes) known = hash && { hash, until: clock.now() + cacheMs }
    return hash
  }
  const begin = (): Promise<Buffer | undefined> => {
    const mine = load().finally(() => {
      if (loading === mine) loading = undefined
    })
    return mine
  }
  const peek = () => (known && clock.now() < known.until ? known.hash : undefined)
  return {
    peek,
    async read(): Promise<Buffer | undefined> {
      const hash = peek()
      if (hash !== undefined) return hash
      return (loading ??= begin())
    },
    forget(): void {
      changes += 1
      known = undefined
      // Whoever asks from now on must not be given the answer of a query that began before.
      loading = undefined
    },
  }
}
