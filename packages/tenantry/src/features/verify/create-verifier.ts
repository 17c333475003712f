// `tenantry verify`: the catalogue's checks and the live probes as one run, which is signed, stored and compared with
// the run before.
import type { Instance } from '../../control/instance.ts'
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import type { PoolConfig } from '../../engine/sql/pg.ts'
import type { ScopedClientConfig } from '../../engine/sql/scoped-client.ts'
import { newId } from '../../kernel/ids.ts'
import type { Logger } from '../../kernel/logger.ts'
import { packageVersion } from '../../kernel/version.ts'
import { checkCatalogue } from './catalogue/check-catalogue.ts'
import { catalogueFingerprint } from './catalogue/fingerprint.ts'
import { fixStatements } from './catalogue/fix-statements.ts'
import { fails, type VerifyCheck } from './check.ts'
import { runProbes } from './probes/run-probes.ts'
import { publicKeyOf, type VerifyHalf, type VerifyReport } from './report.ts'
import { readKey, readLastReport, storeRun, type Unstored } from './verify-store.ts'

/** How far a run has come. */
export interface VerifyProgress {
  /** What is being looked at. */
  readonly step: string
  readonly done: number
  readonly of: number
}

export interface VerifyOptions {
  /** One half alone; default both. */
  readonly only?: VerifyHalf
  /** Probes write nothing, not even to be rolled back. Default false. */
  readonly readOnly?: boolean
  /** Accepts probes that could not run. Default false: what was not proven fails the run. */
  readonly allowSkipped?: boolean
  /** How many schema tenants are attacked in depth, drawn anew for each run; default 20. All are read. */
  readonly sampleSchemas?: number
  /** Applies what `fixStatements` gives, in one transaction, and runs again; the second run is the answer. */
  readonly fix?: boolean
  /** Who asked, for the audit log; default `library`. */
  readonly actor?: string
  readonly onProgress?: (progress: VerifyProgress) => void
}

export interface Verifier {
  /** Runs, stores and returns. What is wrong is in the checks; throws only where the database cannot be reached. */
  run(options?: VerifyOptions): Promise<VerifyReport>
  /** The newest run's report. Throws VERIFY_NOT_RUN. */
  last(): Promise<VerifyReport>
  /** The PEM key with which reports can be checked. */
  publicKey(): Promise<string>
}

export interface VerifierOptions {
  readonly central: CentralDatabase
  readonly instance: Instance
  /** Connection of the scoped login. */
  readonly connection: PoolConfig & ScopedClientConfig
  readonly sharedSchemas: readonly string[]
  readonly logger: Logger
}

/** The verifier of a started instance. */
export function createVerifier(parts: VerifierOptions): Verifier {
  const run = async (options: VerifyOptions = {}): Promise<VerifyReport> => {
    const report = await runOnce(parts, options)
    const statements = options.fix === true ? fixStatements(report.checks) : []
    if (statements.length === 0) return report
    await applyFixes(parts.central, statements, options.actor ?? 'library')
    return runOnce(parts, options)
  }
  return {
    run,
    last: () => readLastReport(parts.central),
    publicKey: async () => publicKeyOf(await readKey(parts.central)),
  }
}

async function runOnce(parts: VerifierOptions, options: VerifyOptions): Promise<VerifyReport> {
  const { central, instance, logger } = parts
  const { only = null, readOnly = false, allowSkipped = false, actor = 'library' } = options
  const startedAt = new Date().toISOString()
  const catalogue = only === 'probes' ? NOT_LOOKED_AT : await lookAtCatalogue(parts, options)
  const probes = only === 'catalogue' ? [] : await attack(parts, options)
  const { fingerprint, parts: hashes } = catalogue
  const checks = [...catalogue.checks, ...probes]
  const run: Unstored = {
    ...{ ok: !checks.some((check) => fails(check, allowSkipped)), checks, instance: instance.id },
    ...(await readServer(central)),
    ...{ tenantryVersion: packageVersion, startedAt, finishedAt: new Date().toISOString() },
    ...{ only, readOnly, allowSkipped, fingerprint, parts: hashes },
  }
  const report = await storeRun(central, run, actor)
  const changed = (report.changed ?? []).join(', ')
  if (changed !== '') logger.warn('the catalogue has changed since verify last ran', { parts: changed })
  return report
}

async function readServer(sql: Sql): Promise<Pick<VerifyReport, 'database' | 'serverVersion'>> {
  const { rows } = await sql.query<{ database: string; serverVersion: string }>(
    `select current_database()::text as database, current_setting('server_version') as "serverVersion"`,
  )
  return rows[0] ?? { database: '', serverVersion: '' }
}

interface CatalogueFindings {
  readonly checks: readonly VerifyCheck[]
  readonly fingerprint: string | null
  readonly parts: Readonly<Record<string, string>> | null
}

const NOT_LOOKED_AT: CatalogueFindings = { checks: [], fingerprint: null, parts: null }

async function lookAtCatalogue(parts: VerifierOptions, { onProgress }: VerifyOptions): Promise<CatalogueFindings> {
  const { central, instance, sharedSchemas } = parts
  const checks = await checkCatalogue(central, {
    ...{ roles: instance.roles, loginUser: loginOf(parts), sharedSchemas },
    onProgress: (done, of, what) => onProgress?.({ step: what, done, of }),
  })
  return { checks, ...(await catalogueFingerprint(central, instance.roles)) }
}

function attack(parts: VerifierOptions, options: VerifyOptions): Promise<readonly VerifyCheck[]> {
  const { central, connection, instance, sharedSchemas } = parts
  return runProbes({
    ...{ central, connection, sharedSchemas, readOnly: options.readOnly, sampleSchemas: options.sampleSchemas },
    instance: { ...instance, roles: { ...instance.roles, login: loginOf(parts) } },
    onProgress: (step, done, of) => options.onProgress?.({ step, done, of }),
  })
}

/** The user of DATABASE_URL where there is one. */
function loginOf({ connection, instance }: VerifierOptions): string {
  const { connectionString = '', user } = connection
  const named = URL.canParse(connectionString) ? decodeURIComponent(new URL(connectionString).username) : ''
  return named || (user ?? instance.roles.login)
}

async function applyFixes(central: CentralDatabase, statements: readonly string[], actor: string): Promise<void> {
  await central.transaction(async (tx) => {
    await tx.query("set local lock_timeout = '10s'")
    for (const statement of statements) await tx.query(statement)
    await tx.query('insert into tenantry.audit_entry (id, actor, action, detail) values ($1, $2, $3, $4)', [
      ...[newId(), actor, 'verify.fix', JSON.stringify({ statements })],
    ])
  })
}
