// The statements that let a gateway at one table, and those that take it back.
import { qualifiedName } from '../../engine/isolation/protection-plan.ts'
import { TENANT_COLUMN, type TableFacts } from '../../engine/isolation/table-facts.ts'
import type { Sql } from '../../engine/sql/database.ts'
import { quoteIdentifier, quoteLiteral } from '../../kernel/identifiers.ts'
import type { Gateway } from './claims.ts'

interface Access {
  readonly gateway: Gateway
  readonly role: string
  readonly facts: TableFacts
}

/** The policy's name says whose it is; tenantry.external_table says that it is meant. */
export const gatewayPolicy = (gateway: Gateway): string => `tenantry_${gateway}`

export async function allowStatements(tx: Sql, { gateway, role, facts }: Access): Promise<readonly string[]> {
  const [table, grantee] = [qualifiedName(facts), quoteIdentifier(role)]
  // In a subselect, so that it is called once in a statement and the index on tenant_id serves.
  const test = `(${TENANT_COLUMN} = (select tenantry.external_tenant_id(${quoteLiteral(gateway)})))`
  return [
    // Made anew each time: a policy of this name that somebody changed is not believed.
    `drop policy if exists ${gatewayPolicy(gateway)} on ${table}`,
    `create policy ${gatewayPolicy(gateway)} on ${table} to ${grantee} using ${test} with check ${test}`,
    `grant usage on schema ${quoteIdentifier(facts.schema)} to ${grantee}`,
    `grant select, insert, update, delete on ${table} to ${grantee}`,
    ...(await ownedSequences(tx, facts)).map((sequence) => `grant usage on sequence ${sequence} to ${grantee}`),
  ]
}

export async function revokeStatements(tx: Sql, { gateway, role, facts }: Access): Promise<readonly string[]> {
  const [table, grantee] = [qualifiedName(facts), quoteIdentifier(role)]
  const { rows } = await tx.query(
    `select from tenantry.external_table t join pg_class c on c.oid = t.relation
      where t.gateway = $1 and c.relnamespace = quote_ident($2)::regnamespace`,
    [gateway, facts.schema],
  )
  return [
    `drop policy if exists ${gatewayPolicy(gateway)} on ${table}`,
    `revoke all on ${table} from ${grantee}`,
    ...(await ownedSequences(tx, facts)).map((sequence) => `revoke all on sequence ${sequence} from ${grantee}`),
    ...(rows.length > 0 ? [] : [`revoke usage on schema ${quoteIdentifier(facts.schema)} from ${grantee}`]),
  ]
}

/** Of serial columns; identity columns ask for no right. */
async function ownedSequences(tx: Sql, { oid }: TableFacts): Promise<readonly string[]> {
  const { rows } = await tx.query<{ name: string }>(
    `select format('%I.%I', n.nspname, s.relname) as name from pg_depend d
       join pg_class s on s.oid = d.objid and s.relkind = 'S' join pg_namespace n on n.oid = s.relnamespace
      where d.classid = 'pg_class'::regclass and d.refobjid = $1::oid and d.deptype = 'a' order by 1`,
    [oid],
  )
  return rows.map(({ name }) => name)
}
