// The statements that make, move and drop a tenant's own schema.
import type { Sql } from '../engine/sql/database.ts'
import { sqlStateOf } from '../engine/sql/database-errors.ts'
import { TenantryError } from '../kernel/errors.ts'
import { fitIdentifier, quoteIdentifier } from '../kernel/identifiers.ts'
import type { TenantRoles } from './options.ts'
import type { Tenant } from './tenant.ts'

const DUPLICATE_SCHEMA = '42P06'
// Raised by tenantry.guard_schema.
const CANNOT_BE_GUARDED = 'TN011'

/** Creates the tenant's schema. Throws SCHEMA_EXISTS: a schema that is already there is never adopted. */
export async function createSchema(tx: Sql, tenant: Tenant): Promise<void> {
  await refusingExisting(tenant.schemaName, tx.query(`create schema ${quoteIdentifier(tenant.schemaName)}`))
}

/** Renames a schema. Throws SCHEMA_EXISTS where the new name is taken. */
export async function renameSchema(tx: Sql, from: string, to: string): Promise<void> {
  await refusingExisting(to, tx.query(`alter schema ${quoteIdentifier(from)} rename to ${quoteIdentifier(to)}`))
}

async function refusingExisting(name: string, statement: Promise<unknown>): Promise<void> {
  try {
    await statement
  } catch (error) {
    if (sqlStateOf(error) !== DUPLICATE_SCHEMA) throw error
    throw new TenantryError(
      'SCHEMA_EXISTS',
      `The database already has a schema ${name}, which this call did not make.`,
      {
        cause: error,
        sqlState: DUPLICATE_SCHEMA,
      },
    )
  }
}

export async function dropSchema(tx: Sql, name: string): Promise<void> {
  await tx.query(`drop schema if exists ${quoteIdentifier(name)} cascade`)
}

/** The name a deleted tenant's schema is kept under. */
export function archiveName(tenant: Tenant, at: Date): string {
  return fitIdentifier(`archived_${tenant.slug.replaceAll('-', '_')}_${Math.floor(at.getTime() / 1000)}`)
}

/**
 * Puts every table of the tenant's schema under its guard and grants; returns how many tables there are.
 * Throws MIGRATION_FAILED for a relation that cannot carry a guard, and for a function that would get around it.
 */
export async function guardSchema(
  tx: Sql,
  tenant: Pick<Tenant, 'id' | 'schemaName'>,
  roles: TenantRoles,
): Promise<number> {
  try {
    const { rows } = await tx.query<{ tables: number }>('select tenantry.guard_schema($1, $2, $3, $4) as tables', [
      tenant.id,
      tenant.schemaName,
      roles.app,
      roles.central,
    ])
    return rows[0]?.tables ?? 0
  } catch (error) {
    if (!(error instanceof Error) || sqlStateOf(error) !== CANNOT_BE_GUARDED) throw error
    throw new TenantryError('MIGRATION_FAILED', `In the schema ${tenant.schemaName}: ${error.message}.`, {
      cause: error,
      sqlState: CANNOT_BE_GUARDED,
      fix: 'Leave materialized views, foreign tables and SECURITY DEFINER functions out of tenant schemas.',
    })
  }
}

/** How many tables hold the tenant's data: those of its schema, or the protected shared ones. */
export async function countTables(sql: Sql, tenant: Tenant): Promise<number> {
  const { rows } = await sql.query<{ tables: number }>(
    tenant.isolation === 'schema'
      ? `select count(*)::integer as tables from pg_class where relnamespace = to_regnamespace($1) and relkind in ('r', 'p')`
      : `select count(*)::integer as tables from pg_policy where polname = $1`,
    [tenant.isolation === 'schema' ? quoteIdentifier(tenant.schemaName) : 'tenantry_tenant'],
  )
  return rows[0]?.tables ?? 0
}
