// Which instance a command talks to, decided in one place: a server over HTTP, the database itself, or the dev
// server that runs on this data folder. Never a guess: half a configuration is an error, not a reason to go on.
import { resolve } from 'node:path'
import type { CredentialSettings } from '../../composition/settings.ts'
import type {
  CreateCredential,
  CredentialInfo,
  DirectCredential,
  NameCredential,
  RotateCredential,
} from '../../features/credentials/credential.ts'
import type {
  ElevateInput,
  Elevation,
  NewElevation,
  OpenSupport,
  Operator,
  SupportAccess,
} from '../../features/operators/operator.ts'
import type { ApiKey, CreateApiKey, ListApiKeys, NewApiKey, RotateApiKey } from '../../features/keys/api-key.ts'
import { TenantryError } from '../../kernel/errors.ts'
import type { Page, TenantRef } from '../../tenants/tenant.ts'
import type { Tenants } from '../../tenants/tenants.ts'
import type { TargetChanges } from './changes-target.ts'
import type { TargetFleet } from './fleet-target.ts'
import type { PeopleTarget } from './people-target.ts'
import type { TargetOrganizations, TargetTeams } from './organizations-target.ts'
import type { TargetMigrations } from './migrations-target.ts'
import { readRunFile } from './run-file.ts'

/** The tenant operations that every target has. */
export type TargetTenants = Pick<
  Tenants,
  | 'create'
  | 'get'
  | 'list'
  | 'update'
  | 'provision'
  | 'suspend'
  | 'activate'
  | 'deactivate'
  | 'delete'
  | 'restore'
  | 'purge'
  | 'setMode'
  | 'stats'
>

/** The operations on direct credentials that every target has. */
export interface TargetCredentials {
  create(ref: TenantRef, input: CreateCredential): Promise<DirectCredential>
  list(ref: TenantRef): Promise<Page<CredentialInfo>>
  rotate(ref: TenantRef, input: RotateCredential): Promise<DirectCredential>
  revoke(ref: TenantRef, input: NameCredential): Promise<CredentialInfo>
  drop(ref: TenantRef, input: NameCredential): Promise<CredentialInfo>
}

/** The operations on operators that every target has. */
export interface TargetOperators {
  list(): Promise<Page<Operator>>
  set(input: Pick<Operator, 'userId' | 'role'>): Promise<Operator>
  remove(userId: string): Promise<Operator>
  elevate(input: ElevateInput): Promise<NewElevation>
  release(id: string): Promise<Elevation>
  elevations(): Promise<Page<Elevation>>
}

/** The operations on support accesses that every target has. */
export interface TargetSupport {
  open(ref: TenantRef, input: OpenSupport): Promise<SupportAccess>
  list(ref: TenantRef): Promise<Page<SupportAccess>>
  end(ref: TenantRef, id: string): Promise<SupportAccess>
}

/** The operations on keys of the HTTP API that every target has; null stands for service keys. */
export interface TargetKeys {
  create(ref: TenantRef | null, input: CreateApiKey): Promise<NewApiKey>
  list(ref: TenantRef | null, query: ListApiKeys): Promise<Page<ApiKey>>
  get(ref: TenantRef | null, id: string): Promise<ApiKey>
  rotate(ref: TenantRef | null, id: string, input: RotateApiKey): Promise<NewApiKey>
  revoke(ref: TenantRef | null, id: string): Promise<ApiKey>
}

/** What a command works on, whichever way it is reached. */
export interface Target extends PeopleTarget {
  readonly tenants: TargetTenants
  readonly credentials: TargetCredentials
  readonly operators: TargetOperators
  readonly support: TargetSupport
  readonly keys: TargetKeys
  readonly organizations: TargetOrganizations
  readonly teams: TargetTeams
  readonly migrations: TargetMigrations
  readonly changes: TargetChanges
  readonly fleet: TargetFleet
  close(): Promise<void>
}

export interface TargetSettings {
  /** `--url` and `--key`. */
  readonly url?: string | undefined
  readonly key?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

export type TargetChoice =
  | { readonly kind: 'http'; readonly url: string; readonly key: string }
  | { readonly kind: 'direct'; readonly adminUrl: string }

/** The folder of the dev server's data: TENANTRY_DATA_DIR, or `.tenantry` in the working directory. */
export function dataFolder(settings: Pick<TargetSettings, 'env' | 'cwd'>): string {
  return resolve(settings.cwd, settings.env['TENANTRY_DATA_DIR'] || '.tenantry')
}

/**
 * The target: URL and key, else DATABASE_ADMIN_URL, else the running dev server.
 * Throws CONFIGURATION_INVALID for a URL without a key and for a malformed URL, NO_TARGET where there is none.
 */
export async function chooseTarget(settings: TargetSettings): Promise<TargetChoice> {
  const { env } = settings
  const url = settings.url ?? (env['TENANTRY_URL'] || undefined)
  const key = settings.key ?? (env['TENANTRY_KEY'] || undefined)
  if (url !== undefined) return serverAt(url, key)
  if (settings.key !== undefined) {
    throw new TenantryError('USAGE', '--key needs a server.', { fix: 'Give its address with --url or TENANTRY_URL.' })
  }
  const adminUrl = env['DATABASE_ADMIN_URL']
  if (adminUrl) return { kind: 'direct', adminUrl }
  return runningServer(dataFolder(settings))
}

function serverAt(url: string, key: string | undefined): TargetChoice {
  if (!isServerAddress(url)) {
    throw new TenantryError('CONFIGURATION_INVALID', 'TENANTRY_URL (or --url) is not the address of a server.', {
      fix: 'Give it as http://host:port or https://host, without user and password.',
    })
  }
  if (key === undefined) {
    throw new TenantryError('CONFIGURATION_INVALID', 'TENANTRY_URL (or --url) is set, and no key for it.', {
      fix: 'Set TENANTRY_KEY (or pass --key) to the admin key of that server, or unset TENANTRY_URL.',
    })
  }
  return { kind: 'http', url, key }
}

function isServerAddress(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, username, password } = new URL(url)
  return ['http:', 'https:'].includes(protocol) && username === '' && password === ''
}

async function runningServer(folder: string): Promise<TargetChoice> {
  const state = await readRunFile(folder)
  if (state.kind === 'running') return { kind: 'http', url: state.run.url, key: state.run.key }
  const why = {
    absent: 'No server runs on this data folder, and no other target is configured.',
    stale: 'The dev server of this data folder has ended without removing its run.json, which was ignored.',
    unreadable: 'The run.json of this data folder cannot be read as one, and was ignored.',
  }
  throw new TenantryError('NO_TARGET', why[state.kind])
}

/** Where DATABASE_PUBLIC_URL says that tenants reach the database, for createTenantry; empty without it. */
export function credentialSettings(env: TargetSettings['env']): { readonly credentials?: CredentialSettings } {
  const serverUrl = env['DATABASE_PUBLIC_URL']
  return serverUrl ? { credentials: { serverUrl } } : {}
}

/** The admin URL, for the commands that work on the database itself. Throws CONFIGURATION_INVALID without it. */
export function requireAdminUrl(settings: Pick<TargetSettings, 'env'>, command: string): string {
  const adminUrl = settings.env['DATABASE_ADMIN_URL']
  if (adminUrl) return adminUrl
  throw new TenantryError(
    'CONFIGURATION_INVALID',
    `tenantry ${command} works on the database itself and needs DATABASE_ADMIN_URL.`,
    {
      fix: 'Set DATABASE_ADMIN_URL; for a dev server, start it as `tenantry dev --show-admin-url` and copy what it prints.',
    },
  )
}
