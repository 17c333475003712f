// What the isolation suite plays on: two tenants, a table of each kind with rows of both, and their removal.
import { randomBytes } from 'node:crypto'
import type { CentralScope } from '../composition/central-scope.ts'
import { quoteIdentifier, quoteLiteral } from '../kernel/identifiers.ts'
import type { Tenantry } from '../tenantry.ts'
import type { Isolation, Tenant } from '../tenants/tenant.ts'

/** Two tenants of one isolation, and where their rows are. Both tables have the columns (id int, text text). */
export interface SuiteStage {
  readonly isolation: Isolation
  readonly own: Tenant
  readonly other: Tenant
  /** `note`, where the own tenant's statements find it. The own ids are 1 and 2, the other's 11 and 12. */
  readonly note: string
  /** The same table of the other tenant, by its full name. */
  readonly otherNote: string
  /** Refers to `note` by `note_id`, with ON DELETE CASCADE; each note has one line, of the same id. */
  readonly line: string
  /** A view over `note`. */
  readonly view: string
  /** A table that nobody protected. */
  readonly unprotected: string
  remove(): Promise<void>
}

const REASON = 'isolation suite'

/** Makes the stage; `remove()` takes every trace of it away. */
export async function openSuiteStage(tenantry: Tenantry, isolation: Isolation): Promise<SuiteStage> {
  const mark = `suite_${randomBytes(4).toString('hex')}`
  const create = async (name: string) => {
    const slug = `${mark}-${name}`.replaceAll('_', '-')
    await tenantry.tenants.create({ name: `${mark} ${name}`, slug, isolation, provision: true })
    return tenantry.tenants.get(slug)
  }
  const own = await create('own')
  const other = await create('other')
  const table = (tenant: Tenant, name: string) =>
    `${quoteIdentifier(isolation === 'row' ? 'public' : tenant.schemaName)}.${mark}_${name}`
  const homes = isolation === 'row' ? [own] : [own, other]
  await tenantry.asCentral(REASON, async (central) => {
    for (const home of homes) await createTables(central, (name) => table(home, name))
    if (isolation === 'schema') for (const home of homes) await guard(central, home)
    await central.query(`create table public.${mark}_unprotected (id int primary key, text text)`)
  })
  if (isolation === 'row') {
    for (const name of ['note', 'line']) await tenantry.protect(table(own, name))
    await tenantry.asCentral(REASON, (central) => grantView(central, table(own, 'view')))
  }
  const stage = {
    ...{ isolation, own, other, note: table(own, 'note'), otherNote: table(other, 'note'), line: table(own, 'line') },
    ...{ view: table(own, 'view'), unprotected: `public.${mark}_unprotected` },
    remove: () => remove(tenantry, mark, { own, other, tables: homes.map((home) => table(home, 'note')) }),
  }
  await fill(tenantry, stage, table)
  return stage
}

async function createTables(central: CentralScope, table: (name: string) => string): Promise<void> {
  await central.query(`create table ${table('note')} (id int primary key, text text)`)
  await central.query(
    `create table ${table('line')} (id int primary key,
       note_id int references ${table('note')} (id) on delete cascade, text text)`,
  )
  await central.query(`create view ${table('view')} as select id, text from ${table('note')}`)
}

// A view needs its own grant; protect() has made it run with its caller's rights.
async function grantView(central: CentralScope, view: string): Promise<void> {
  const { rows } = await central.query<{ app: string }>(`select 'tn_' || id || '_app' as app from tenantry.instance`)
  await central.query(`grant select on ${view} to ${quoteIdentifier(rows[0]?.app ?? '')}`)
}

// What the migrations of a tenant's schema end with.
async function guard(central: CentralScope, tenant: Tenant): Promise<void> {
  await central.query(
    `select tenantry.guard_schema(${quoteLiteral(tenant.id)}, ${quoteLiteral(tenant.schemaName)},
       'tn_' || id || '_app', 'tn_' || id || '_central') from tenantry.instance`,
  )
}

async function fill(
  tenantry: Tenantry,
  { own, other }: Pick<SuiteStage, 'own' | 'other'>,
  table: (tenant: Tenant, name: string) => string,
): Promise<void> {
  for (const [tenant, first] of [
    [own, 1],
    [other, 11],
  ] as const) {
    const scope = tenantry.scope(tenant.slug)
    for (const id of [first, first + 1]) {
      await scope.query(`insert into ${table(tenant, 'note')} (id, text) values ($1, $2)`, [id, tenant.slug])
      await scope.query(`insert into ${table(tenant, 'line')} (id, note_id, text) values ($1, $1, $2)`, [
        id,
        tenant.slug,
      ])
    }
  }
}

interface Leftovers {
  readonly own: Tenant
  readonly other: Tenant
  readonly tables: readonly string[]
}

async function remove(tenantry: Tenantry, mark: string, { own, other, tables }: Leftovers): Promise<void> {
  await tenantry.asCentral(REASON, async (central) => {
    for (const note of tables) {
      await central.query(`drop table if exists ${note.replace(/_note$/, '_line')}`)
      await central.query(`drop table if exists ${note} cascade`)
    }
    await central.query(`drop table if exists public.${mark}_unprotected`)
  })
  for (const { slug } of [own, other]) {
    await tenantry.tenants.delete(slug)
    await tenantry.tenants.purge(slug, { confirm: slug })
  }
}
