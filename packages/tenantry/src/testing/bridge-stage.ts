// The tables and tenants that the bridge suite plays on, made through the instance it is handed.
import type { CentralScope } from '../composition/central-scope.ts'
import { quoteIdentifier, quoteLiteral } from '../kernel/identifiers.ts'
import type { Tenantry } from '../tenantry.ts'
import type { Tenant } from '../tenants/tenant.ts'
import type { SuiteNote } from './bridge.ts'

// Fewer than the default of maxClients, so that every tenant can have a transaction open.
const TENANTS_PER_ISOLATION = 5

export const suiteIsolations = ['row', 'schema'] as const
export type SuiteIsolation = (typeof suiteIsolations)[number]

/** What is really stored for a tenant, read with central access. */
export interface StoredRows {
  readonly notes: readonly { readonly id: number; readonly body: string }[]
  readonly comments: readonly { readonly id: number; readonly text: string }[]
}

export interface BridgeStage {
  readonly tenantry: Tenantry
  readonly tenants: Readonly<Record<SuiteIsolation, readonly Tenant[]>>
  /** Every tenant back to three notes, the first with two comments: the same ids everywhere, texts of its own. */
  reset(): Promise<void>
  stored(tenant: Tenant): Promise<StoredRows>
}

/** The notes that each tenant starts with. */
export const firstNotes = (slug: string): readonly SuiteNote[] => [
  { id: 1, parentId: null, body: `${slug}/1` },
  { id: 2, parentId: 1, body: `${slug}/2` },
  { id: 3, parentId: 1, body: `${slug}/3` },
]

/** The tables and tenants, made where they are missing. */
export async function openBridgeStage(tenantry: Tenantry): Promise<BridgeStage> {
  await makeSharedTables(tenantry)
  const tenants = { row: await makeTenants(tenantry, 'row'), schema: await makeTenants(tenantry, 'schema') }
  for (const tenant of tenants.schema) await makeOwnTables(tenantry, tenant)
  const all = [...tenants.row, ...tenants.schema]
  return {
    tenantry,
    tenants,
    reset: () =>
      tenantry.asCentral('bridge suite: reset', async (central) => {
        await central.query(all.map(resetText).join('\n'))
      }),
    stored: (tenant) => tenantry.asCentral('bridge suite: count', (central) => readStored(central, tenant)),
  }
}

async function makeSharedTables(tenantry: Tenantry): Promise<void> {
  await tenantry.asCentral('bridge suite: tables', (central) =>
    central.query(`
      create table if not exists public.suite_note (
        tenant_id uuid not null, id integer not null, parent_id integer, body text not null,
        primary key (tenant_id, id), foreign key (tenant_id, parent_id) references public.suite_note);
      create table if not exists public.suite_comment (
        tenant_id uuid not null, id integer not null, note_id integer not null, text text not null,
        primary key (tenant_id, id),
        foreign key (tenant_id, note_id) references public.suite_note on delete cascade)`),
  )
  await tenantry.protect('public.suite_note')
  await tenantry.protect('public.suite_comment')
}

async function makeTenants(tenantry: Tenantry, isolation: SuiteIsolation): Promise<readonly Tenant[]> {
  const tenants: Tenant[] = []
  for (let at = 1; at <= TENANTS_PER_ISOLATION; at++) {
    const slug = `suite-${isolation}-${at}`
    const found = await tenantry.tenants.find(slug)
    tenants.push(found ?? (await tenantry.tenants.create({ name: slug, slug, isolation })))
  }
  return tenants
}

/** The tables of a schema tenant, as a migration of the application would make them: no tenant column. */
async function makeOwnTables(tenantry: Tenantry, { id, schemaName }: Tenant): Promise<void> {
  const schema = quoteIdentifier(schemaName)
  await tenantry.asCentral('bridge suite: tables', (central) =>
    central.transaction(async (tx) => {
      await tx.query(`
        create table if not exists ${schema}.suite_note (
          id integer primary key, parent_id integer references ${schema}.suite_note, body text not null);
        create table if not exists ${schema}.suite_comment (
          id integer primary key, note_id integer not null references ${schema}.suite_note on delete cascade,
          text text not null)`)
      await tx.query(
        `select tenantry.guard_schema($1, $2, 'tn_' || i.id || '_app', 'tn_' || i.id || '_central')
           from tenantry.instance i`,
        [id, schemaName],
      )
    }),
  )
}

/** Where a tenant's rows lie; the column and the value that only a shared table has. */
function placeOf({ id, isolation, schemaName }: Tenant) {
  return isolation === 'row'
    ? {
        schema: 'public',
        column: 'tenant_id, ',
        value: `${quoteLiteral(id)}, `,
        own: `where tenant_id = ${quoteLiteral(id)}`,
      }
    : { schema: quoteIdentifier(schemaName), column: '', value: '', own: '' }
}

function resetText(tenant: Tenant): string {
  const { schema, column, value, own } = placeOf(tenant)
  const notes = firstNotes(tenant.slug).map(
    ({ id, parentId, body }) => `(${value}${id}, ${parentId ?? 'null'}, ${quoteLiteral(body)})`,
  )
  const comments = [1, 2].map((id) => `(${value}${id}, 1, ${quoteLiteral(`${tenant.slug}/c${id}`)})`)
  return `delete from ${schema}.suite_note ${own};
    insert into ${schema}.suite_note (${column}id, parent_id, body) values ${notes.join(', ')};
    insert into ${schema}.suite_comment (${column}id, note_id, text) values ${comments.join(', ')};`
}

async function readStored(central: CentralScope, tenant: Tenant): Promise<StoredRows> {
  const { schema, own } = placeOf(tenant)
  const read = async <R extends object>(columns: string, table: string) =>
    (await central.query<R>(`select ${columns} from ${schema}.${table} ${own} order by id`)).rows
  return { notes: await read('id, body', 'suite_note'), comments: await read('id, text', 'suite_comment') }
}
