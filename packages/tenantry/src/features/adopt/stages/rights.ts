// What the application's role may do with a table before a step gives it more, and the statements that restore that.
import { qualifiedName } from '../../../engine/isolation/protection-plan.ts'
import type { TableFacts } from '../../../engine/isolation/table-facts.ts'
import type { Sql } from '../../../engine/sql/database.ts'
import { quoteIdentifier } from '../../../kernel/identifiers.ts'

interface Held {
  readonly usage: boolean
  readonly grants: readonly { readonly grantee: string; readonly right: string }[]
}

const HELD = `
  select has_schema_privilege($2::name, c.relnamespace, 'usage') as usage,
    coalesce((select json_agg(json_build_object('grantee', case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee)::text end,
        'right', lower(a.privilege_type)))
      from aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
     where a.grantee = 0 or pg_get_userbyid(a.grantee) = $2::name), '[]') as grants
  from pg_class c where c.oid = $1::regclass`

const GIVEN = ['select', 'insert', 'update', 'delete']
const TAKEN = ['truncate', 'references', 'trigger']

/** The statements that give a table's rights back as they are now: those of the application's role and of PUBLIC. */
export async function rightsUndo(sql: Sql, facts: TableFacts, app: string): Promise<readonly string[]> {
  const { rows } = await sql.query<Held>(HELD, [qualifiedName(facts), app])
  const held = rows[0] ?? { usage: false, grants: [] }
  const role = quoteIdentifier(app)
  const table = qualifiedName(facts)
  const has = (grantee: string, right: string) =>
    held.grants.some((each) => each.grantee === grantee && each.right === right)
  const missing = GIVEN.filter((right) => !has(app, right))
  return [
    ...(missing.length === 0 ? [] : [`revoke ${missing.join(', ')} on ${table} from ${role}`]),
    ...['public', app].flatMap((grantee) => {
      const kept = TAKEN.filter((right) => has(grantee, right))
      const name = grantee === 'public' ? 'public' : role
      return kept.length === 0 ? [] : [`grant ${kept.join(', ')} on ${table} to ${name}`]
    }),
    ...facts.sequences.map((sequence) => `revoke usage on sequence ${sequence} from ${role}`),
    ...(held.usage ? [] : [`revoke usage on schema ${quoteIdentifier(facts.schema)} from ${role}`]),
  ]
}

/** The statements that let the application's role use a table. */
export function rightsStatements(facts: TableFacts, app: string, rights: readonly string[]): readonly string[] {
  const role = quoteIdentifier(app)
  return [
    `grant usage on schema ${quoteIdentifier(facts.schema)} to ${role}`,
    `grant ${rights.join(', ')} on ${qualifiedName(facts)} to ${role}`,
    ...facts.sequences.map((sequence) => `grant usage on sequence ${sequence} to ${role}`),
  ]
}
