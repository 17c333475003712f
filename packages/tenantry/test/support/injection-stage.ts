// The stage of the injection tests: an application that builds one statement of each kind from text it was given, and
// two tenants of each isolation, each of which holds a secret.
import type { PoolClient } from '../../src/engine/sql/pg.ts'
import type { ScopedTenant } from '../../src/engine/context/scope.ts'
import { startEngine, type TestEngine } from '../harness/engine.ts'

export interface Victim {
  readonly isolation: 'row' | 'schema'
  readonly own: ScopedTenant
  readonly other: ScopedTenant
  /** The other tenant's table, as an attacker names it. */
  readonly otherInvoice: string
}

export type Answer = { readonly rows: readonly Record<string, unknown>[]; readonly rowCount: number | null }

export interface InjectionStage {
  readonly engine: TestEngine
  readonly row: Victim
  readonly schema: Victim
  close(): Promise<void>
}

const INVOICE = 'create table invoice (id int primary key, secret text);'
const OWN_TABLES = `${INVOICE} create table numbered (id serial primary key, n int);
  create table identified (id int generated always as identity primary key, n int)`

/** What a tenant's secrets end with, and nobody else's do. */
export const secretOf = (tenant: ScopedTenant) => `${tenant.slug}-secret`

export async function openInjectionStage(): Promise<InjectionStage> {
  const engine = await startEngine({ max: 2, sharedConnections: 1 })
  const row = { own: await engine.addTenant('acme'), other: await engine.addTenant('globex') }
  const schema = {
    own: await engine.addTenant('north', OWN_TABLES),
    other: await engine.addTenant('south', OWN_TABLES),
  }
  await engine.central.query(INVOICE)
  await engine.protect('invoice')
  const stage: InjectionStage = {
    engine,
    row: { isolation: 'row', ...row, otherInvoice: 'public.invoice' },
    schema: { isolation: 'schema', ...schema, otherInvoice: 'tenant_south.invoice' },
    close: () => engine.close(),
  }
  for (const { own, other } of [row, schema]) {
    await send(stage, own, `insert into invoice (id, secret) values (1, '${secretOf(own)}'), (2, '2')`)
    await send(stage, other, `insert into invoice (id, secret) values (11, '${secretOf(other)}')`)
    await engine.central.query(
      `insert into tenantry.member (tenant_id, user_id, role, state) values ('${other.id}', '${secretOf(other)}', 'owner', 'active')`,
    )
  }
  return stage
}

/** One statement through the pool. */
export function send({ engine }: InjectionStage, { slug }: ScopedTenant, text: string): Promise<Answer> {
  return engine.scopes.run(slug, {}, () => engine.pool.query(text) as Promise<Answer>)
}

type Way = (stage: InjectionStage, tenant: ScopedTenant, text: string) => Promise<Answer>

/** How the application sends what it built. */
export const injectionWays = {
  'pool.query()': send,
  'a transaction': ({ engine }, { slug }, text) => engine.scopes.handle(slug, {}).transaction((tx) => tx.query(text)),
  'a checked-out client': ({ engine }, { slug }, text) =>
    engine.scopes.run(slug, {}, async () => {
      const client = await (engine.pool.connect() as Promise<PoolClient>)
      try {
        return await client.query<Record<string, unknown>>(text)
      } finally {
        client.release()
      }
    }),
  'a batch': async ({ engine }, { slug }, text) => {
    const [answer] = await engine.scopes.handle(slug, {}).batch([{ text }])
    return answer ?? { rows: [], rowCount: 0 }
  },
} satisfies Record<string, Way>

/** Where the fragment stands. Each of them answers with the value of the injected expression as `secret`. */
export const injectionPlaces = {
  'a SELECT': (expression: string) =>
    `select id, secret from invoice where id = 0 union all select 0, (${expression})::text --'`,
  'an INSERT': (expression: string) =>
    `insert into invoice (id, secret) values (1000, (${expression})::text) on conflict (id) do update
       set secret = excluded.secret returning secret --')`,
  'an UPDATE': (expression: string) =>
    `update invoice set secret = (${expression})::text where id = 2 returning secret --'`,
} satisfies Record<string, (expression: string) => string>

/** An expression that runs a query as text, after another expression, in that order. */
export const after = (first: string, query: string) =>
  `select query_to_xml($q$${query}$q$, true, false, '') from (select ${first} as done offset 0) s where s.done is not null`

export const setTo = (setting: string, value: string) => `set_config('${setting}', '${value}', true)`
