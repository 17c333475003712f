// Proves a user's own application: what it returns for one tenant holds nothing that it stored for another.
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { TenantryError } from '../kernel/errors.ts'
import type { Tenantry } from '../tenantry.ts'
import type { Isolation, Tenant } from '../tenants/tenant.ts'
import { readUncovered } from './reachable-relations.ts'

export interface ProofOptions {
  readonly tenantry: Tenantry
  /** The application's reads: called inside the tenant's scope, often and at once for both; returns what a user would see. */
  run(tenant: Tenant, mark: string): unknown
  /** The application's writes: called once inside each tenant's scope, and stores the mark in what `run` returns. */
  write?(tenant: Tenant, mark: string): unknown
  /** Default that of the instance. */
  readonly isolation?: Isolation
  /** How often each tenant runs in turn with the other, and again at once; default 10. */
  readonly rounds?: number
  /** Tables that all tenants share on purpose, as `schema.table`; names without a schema are in `public`. */
  readonly globalTables?: readonly string[]
}

export interface Proof {
  /** How many answers were searched. */
  readonly answers: number
}

interface Side {
  readonly tenant: Tenant
  readonly mark: string
}

const DEFAULT_ROUNDS = 10
const REASON = 'isolation proof'

/**
 * Makes two tenants, lets the application write and read in both, in turn and at once, and looks for marks of one in
 * what comes back for the other, errors included. Then asks the catalogue for tables that the application can reach
 * without a policy. Both tenants are purged at the end.
 *
 * Throws ISOLATION_BROKEN where something crossed or is open, and PROOF_INCONCLUSIVE where `run` returned nothing of
 * what `write` had stored. Errors of the application reach the caller unchanged.
 *
 * @example
 * ```ts
 * await proveIsolation({
 *   tenantry,
 *   write: (_tenant, mark) => tenantry.pool.query('insert into invoices (text) values ($1)', [mark]),
 *   run: async () => (await tenantry.pool.query('select * from invoices')).rows,
 * })
 * ```
 */
export async function proveIsolation(options: ProofOptions): Promise<Proof> {
  const { tenantry } = options
  const made: Tenant[] = []
  try {
    for (const name of ['one', 'two']) made.push(await createTenant(options, name))
    const [one, two] = made.map((tenant) => ({ tenant, mark: `mark-${randomBytes(12).toString('hex')}` }))
    if (!one || !two) throw new TenantryError('INTERNAL', 'The tenants of the proof were not made.')
    for (const { tenant, mark } of [one, two]) await inScope(tenantry, tenant, () => options.write?.(tenant, mark))
    const answers = await runBoth(options, one, two)
    await refuseUncovered(options)
    return { answers }
  } finally {
    for (const { slug } of made) await removeTenant(tenantry, slug)
  }
}

async function createTenant({ tenantry, isolation }: ProofOptions, name: string): Promise<Tenant> {
  const slug = `proof-${randomBytes(4).toString('hex')}-${name}`
  await tenantry.tenants.create({ name: slug, slug, provision: true, ...(isolation && { isolation }) })
  return tenantry.tenants.get(slug)
}

async function removeTenant({ tenants }: Tenantry, slug: string): Promise<void> {
  await tenants.delete(slug)
  await tenants.purge(slug, { confirm: slug })
}

const inScope = (tenantry: Tenantry, { id }: Tenant, work: () => unknown): Promise<unknown> =>
  tenantry.run({ id }, async () => work())

/** In turn first, which shows what is remembered, then at once, which shows what is shared. */
async function runBoth(options: ProofOptions, one: Side, two: Side): Promise<number> {
  const { rounds = DEFAULT_ROUNDS } = options
  const pairs = Array.from({ length: rounds }, () => [
    () => searchedRun(options, one, two),
    () => searchedRun(options, two, one),
  ]).flat()
  for (const ask of pairs) await ask()
  await Promise.all(pairs.map((ask) => ask()))
  return 2 * pairs.length
}

async function searchedRun(options: ProofOptions, own: Side, other: Side): Promise<void> {
  const { tenant, mark } = own
  let text: string
  try {
    text = textOf(await inScope(options.tenantry, tenant, () => options.run(tenant, mark)))
  } catch (error) {
    if (shows(textOf(error), other)) throw crossed('An error of the application')
    throw error
  }
  if (shows(text, other)) throw crossed('What the application returned')
  if ('write' in options && !text.includes(mark)) {
    throw new TenantryError('PROOF_INCONCLUSIVE', 'run() returned nothing of what write() had stored.')
  }
}

// Never with the text itself: a proof may run over real rows.
function crossed(what: string): TenantryError {
  return new TenantryError('ISOLATION_BROKEN', `${what} for one tenant showed what belongs to another.`)
}

function shows(text: string, { tenant, mark }: Side): boolean {
  return [mark, tenant.id, tenant.slug].some((sign) => text.includes(sign))
}

/** All of a value as text, however deep. */
function textOf(value: unknown): string {
  return inspect(value, { depth: null, maxArrayLength: null, maxStringLength: null, breakLength: Infinity })
}

async function refuseUncovered({ tenantry, globalTables }: ProofOptions): Promise<void> {
  const uncovered = await tenantry.asCentral(REASON, (central) => readUncovered(central, globalTables))
  if (uncovered.length === 0) return
  throw new TenantryError(
    'ISOLATION_BROKEN',
    `The application can reach what no tenant policy covers: ${uncovered.map(({ name, reason }) => `${name} ${reason}`).join('; ')}.`,
    { fix: 'Protect the table, revoke the grant, or name it in globalTables where all tenants share it on purpose.' },
  )
}
