// The honey tenants of a run: two ids made for it and registered nowhere, so that no list, count, walk or migration ever
// meets them. The database believes signed contexts, not the registry, so they are tenants like any other.
import { signContext, type SigningKey } from '../../../engine/context/context-token.ts'
import type { ScopedTenant } from '../../../engine/context/scope.ts'
import { Entrance } from '../../../engine/sql/entrance.ts'
import { encodePrelude, type Prelude } from '../../../engine/sql/prelude.ts'
import { newId } from '../../../kernel/ids.ts'

export interface HoneyOptions {
  readonly signingKey: SigningKey
  readonly appRole: string
  readonly sharedSchemas: readonly string[]
  readonly clockOffsetMs: number
}

/** A tenant as a probe enters it. */
export interface Identity {
  readonly id: string
  readonly isolation: 'row' | 'schema'
  /** A freshly signed entrance. */
  prelude(): Prelude
}

/** Contexts that the database must refuse, made to look like the victim's. */
export interface Forgeries {
  missing(): Prelude
  /** The victim's claims under a signature that nobody made. */
  unsigned(victim: string): Prelude
  /** The victim's claims under the attacker's true signature. */
  swapped(attacker: string, victim: string): Prelude
  /** The victim's own context, signed with the real key, after its time. */
  expired(victim: string): Prelude
}

export interface Honey extends Forgeries {
  readonly entrance: Entrance
  /** Owns the marked rows. */
  readonly victim: Identity
  /** Goes after them. */
  readonly attacker: Identity
  /** An existing schema tenant, entered as itself. */
  schemaTenant(tenant: { readonly id: string; readonly schemaName: string }): Identity
}

const OPEN = { migrationVersion: 0, mode: 'normal', modeOperators: [] } as const

/** Makes the honey tenants of one run. */
export function makeHoney(options: HoneyOptions): Honey {
  const entrance = new Entrance(options)
  const identity = (tenant: ScopedTenant): Identity => ({
    id: tenant.id,
    isolation: tenant.isolation,
    prelude: () => entrance.prelude({ tenant, claims: {} }),
  })
  const honey = (slug: string) => identity({ id: newId(), slug, isolation: 'row', schemaName: '', ...OPEN })
  return {
    entrance,
    victim: honey('tenantry-honey-a'),
    attacker: honey('tenantry-honey-b'),
    schemaTenant: ({ id, schemaName }) => identity({ id, slug: 'schema', isolation: 'schema', schemaName, ...OPEN }),
    ...forgeries(options),
  }
}

const HOUR = 3600
const SIGNATURE = 64

function forgeries({ signingKey, appRole, sharedSchemas, clockOffsetMs }: HoneyOptions): Forgeries {
  const enter = (token: string) => encodePrelude({ role: appRole, searchPath: sharedSchemas, token })
  const sign = (tenantId: string, seconds: number) =>
    signContext(signingKey, { tenantId, expiresAt: Math.floor((Date.now() + clockOffsetMs) / 1000) + seconds })
  return {
    missing: () => enter(''),
    unsigned: (victim) => enter('0'.repeat(SIGNATURE) + sign(victim, HOUR).slice(SIGNATURE)),
    swapped: (attacker, victim) => enter(sign(attacker, HOUR).replace(attacker, victim)),
    expired: (victim) => enter(sign(victim, -HOUR)),
  }
}
