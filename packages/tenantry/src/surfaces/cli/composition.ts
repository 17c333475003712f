// The parts of the package that commands need, behind one seam and loaded when they are needed: `tenantry --help`
// and commands over HTTP pay for neither the database driver nor the server.
import type { EmbeddedOptions, EmbeddedServer } from '../../embedded/embedded-server.ts'
import type { Adopt } from '../../features/adopt/adopt.ts'
import type { ExplainResult } from '../../features/explain/explain.ts'
import type { OpenVerifier } from '../../composition/open-verifier.ts'
import type { Keys } from '../../features/keys/api-key.ts'
import type { Operators, Support } from '../../features/operators/operator.ts'
import type { ExternalAccess } from '../../features/external-access/external-access.ts'
import type { LintOptions, LintReport } from '../../features/lint/lint-folder.ts'
import type { MigrationSettings } from '../../features/migrations/migration-files.ts'
import type { NewMigration } from '../../features/migrations/new-migration.ts'
import type { ResolutionSettings } from '../../features/resolution/settings.ts'
import type { ContextToken, TokenOptions } from '../../features/tokens/context-tokens.ts'
import type { CredentialSettings, TenantrySettings } from '../../composition/settings.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { TenantRef } from '../../tenants/tenant.ts'
import type { ControlPlane } from '../http/control-plane.ts'
import type { LoadedConfig } from '../config/load-config.ts'
import type { HttpServer, ServeOptions } from '../http/server.ts'

/** What a statement of the scoped shell answers. */
export interface StatementResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[]
  readonly rowCount: number | null
  readonly command: string
}

export interface ScopedTransaction {
  query(text: string, values?: readonly unknown[]): Promise<StatementResult>
}

export interface ProtectResult {
  readonly table: string
  readonly statements: readonly string[]
  /** False where the table already had the policy form. */
  readonly changed: boolean
  /** Rows given to the tenant that was named. */
  readonly rows?: number
}

export interface GlobalTable {
  readonly table: string
  /** False where it was on the list, or off it, already. */
  readonly changed: boolean
}

/** The library, as far as commands use it. */
export interface CliTenantry extends ControlPlane {
  readonly keys: Keys
  readonly adopt: Adopt
  readonly externalAccess: ExternalAccess
  readonly operators: Operators
  readonly support: Support
  scope(ref: TenantRef): {
    transaction<T>(run: (tx: ScopedTransaction) => Promise<T>, options: { readonly readOnly: boolean }): Promise<T>
  }
  protect(table: string, options: { readonly tenant?: TenantRef; readonly dryRun?: boolean }): Promise<ProtectResult>
  token(ref: TenantRef, options: TokenOptions): Promise<ContextToken>
  explain(
    ref: TenantRef,
    statement: string,
    options: { readonly analyze: boolean; readonly params?: readonly unknown[] },
  ): Promise<ExplainResult>
  markGlobal(table: string, reason: string): Promise<GlobalTable>
  unmarkGlobal(table: string): Promise<GlobalTable>
  close(): Promise<void>
}

export type { ExternalTable } from '../../features/external-access/external-access.ts'
export type { LintFinding, LintOptions, LintReport } from '../../features/lint/lint-folder.ts'

export interface Check {
  readonly name: string
  readonly ok: boolean
  /** What it was looked at for. */
  readonly subject?: string
  /** The SQL, or the words, that mend it. */
  readonly fix?: string
}

export interface Examination {
  readonly ok: boolean
  readonly checks: readonly Check[]
}

export interface Initialization {
  readonly instanceId: string
  readonly roles: { readonly login: string; readonly app: string; readonly central: string }
  /** Control-plane migrations that this run applied; empty where everything was there. */
  readonly applied: readonly string[]
}

export interface TenantryOptions {
  readonly databaseUrl?: string
  readonly adminUrl: string
  readonly verifyEveryMs?: number
  readonly logger?: Logger
  readonly credentials?: CredentialSettings
  /** Settings of resolution where the configuration has none. */
  readonly resolutionDefaults?: ResolutionSettings
}

/** Where a command line was typed. */
export interface Place {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface Composition {
  /** The configuration that is in force at a place; default: where the command was typed. */
  readConfig(place?: Place): Promise<LoadedConfig>
  /** The instance that the configuration file and the environment describe, with these options over them. */
  createTenantry(options: TenantryOptions, place?: Place): Promise<CliTenantry>
  initialise(adminUrl: string, options: { readonly harden: boolean }): Promise<Initialization>
  /** Examines the login of DATABASE_URL, too, where there is one. */
  examine(adminUrl: string, databaseUrl: string | undefined): Promise<Examination>
  lint(folder: string, options: LintOptions): Promise<LintReport>
  lintMigrations(folder: string, options: LintOptions): Promise<LintReport>
  /** Writes the next migration file; resolves with its path. */
  newMigration(source: string | MigrationSettings, wanted: NewMigration): Promise<string>
  /** The verifier of the instance; it starts nothing else. */
  openVerifier(adminUrl: string, databaseUrl: string | undefined): Promise<OpenVerifier>
  startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer>
  serve(controlPlane: ControlPlane, options: ServeOptions): Promise<HttpServer>
}

/** A place without a file and without variables. */
const NOWHERE: Place = { cwd: '/nonexistent', env: {} }

/** The same parts, with the place of a command line as the default. */
export function placedAt(composition: Composition, place: Place): Composition {
  return {
    ...composition,
    readConfig: () => composition.readConfig(place),
    createTenantry: (options) => composition.createTenantry(options, place),
  }
}

/** Which database it is, the command line has decided. */
function withoutDatabase(settings: TenantrySettings): TenantrySettings {
  const own = new Set(['adminUrl', 'databaseUrl', 'embedded'])
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !own.has(name)))
}

/** The parts as this package has them. */
export const packageComposition: Composition = {
  async readConfig(place = NOWHERE) {
    const { readConfig } = await import('../config/load-config.ts')
    return readConfig(place)
  },
  async createTenantry({ resolutionDefaults, ...options }, place) {
    const [{ createTenantry }, { settings }] = await Promise.all([
      import('../../tenantry.ts'),
      packageComposition.readConfig(place),
    ])
    const resolution = { ...resolutionDefaults, ...settings.resolution }
    const tenantry = createTenantry({ ...withoutDatabase(settings), ...options, resolution })
    try {
      await tenantry.start()
    } catch (error) {
      // Connections of a start that failed half way would keep the process alive.
      await tenantry.close()
      throw error
    }
    return tenantry
  },
  async initialise(adminUrl, options) {
    const [{ openCentralDatabase }, { initialise }, { readLedger }] = await Promise.all([
      import('../../engine/sql/central-database.ts'),
      import('../../control/initialise.ts'),
      import('../../control/control-migrations.ts'),
    ])
    const database = openCentralDatabase({ url: adminUrl })
    try {
      const before = new Set((await readLedger(database))?.map(({ name }) => name))
      const { id, roles } = await initialise(database, options)
      const after = (await readLedger(database)) ?? []
      const applied = after.map(({ name }) => name).filter((name) => !before.has(name))
      return { instanceId: id, roles, applied }
    } finally {
      await database.close()
    }
  },
  async examine(adminUrl, databaseUrl) {
    const [{ openCentralDatabase }, { examine }] = await Promise.all([
      import('../../engine/sql/central-database.ts'),
      import('../../control/doctor.ts'),
    ])
    const database = openCentralDatabase({ url: adminUrl })
    const login = databaseUrl === undefined ? undefined : openCentralDatabase({ url: databaseUrl })
    try {
      const urls = { adminUrl, ...(databaseUrl !== undefined && { databaseUrl }) }
      return await examine(database, { ...urls, ...(login !== undefined && { login }) })
    } finally {
      await database.close()
      await login?.close()
    }
  },
  async lint(folder, options) {
    const { lintFolder } = await import('../../features/lint/lint-folder.ts')
    return lintFolder(folder, options)
  },
  async lintMigrations(folder, options) {
    const { lintMigrations } = await import('../../features/lint/lint-folder.ts')
    return lintMigrations(folder, options)
  },
  async newMigration(source, wanted) {
    const { newMigration } = await import('../../features/migrations/new-migration.ts')
    return newMigration(source, wanted)
  },
  async openVerifier(adminUrl, databaseUrl) {
    const { openVerifier } = await import('../../composition/open-verifier.ts')
    return openVerifier(adminUrl, databaseUrl === undefined ? {} : { databaseUrl })
  },
  async startEmbedded(options) {
    const { startEmbedded } = await import('../../embedded/embedded-server.ts')
    return startEmbedded(options)
  },
  async serve(controlPlane, options) {
    const { serve } = await import('../http/server.ts')
    return serve(controlPlane, options)
  },
}
