// Lets a gateway that sets unsigned claims (PostgREST, Hasura) at chosen shared tables: a role of its own, and a policy
// for that role which reads the claim. What is weaker than the signed context stands in SECURITY.md.
import { readAdminFacts } from '../../control/admin-facts.ts'
import type { Instance } from '../../control/instance.ts'
import type { CentralDatabase, Sql } from '../../engine/sql/database.ts'
import { readTableFacts, TENANT_POLICY, type TableFacts } from '../../engine/isolation/table-facts.ts'
import { qualifiedName } from '../../engine/isolation/protection-plan.ts'
import { TenantryError } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import { quoteIdentifier } from '../../kernel/identifiers.ts'
import { claimPath, type Gateway, gatewayNamed, sameClaim } from './claims.ts'
import { dropGatewayRole, ensureGatewayRole, gatewayRole } from './gateway-role.ts'
import { allowStatements, revokeStatements } from './plan.ts'

export interface AllowOptions {
  /**
   * Where in the gateway's claims the tenant's id stands: `app_metadata.tenant_id`, or the keys as a list. Default:
   * `tenant_id` for PostgREST, `x-hasura-tenant-id` for Hasura. One for all tables of a gateway.
   */
  readonly claim?: string | readonly string[]
  /** Who asked, for the audit log; default `library`. */
  readonly actor?: string
}

export interface ExternalTable {
  readonly gateway: Gateway
  /** What the gateway's login has to be a member of. */
  readonly role: string
  /** Keys from the outside in. */
  readonly claim: readonly string[]
  /** Quoted, schema-qualified. */
  readonly table: string
}

export interface ExternalAccess {
  /**
   * Lets a gateway at a protected table. Repeating it changes nothing. Throws TABLE_NOT_FOUND, TABLE_NOT_OWNED,
   * TABLE_UNSUPPORTED where the table is not protected, ROLE_CONFLICT, and INVALID_INPUT for another claim than that
   * of the gateway's other tables.
   */
  allow(gateway: Gateway, table: string, options?: AllowOptions): Promise<ExternalTable>
  /** Takes it back; with the last table the gateway's role goes, unless something else was granted to it. */
  revoke(
    gateway: Gateway,
    table: string,
    options?: Pick<AllowOptions, 'actor'>,
  ): Promise<{ readonly roleKept: boolean }>
  list(): Promise<readonly ExternalTable[]>
}

const LIST = `
  select a.gateway, a.role_name as role, a.claim, format('%I.%I', n.nspname, c.relname) as "table"
    from tenantry.external_access a join tenantry.external_table t using (gateway)
    join pg_class c on c.oid = t.relation join pg_namespace n on n.oid = c.relnamespace
   order by a.gateway, "table"`

export function createExternalAccess(database: CentralDatabase, instance: Instance): ExternalAccess {
  const inTurn = <T>(run: (tx: Sql) => Promise<T>): Promise<T> =>
    database.transaction(async (tx) => {
      await tx.query("set local search_path = public, pg_temp; set local lock_timeout = '10s'")
      await tx.query('lock table tenantry.external_access in share row exclusive mode')
      // Tables that were dropped took their policies along.
      await tx.query(
        'delete from tenantry.external_table t where not exists (select from pg_class where oid = t.relation)',
      )
      return run(tx)
    })
  return {
    allow: async (name, table, options = {}) => {
      const gateway = gatewayNamed(name)
      const claim = claimPath(gateway, options.claim)
      return inTurn((tx) => allowIn(tx, instance, { gateway, table, claim, actor: options.actor ?? 'library' }))
    },
    revoke: async (name, table, { actor = 'library' } = {}) => {
      const gateway = gatewayNamed(name)
      return inTurn((tx) => revokeIn(tx, instance, { gateway, table, actor }))
    },
    list: async () => (await database.query<ExternalTable>(LIST)).rows,
  }
}

interface Request {
  readonly gateway: Gateway
  readonly table: string
  readonly actor: string
}

async function allowIn(
  tx: Sql,
  instance: Instance,
  { gateway, table, claim, actor }: Request & { readonly claim: readonly string[] },
): Promise<ExternalTable> {
  const facts = await readTableFacts(tx, table, instance.roles.app)
  refuseUnprotected(facts)
  const role = gatewayRole(instance.id, gateway)
  await ensureGatewayRole(tx, { role, instanceId: instance.id, admin: await readAdminFacts(tx) })
  await keepClaim(tx, { gateway, role, claim, oid: facts.oid })
  for (const statement of await allowStatements(tx, { gateway, role, facts })) await tx.query(statement)
  const added = await tx.query(
    'insert into tenantry.external_table (gateway, relation) values ($1, $2::oid::regclass) on conflict do nothing',
    [gateway, facts.oid],
  )
  const name = qualifiedName(facts)
  if (added.rowCount === 1) await record(tx, 'external_access.allowed', { actor, gateway, table: name, claim })
  return { gateway, role, claim, table: name }
}

function refuseUnprotected(facts: TableFacts): void {
  const name = qualifiedName(facts)
  if (!facts.isOurs) throw new TenantryError('TABLE_NOT_OWNED', `The table ${name} belongs to the role ${facts.owner}.`)
  const isProtected =
    facts.rowSecurity && facts.forced && facts.policies.some((policy) => policy.name === TENANT_POLICY)
  if (isProtected) return
  throw new TenantryError('TABLE_UNSUPPORTED', `The table ${name} is not a protected table.`, {
    fix: 'Protect it first: `tenantry protect <table>`. Tables of schema tenants cannot be reached by a gateway.',
  })
}

// All tables of a gateway read the same claim: one function serves them, and two readings would be a way to confuse them.
async function keepClaim(
  tx: Sql,
  { gateway, role, claim, oid }: { gateway: Gateway; role: string; claim: readonly string[]; oid: number },
): Promise<void> {
  const { rows } = await tx.query<{ claim: string[]; isShared: boolean }>(
    `select claim, exists (select from tenantry.external_table t where t.gateway = a.gateway and t.relation <> $2::oid)
       as "isShared" from tenantry.external_access a where gateway = $1`,
    [gateway, oid],
  )
  const known = rows[0]
  if (known?.isShared === true && !sameClaim(known.claim, claim)) {
    throw new TenantryError('INVALID_INPUT', `The other tables of ${gateway} read another claim.`, {
      ...{ field: 'claim', fix: 'Name the same claim, or revoke the other tables first.' },
    })
  }
  await tx.query(
    `insert into tenantry.external_access (gateway, role_name, claim) values ($1, $2, $3)
     on conflict (gateway) do update set role_name = excluded.role_name, claim = excluded.claim`,
    [gateway, role, [...claim]],
  )
}

async function revokeIn(
  tx: Sql,
  instance: Instance,
  { gateway, table, actor }: Request,
): Promise<{ roleKept: boolean }> {
  const facts = await readTableFacts(tx, table, instance.roles.app)
  const role = gatewayRole(instance.id, gateway)
  const removed = await tx.query('delete from tenantry.external_table where gateway = $1 and relation = $2::oid', [
    gateway,
    facts.oid,
  ])
  if (removed.rowCount === 0) return { roleKept: (await tablesOf(tx, gateway)) > 0 }
  for (const statement of await revokeStatements(tx, { gateway, role, facts })) await tx.query(statement)
  await record(tx, 'external_access.revoked', { actor, gateway, table: qualifiedName(facts) })
  if ((await tablesOf(tx, gateway)) > 0) return { roleKept: true }
  await tx.query('delete from tenantry.external_access where gateway = $1', [gateway])
  await tx.query(
    `revoke all on function tenantry.external_tenant_id(text), tenantry.claimed_tenant_id() from ${quoteIdentifier(role)};
     revoke usage on schema tenantry from ${quoteIdentifier(role)}`,
  )
  return { roleKept: !(await dropGatewayRole(tx, { role, instanceId: instance.id })) }
}

async function tablesOf(tx: Sql, gateway: Gateway): Promise<number> {
  return (await tx.query('select from tenantry.external_table where gateway = $1', [gateway])).rows.length
}

async function record(
  tx: Sql,
  action: string,
  { actor, ...detail }: Request & { readonly claim?: readonly string[] },
): Promise<void> {
  await tx.query('insert into tenantry.audit_entry (id, actor, action, detail) values ($1, $2, $3, $4)', [
    ...[newId(), actor, action, JSON.stringify(detail)],
  ])
}
