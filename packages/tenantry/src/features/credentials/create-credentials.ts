// Puts the parts together into what `tenantry.credentials` offers. Each change is one transaction under the tenant's row
// lock, the delivery to the sink included; sessions end after its commit, when no new one can begin.
import { scramVerifier } from '../../control/scram-verifier.ts'
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import type { Clock } from '../../kernel/clock.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { admit } from '../../tenants/admission.ts'
import { recordFact } from '../../tenants/events.ts'
import { inTenantTransaction } from '../../tenants/lock.ts'
import { tenantKey } from '../../tenants/reference.ts'
import { getTenant } from '../../tenants/registry.ts'
import type { Tenant, TenantRef } from '../../tenants/tenant.ts'
import type { ActOptions } from '../../tenants/tenants.ts'
import { connectionStringAt } from './connection-string.ts'
import type {
  CreateCredential,
  CredentialInfo,
  Credentials,
  DirectCredential,
  NameCredential,
  RotateCredential,
} from './credential.ts'
import { infoOf, isUsable, loginNamed } from './login-choice.ts'
import {
  createLogin,
  dropLogin,
  endSessions,
  expireLogin,
  type LoginRole,
  readLogins,
  refuseUnmarked,
  setLogin,
  setReadsOnly,
} from './login-roles.ts'
import { choosePassword } from './password.ts'
import { type CredentialMeta, type CredentialSink, deliver, metaOf, withdraw } from './sink.ts'
import { checkUsername, defaultUsername, otherUsername } from './username.ts'

export interface CredentialsOptions {
  readonly database: CentralDatabase
  readonly instanceId: string
  readonly appRole: string
  /** Where tenants reach the database; its user and password are not used. */
  readonly serverUrl: string
  readonly sharedSchemas: readonly string[]
  readonly clock: Clock
  readonly sink?: CredentialSink | undefined
}

const DAY_SECONDS = 24 * 60 * 60
const CONNECTION_LIMIT = 10

/**
 * The direct credentials of an instance.
 *
 * @example
 * ```ts
 * const credentials = createCredentials({ database, instanceId, appRole, serverUrl, sharedSchemas, clock })
 * const { connectionString } = await credentials.create('acme-corp')
 * ```
 */
export function createCredentials(options: CredentialsOptions): Credentials {
  return {
    create: (ref, input = {}, act = {}) => create(options, ref, { ...input, ...act }),
    list: (ref) => list(options, ref),
    rotate: (ref, input = {}, act = {}) => rotate(options, ref, { ...input, ...act }),
    revoke: (ref, input = {}, act = {}) => revoke(options, ref, { ...input, ...act }),
    drop: (ref, input = {}, act = {}) => drop(options, ref, { ...input, ...act }),
  }
}

async function create(
  options: CredentialsOptions,
  ref: TenantRef,
  input: CreateCredential & ActOptions,
): Promise<DirectCredential> {
  const given = input.username === undefined ? undefined : checkUsername(input.username)
  const connectionLimit = wholeNumber('connectionLimit', input.connectionLimit ?? CONNECTION_LIMIT, [1, 10_000])
  const password = choosePassword(input.password)
  const verifier = await scramVerifier(password)
  return delivering(options, async (hand) =>
    inTenantTransaction(options, tenantKey(ref), async (tx, tenant) => {
      refuseClosed(tenant)
      const username = given ?? defaultUsername(options.instanceId, tenant.slug)
      const name = username
      await createLogin(tx, { ...common(options, tenant), username, name, verifier, connectionLimit })
      if (tenant.mode === 'read_only') await setReadsOnly(tx, username, true)
      await record(options, tx, { verb: 'create', tenant, actor: input.actor, detail: { username } })
      const credential = credentialOf(options, tenant, { username, password })
      await hand(credential, metaOf(tenant, { name, username }))
      return credential
    }),
  )
}

async function list({ database, instanceId }: CredentialsOptions, ref: TenantRef): Promise<readonly CredentialInfo[]> {
  const tenant = await getTenant(database, ref)
  return (await readLogins(database, instanceId, tenant.id)).map((login) => infoOf(login, tenant))
}

async function rotate(
  options: CredentialsOptions,
  ref: TenantRef,
  input: RotateCredential & ActOptions,
): Promise<DirectCredential> {
  const grace = wholeNumber('graceSeconds', input.graceSeconds ?? DAY_SECONDS, [0, 365 * DAY_SECONDS])
  const password = choosePassword(input.password)
  const verifier = await scramVerifier(password)
  const { made, ended } = await delivering(options, async (hand) =>
    inTenantTransaction(options, tenantKey(ref), async (tx, tenant) => {
      refuseClosed(tenant)
      const { current, other } = await turn(options, tx, { tenant, username: input.username })
      if (other !== undefined) await dropLogin(tx, other)
      const { name, connectionLimit } = current
      const username = otherUsername(name, current.username)
      await createLogin(tx, { ...common(options, tenant), username, name, verifier, connectionLimit })
      if (tenant.mode === 'read_only') await setReadsOnly(tx, username, true)
      if (grace === 0) await lock(tx, current)
      const expiresAt = grace === 0 ? null : await expireLogin(tx, current, grace)
      const detail = { username, replaces: current.username, expiresAt }
      await record(options, tx, { verb: 'rotate', tenant, actor: input.actor, detail })
      const made = credentialOf(options, tenant, { username, password })
      await hand(made, metaOf(tenant, { name, username, replaces: current.username }))
      return { made, ended: grace === 0 ? current : undefined }
    }),
  )
  if (ended !== undefined) await endLater(options.database, ended)
  return made
}

interface Named {
  readonly tenant: Tenant
  readonly username: string | undefined
}

/** The login to replace, and what is left of the one before it, which must not work any more. */
async function turn(options: CredentialsOptions, tx: Sql, { tenant, username }: Named) {
  const logins = await readLogins(tx, options.instanceId, tenant.id)
  const { name } = loginNamed(logins, username)
  const both = logins.filter((login) => login.name === name)
  const current = both.find((login) => isUsable(login) && login.expiresAt === null)
  if (current?.role !== 'ours') {
    if (current !== undefined) refuseUnmarked(current)
    throw new TenantryError('CREDENTIAL_CONFLICT', `The credential ${name} was revoked; there is nothing to rotate.`, {
      fix: 'Drop it and create a new one.',
    })
  }
  const other = both.find((login) => login !== current)
  if (other !== undefined && isUsable(other)) {
    throw new TenantryError(
      'CREDENTIAL_CONFLICT',
      `The login ${other.username}, which the last rotation replaced, still works.`,
    )
  }
  return { current, other }
}

async function revoke(
  options: CredentialsOptions,
  ref: TenantRef,
  input: NameCredential & ActOptions,
): Promise<CredentialInfo> {
  const { login, info, meta } = await lockOut(options, ref, { ...input, verb: 'revoke' })
  await endLater(options.database, login)
  if (meta !== undefined) await withdraw(options.sink, meta)
  return info
}

async function drop(
  options: CredentialsOptions,
  ref: TenantRef,
  input: NameCredential & ActOptions,
): Promise<CredentialInfo> {
  const { login, info, meta } = await lockOut(options, ref, input)
  await inTenantTransaction(options, tenantKey(ref), async (tx, tenant) => {
    const logins = await readLogins(tx, options.instanceId, tenant.id)
    const found = logins.find(({ username }) => username === login.username)
    if (found === undefined) return
    await dropLogin(tx, found)
    const detail = { username: found.username }
    await record(options, tx, { verb: 'drop', tenant, actor: input.actor, detail })
  })
  if (meta !== undefined) await withdraw(options.sink, meta)
  return info
}

/** Locks a login in a transaction of its own; `meta` is there where no login of that credential works any more. */
async function lockOut(
  options: CredentialsOptions,
  ref: TenantRef,
  { username, actor, verb }: NameCredential & ActOptions & { readonly verb?: 'revoke' },
) {
  return inTenantTransaction(options, tenantKey(ref), async (tx, tenant) => {
    const logins = await readLogins(tx, options.instanceId, tenant.id)
    const login = loginNamed(logins, username)
    refuseUnmarked(login)
    const isNew = login.revokedAt === null
    if (isNew) await lock(tx, login)
    if (isNew && verb !== undefined) {
      await record(options, tx, { verb, tenant, actor, detail: { username: login.username } })
    }
    const isLast = !logins.some((each) => each.name === login.name && each !== login && isUsable(each))
    const info = infoOf({ ...login, revokedAt: login.revokedAt ?? new Date(options.clock.now()) }, tenant)
    return { login, info, meta: isLast ? metaOf(tenant, login) : undefined }
  })
}

async function lock(tx: Sql, login: LoginRole): Promise<void> {
  if (login.role === 'ours') await setLogin(tx, login, false)
  await tx.query('update tenantry.credential set revoked_at = now() where username = $1', [login.username])
}

async function endLater(database: CentralDatabase, login: LoginRole): Promise<void> {
  if (login.role === 'ours') await database.transaction((tx) => endSessions(tx, login))
}

type Hand = (credential: DirectCredential, meta: CredentialMeta) => Promise<void>

/** Runs a change that ends by handing a credential over, and takes a new one back where the commit after that failed. */
async function delivering<T>(options: CredentialsOptions, change: (hand: Hand) => Promise<T>): Promise<T> {
  const handed: CredentialMeta[] = []
  try {
    return await change(async (credential, meta) => {
      // Before it is known whether it arrived: a sink that answered too late may have stored it.
      handed.push(meta)
      await deliver(options.sink, credential, meta)
    })
  } catch (error) {
    // After a rotation the store would be left without the login that still works.
    const added = handed.find(({ replaces }) => replaces === undefined)
    if (added !== undefined) await withdraw(options.sink, added).catch(() => {})
    throw error
  }
}

function common(options: CredentialsOptions, tenant: Tenant) {
  const { instanceId, appRole, sharedSchemas } = options
  const searchPath = tenant.isolation === 'schema' ? [tenant.schemaName, ...sharedSchemas] : sharedSchemas
  return { tenant, instanceId, appRole, searchPath }
}

function refuseClosed(tenant: Tenant): void {
  admit({ ...tenant, provisioned: tenant.provisionedAt !== null, migrationVersion: 0 })
}

function credentialOf(
  options: CredentialsOptions,
  { id, schemaName }: Tenant,
  login: { readonly username: string; readonly password: string },
): DirectCredential {
  return { ...login, schemaName, connectionString: connectionStringAt(options.serverUrl, login), tenantId: id }
}

interface Change {
  readonly verb: 'create' | 'rotate' | 'revoke' | 'drop'
  readonly tenant: Tenant
  readonly actor: string | undefined
  readonly detail: Readonly<Record<string, unknown>>
}

const past = { create: 'created', rotate: 'rotated', revoke: 'revoked', drop: 'dropped' } as const

async function record({ clock }: CredentialsOptions, tx: Sql, change: Change): Promise<void> {
  const { verb, tenant, actor = 'library', detail } = change
  const at = new Date(clock.now())
  await recordFact(tx, { event: `credential.${past[verb]}`, action: `credential.${verb}`, tenant, actor, at, detail })
}

function wholeNumber(field: string, value: number, [least, most]: readonly [number, number]): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new TenantryError('INVALID_INPUT', `"${field}" must be a whole number from ${least} to ${most}.`, { field })
}
