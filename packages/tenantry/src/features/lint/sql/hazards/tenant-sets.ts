// Judges what has no place in a tenant's schema: what the guard does not hold, and what there can be only one of.
import { asTree, at, listOf } from '../../tree.ts'
import type { SqlStatement } from '../parse-sql.ts'
import { namesIn } from '../sql-file.ts'
import type { Hazard, Surroundings } from './hazard.ts'

/** Made once in the database or the server, however many tenants there are. */
const INSTANCE_WIDE: Readonly<Record<string, string>> = {
  CreateExtensionStmt: 'An extension',
  AlterExtensionStmt: 'An extension',
  CreateRoleStmt: 'A role',
  AlterRoleStmt: 'A role',
  DropRoleStmt: 'A role',
  CreatePublicationStmt: 'A publication',
  CreateSubscriptionStmt: 'A subscription',
  CreateEventTrigStmt: 'An event trigger',
  CreateForeignServerStmt: 'A foreign server',
  CreateFdwStmt: 'A foreign data wrapper',
  CreatePLangStmt: 'A language',
  AlterDatabaseSetStmt: 'A setting of the database',
}

export function tenantSetHazards(statement: SqlStatement, { kind }: Surroundings): readonly Hazard[] {
  const { place } = statement
  if (statement.kind === 'CreateForeignTableStmt' || statement.kind === 'ImportForeignSchemaStmt') {
    return [
      { rule: 'foreign-table', message: 'A foreign table can carry no policy: all tenants read it whole.', place },
    ]
  }
  if (kind === 'shared') return []
  const wide = INSTANCE_WIDE[statement.kind]
  if (wide !== undefined) {
    const message = `${wide} is there once for all, and a tenant migration runs once for each tenant.`
    return [{ rule: 'not-per-tenant', message, place }]
  }
  if (isDefiner(statement)) {
    const name =
      namesIn(statement.tree, 'funcname').join('.') || namesIn(at(statement.tree, 'func'), 'objname').join('.')
    const message = `The SECURITY DEFINER function ${name} of a tenant runs as the owner of all schemas.`
    return [{ rule: 'definer-in-tenant', message, place }]
  }
  return []
}

function isDefiner({ kind, tree }: SqlStatement): boolean {
  if (kind !== 'CreateFunctionStmt' && kind !== 'AlterFunctionStmt') return false
  return listOf(tree, kind === 'CreateFunctionStmt' ? 'options' : 'actions').some((item) => {
    const option = asTree(item['DefElem'])
    return option?.['defname'] === 'security' && at(option, 'arg', 'Boolean')?.['boolval'] === true
  })
}
