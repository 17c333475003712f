// An instance: one control plane in one database, with its roles, its login's password, its notification channel and
// its signing key. Made once; every process reads it at boot over the admin connection.
import type { SigningKey } from '../engine/context/context-token.ts'
import type { Sql } from '../engine/sql/database.ts'
import { TenantryError } from '../kernel/errors.ts'
import { pendingMigrations, readControlMigrations, readLedger } from './control-migrations.ts'

export interface InstanceRoles {
  /** What the scoped pool logs in as: no rights but to become `app`. */
  readonly login: string
  /** What scoped statements run as. */
  readonly app: string
  /** Whoever inherits it sees the rows of all tenants. */
  readonly central: string
}

export interface Instance {
  readonly id: string
  readonly roles: InstanceRoles
  readonly loginPassword: string
  /** Where tenant changes are notified; secret, because NOTIFY has no access control. */
  readonly channel: string
  /** Its secret is zero-padded to the HMAC's block of 64 bytes, which makes no difference to the HMAC. */
  readonly signingKey: SigningKey
  /** The database's clock minus ours. Expiry is judged by the database. */
  readonly clockOffsetMs: number
}

interface InstanceRow {
  readonly id: string
  readonly login_password: string
  readonly notify_secret: string
  readonly key_id: string
  readonly ipad: Buffer
}

const CLOCK_SAMPLES = 3

// Made by the server, so that no secret is ever a parameter, which statement logs print. gen_random_uuid draws
// 122 bits from the server's strong random source; four of them under SHA-256 are the 32 bytes of a key.
// An id whose role names are taken on this server is not used.
const CREATE_INSTANCE = `
  insert into tenantry.instance (id, login_password, notify_secret)
  select c.id, replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''),
         left(replace(gen_random_uuid()::text, '-', ''), 16)
    from (select left(gen_random_uuid()::text, 8) as id) c
   where not exists (select from pg_roles r where starts_with(r.rolname, 'tn_' || c.id || '_'))`

const CREATE_SIGNING_KEY = `
  insert into tenantry.signing_key (id, ipad, opad)
  select '0001', string_agg(set_byte('\\x00', 0, get_byte(block, i) # 54), '' order by i),
         string_agg(set_byte('\\x00', 0, get_byte(block, i) # 92), '' order by i)
    from (select sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text
                   || gen_random_uuid()::text, 'UTF8')) || decode(repeat('00', 32), 'hex') as block) secret,
         generate_series(0, 63) i`

/** The names of an instance's roles. Roles belong to the whole server, so they carry the instance. */
export function roleNames(instanceId: string): InstanceRoles {
  return { login: `tn_${instanceId}_login`, app: `tn_${instanceId}_app`, central: `tn_${instanceId}_central` }
}

/** Makes the instance's identity and first signing key where there are none yet, and returns its id. */
export async function ensureInstanceRow(tx: Sql): Promise<string> {
  for (;;) {
    const { rows } = await tx.query<{ id: string }>('select id from tenantry.instance')
    if (rows[0] !== undefined) return rows[0].id
    const made = await tx.query(CREATE_INSTANCE)
    if (made.rowCount === 1) await tx.query(CREATE_SIGNING_KEY)
  }
}

/**
 * Reads the instance at boot. Throws NOT_INITIALIZED where there is none, CONTROL_PLANE_OUTDATED and
 * CONTROL_PLANE_NEWER where database and package do not match, ADMIN_TOO_WEAK where the user may not read it.
 *
 * @example
 * ```ts
 * const instance = await readInstance(admin)
 * ```
 */
export async function readInstance(admin: Sql): Promise<Instance> {
  const row = await readRow(admin)
  return {
    id: row.id,
    roles: roleNames(row.id),
    loginPassword: row.login_password,
    channel: `tenantry_${row.id}_${row.notify_secret}`,
    signingKey: { id: row.key_id, secret: Buffer.from(row.ipad.map((byte) => byte ^ 0x36)) },
    clockOffsetMs: await measureClockOffset(admin),
  }
}

async function readRow(admin: Sql): Promise<InstanceRow> {
  try {
    const applied = await readLedger(admin)
    if (applied === undefined) throw new TenantryError('NOT_INITIALIZED', 'This database has no control plane.')
    const pending = pendingMigrations(await readControlMigrations(), applied)[0]
    if (pending !== undefined) {
      throw new TenantryError('CONTROL_PLANE_OUTDATED', `The control plane lacks migration ${pending.name}.`)
    }
    const { rows } = await admin.query<InstanceRow>(
      `select i.id, i.login_password, i.notify_secret, k.id as key_id, k.ipad
         from tenantry.instance i, tenantry.signing_key k order by k.created_at desc, k.id desc limit 1`,
    )
    if (rows[0] === undefined) throw new TenantryError('NOT_INITIALIZED', 'The control plane has no instance.')
    return rows[0]
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === '42501')) throw error
    throw new TenantryError('ADMIN_TOO_WEAK', 'The admin login may not read the control plane of this database.', {
      cause: error,
      fix: 'Connect as the owner of the schema tenantry.',
    })
  }
}

/** The database's clock minus ours, in milliseconds: the sample with the shortest round trip counts. */
export async function measureClockOffset(sql: Sql): Promise<number> {
  let best = { roundTripMs: Infinity, offsetMs: 0 }
  for (let sample = 0; sample < CLOCK_SAMPLES; sample++) {
    const sentAt = performance.now()
    const { rows } = await sql.query<{ now: number }>(
      "select (date_part('epoch', clock_timestamp()) * 1000)::float8 as now",
    )
    const receivedAt = Date.now()
    const roundTripMs = performance.now() - sentAt
    if (roundTripMs < best.roundTripMs) {
      best = { roundTripMs, offsetMs: (rows[0]?.now ?? receivedAt) - (receivedAt - roundTripMs / 2) }
    }
  }
  return Math.round(best.offsetMs)
}
