// Judges single statements: what takes protection away, opens data to everybody, or leaves the tenant's schema.
import type { Remark, RuleName } from '../rules.ts'
import { asTree, at, listOf, textOf, type Tree } from '../tree.ts'
import type { SqlStatement } from './parse-sql.ts'
import { everyNode, type FileRemark, namesIn, type SqlFile } from './sql-file.ts'

export function statementRemarks(
  files: readonly SqlFile[],
  { sharedSchemas = [] }: ReachOptions = {},
): readonly FileRemark[] {
  return files.flatMap(({ path, kind, statements, isGenerated = false }) => {
    const own = new Set(isGenerated ? ['public'] : [])
    const schemas = { own, shared: new Set(sharedSchemas) }
    return statements.flatMap((statement) => {
      const found = [...policyRemarks(statement), ...grantRemarks(statement), ...roleRemarks(statement)]
      if (kind === 'tenant') found.push(...schemaRemarks(statement, schemas))
      return found.map((each) => ({ ...each, path }))
    })
  })
}

export interface ReachOptions {
  /** Schemas whose tables tenant migrations may read and refer to, but not change. Default: none. */
  readonly sharedSchemas?: readonly string[]
}

const said = (statement: SqlStatement, rule: RuleName, message: string): Remark => ({
  rule,
  message,
  ...statement.place,
})

const UNPROTECTING: Readonly<Record<string, string>> = {
  AT_DisableRowSecurity: 'Row-level security is disabled.',
  AT_NoForceRowSecurity: 'Row-level security is not forced any more.',
}

function policyRemarks(statement: SqlStatement): readonly Remark[] {
  const { kind, tree } = statement
  if (kind === 'AlterTableStmt') {
    return listOf(tree, 'cmds').flatMap((item) => {
      const message = UNPROTECTING[textOf(at(item, 'AlterTableCmd'), 'subtype') ?? '']
      return message === undefined ? [] : [said(statement, 'row-security-off', message)]
    })
  }
  if (kind === 'AlterPolicyStmt' || (kind === 'DropStmt' && tree['removeType'] === 'OBJECT_POLICY')) {
    return [said(statement, 'row-security-off', 'A policy is dropped or changed.')]
  }
  if (kind === 'CreatePolicyStmt' && tree['permissive'] === true && reachesApplication(tree)) {
    return [said(statement, 'own-policy', 'A permissive policy shows rows beside those of the tenant.')]
  }
  return []
}

/** Whether the roles of a policy may include the application's: PUBLIC, or its role by name. */
function reachesApplication(tree: Tree): boolean {
  return listOf(tree, 'roles').some((item) => {
    const role = asTree(item['RoleSpec'])
    return role?.['roletype'] !== 'ROLESPEC_CSTRING' || /^tn_[0-9a-f]{8}_/.test(textOf(role, 'rolename') ?? '')
  })
}

function grantRemarks(statement: SqlStatement): readonly Remark[] {
  const grant = statement.kind === 'AlterDefaultPrivilegesStmt' ? at(statement.tree, 'action') : statement.tree
  if (statement.kind !== 'GrantStmt' && statement.kind !== 'AlterDefaultPrivilegesStmt') return []
  if (grant?.['is_grant'] !== true) return []
  const isPublic = listOf(grant, 'grantees').some((item) => at(item, 'RoleSpec')?.['roletype'] === 'ROLESPEC_PUBLIC')
  return isPublic ? [said(statement, 'grant-to-public', 'Rights are granted to PUBLIC.')] : []
}

const ROLES = new Set(['role', 'session_authorization'])

function roleRemarks(statement: SqlStatement): readonly Remark[] {
  const { kind, tree } = statement
  const sets = kind === 'VariableSetStmt' && tree['kind'] === 'VAR_SET_VALUE' && ROLES.has(textOf(tree, 'name') ?? '')
  const calls = everyNode(tree).some((node) => {
    const call = asTree(node['FuncCall'])
    if (call === undefined || namesIn(call, 'funcname').at(-1) !== 'set_config') return false
    return ROLES.has(textOf(at(listOf(call, 'args')[0], 'A_Const', 'sval'), 'sval') ?? '')
  })
  return sets || calls ? [said(statement, 'changes-role', 'A migration changes its role.')] : []
}

/** Schemas that belong to nobody: the server's and ours. */
const NEUTRAL = new Set(['pg_catalog', 'information_schema', 'tenantry', 'pg_temp'])

interface Schemas {
  /** Names that stand for the tenant's own. */
  readonly own: ReadonlySet<string>
  readonly shared: ReadonlySet<string>
}

function schemaRemarks(statement: SqlStatement, { own, shared }: Schemas): readonly Remark[] {
  const { kind, tree } = statement
  const leaves = (message: string, place = statement.place): Remark => ({ rule: 'leaves-schema', message, ...place })
  if (kind === 'CreateSchemaStmt' && own.has(textOf(tree, 'schemaname') ?? '')) return []
  if (kind === 'CreateSchemaStmt') return [leaves('A tenant migration makes a schema.')]
  if (kind === 'VariableSetStmt' && tree['name'] === 'search_path') {
    return [leaves('A tenant migration changes the search path.')]
  }
  const changed = new Set(changedRelations(tree))
  const named = everyNode(tree).flatMap((node) => {
    const schema = textOf(node, 'relname') === undefined ? undefined : textOf(node, 'schemaname')
    if (schema === undefined || NEUTRAL.has(schema) || own.has(schema)) return []
    if (shared.has(schema) && !changed.has(node)) return []
    return [{ schema, place: statement.placeOf(node) }]
  })
  for (const schema of ownSchemas(tree)) if (!own.has(schema)) named.push({ schema, place: statement.place })
  return named.map(({ schema, place }) => leaves(`A tenant migration names the schema ${schema}.`, place))
}

/** What a statement makes or changes, as opposed to what it reads or refers to. */
function changedRelations(tree: Tree): readonly (Tree | undefined)[] {
  const single = ['relation', 'view', 'table', 'sequence'].map((key) => at(tree, key))
  return [...single, at(tree, 'into', 'rel'), ...listOf(tree, 'relations').map((item) => asTree(item['RangeVar']))]
}

/** Schemas of what a statement makes, renames or drops and names in a list: functions, types, dropped objects. */
function ownSchemas(tree: Tree): readonly string[] {
  const lists = [namesIn(tree, 'funcname'), namesIn(tree, 'typeName'), namesIn(tree, 'defnames')]
  const dropped = tree['removeType'] === 'OBJECT_POLICY' || tree['removeType'] === 'OBJECT_TRIGGER' ? 2 : 1
  const objects = listOf(tree, 'objects').map((item) => {
    const parts = namesIn(asTree(item['List']) ?? at(item, 'ObjectWithArgs'), item['List'] ? 'items' : 'objname')
    return parts.length > dropped ? parts.slice(0, 1) : []
  })
  const firsts = lists.map((parts) => (parts.length > 1 ? parts.slice(0, 1) : []))
  return [...firsts, ...objects].flat().filter((schema) => !NEUTRAL.has(schema))
}
