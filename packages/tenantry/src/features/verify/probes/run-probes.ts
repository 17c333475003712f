// All live probes of one run, in order: the ground, the shared tables, the schemas, the views and functions.
import type { Instance } from '../../../control/instance.ts'
import type { Sql } from '../../../engine/sql/database.ts'
import type { PoolConfig } from '../../../engine/sql/pg.ts'
import type { ScopedClientConfig } from '../../../engine/sql/scoped-client.ts'
import { newId } from '../../../kernel/ids.ts'
import type { VerifyCheck } from '../check.ts'
import { probeBreadth } from './breadth-probe.ts'
import { probeContext } from './context-probe.ts'
import { probeDoors } from './differential-probe.ts'
import { type Honey, type Identity, makeHoney } from './honey.ts'
import { SessionGroup } from './session-group.ts'
import { type Repairs, repairsFor } from './repairs.ts'
import { probeTable, type TableProbeOptions } from './table-probe.ts'
import {
  readAllSchemaTableNames,
  readSchemaTables,
  readSchemaTenants,
  readSharedTables,
  type SchemaTenant,
  type TargetTable,
} from './targets.ts'

export interface ProbeOptions {
  /** The control plane: reads the catalogue, writes nothing. */
  readonly central: Sql
  /** Connection of the scoped login. */
  readonly connection: PoolConfig & ScopedClientConfig
  readonly instance: Pick<Instance, 'roles' | 'signingKey' | 'clockOffsetMs'>
  readonly sharedSchemas: readonly string[]
  /** Nothing is written, not even to be rolled back. Default false. */
  readonly readOnly?: boolean | undefined
  /** How many schema tenants are attacked in depth, chosen anew each time; default 20. All are read. */
  readonly sampleSchemas?: number | undefined
  readonly onProgress?: ((step: string, done: number, of: number) => void) | undefined
}

const DEFAULT_SAMPLE = 20

/** What all probes of a run share. */
interface Common extends Omit<TableProbeOptions, 'session'> {
  readonly sessions: SessionGroup
}

interface Targets {
  readonly shared: readonly TargetTable[]
  readonly tenants: readonly SchemaTenant[]
  readonly sample: readonly SchemaTenant[]
  readonly own: readonly TargetTable[]
}

/** Runs every probe. Throws only where the database cannot be reached; what is wrong is in the checks. */
export async function runProbes(options: ProbeOptions): Promise<readonly VerifyCheck[]> {
  const { central, connection, instance, onProgress = () => {} } = options
  const honey = makeHoney({
    ...{ signingKey: instance.signingKey, appRole: instance.roles.app },
    ...{ sharedSchemas: options.sharedSchemas, clockOffsetMs: instance.clockOffsetMs },
  })
  const targets = await readTargets(central, instance.roles.app, options.sampleSchemas ?? DEFAULT_SAMPLE)
  const repairs = repairsFor(instance.roles, targets.tenants)
  const tables = new Map([...targets.shared, ...targets.own].map((table) => [table.name, table]))
  const sessions = await SessionGroup.open(connection)
  try {
    const common = { sessions, central, honey, tables, repairs, readOnly: options.readOnly ?? false }
    const outOfReach = await readPowerfulRoles(central, [...tables.keys()])
    const [ground = []] = await sessions.each([honey], (session) =>
      probeContext({ session, connection, honey, roles: instance.roles, outOfReach }),
    )
    const attacked = await probeTables(common, targets, onProgress)
    const rest = await readRest(options, { sessions, honey, repairs, targets })
    const doors = await probeDoors({ ...common, tenants: targets.sample, appRole: instance.roles.app })
    return [...ground, ...attacked, ...rest, ...doors]
  } finally {
    await sessions.close()
  }
}

async function readTargets(central: Sql, appRole: string, size: number): Promise<Targets> {
  const shared = await readSharedTables(central, appRole)
  const tenants = await readSchemaTenants(central)
  const sample = sampleOf(tenants, size)
  const own = await readSchemaTables(
    central,
    sample.map(({ schemaName }) => schemaName),
  )
  return { shared, tenants, sample, own }
}

/** As many as asked for, drawn anew each time, so that many runs reach all. */
function sampleOf<T>(all: readonly T[], size: number): readonly T[] {
  const pool = [...all]
  const drawn: T[] = []
  while (drawn.length < size && pool.length > 0) drawn.push(...pool.splice(Math.floor(Math.random() * pool.length), 1))
  return drawn
}

async function probeTables(
  common: Common,
  { shared, sample, own }: Targets,
  onProgress: NonNullable<ProbeOptions['onProgress']>,
): Promise<readonly VerifyCheck[]> {
  const { honey } = common
  const all = [...shared, ...own]
  let done = 0
  const found = await common.sessions.each(all, async (session, table) => {
    const attackers = attackersOf(honey, sample, table)
    const checks = await probeTable({ ...common, session }, { table, ...attackers })
    onProgress('tables', ++done, all.length)
    return checks
  })
  return found.flat()
}

interface Attackers {
  readonly victim: Identity
  readonly attacker: Identity
  readonly others: readonly { readonly who: string; readonly identity: Identity }[]
}

/** Row against row and schema against row; row against schema and schema against schema. */
function attackersOf(honey: Honey, sample: readonly SchemaTenant[], table: TargetTable): Attackers {
  const owner = sample.find(({ schemaName }) => schemaName === table.schema)
  const stranger = sample.find((tenant) => tenant !== owner)
  const victim = owner ? honey.schemaTenant(owner) : honey.victim
  if (stranger === undefined) return { victim, attacker: honey.attacker, others: [] }
  // In a shared table the stranger may have rows of its own, which are no breach: there a new id takes its place.
  const identity = honey.schemaTenant(owner ? stranger : { ...stranger, id: newId() })
  return { victim, attacker: honey.attacker, others: [{ who: 'a schema tenant', identity }] }
}

interface Rest {
  readonly sessions: SessionGroup
  readonly honey: Honey
  readonly repairs: Repairs
  readonly targets: Targets
}

/** The read over all schemas; what was attacked in depth has been read already. */
async function readRest(options: ProbeOptions, { sessions, honey, repairs, targets }: Rest) {
  const attacked = new Set(targets.own.map(({ name }) => name))
  const names = (await readAllSchemaTableNames(options.central)).filter((name) => !attacked.has(name))
  const fixOf = (name: string) => repairs.schemaTable(name)
  const onProgress = (done: number, of: number) => options.onProgress?.('schemas', done, of)
  return probeBreadth({ sessions, honey, fixOf, onProgress }, names)
}

/** Roles that the application must not become: who owns what it uses, and whoever is above policies. */
async function readPowerfulRoles(central: Sql, tables: readonly string[]): Promise<readonly string[]> {
  const { rows } = await central.query<{ name: string }>(
    `select r.rolname::text as name from pg_roles r
      where r.rolsuper or r.rolbypassrls or r.oid in (select c.relowner from pg_class c join pg_namespace n
        on n.oid = c.relnamespace where format('%I.%I', n.nspname, c.relname) = any ($1::text[]))
      order by 1 limit 100`,
    [tables],
  )
  return rows.map(({ name }) => name)
}
