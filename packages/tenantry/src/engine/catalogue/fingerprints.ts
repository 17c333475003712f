// Fingerprints of schemas, many in one statement; what they are over is in sql/control/0014_catalogue.sql.
import type { Sql } from '../sql/database.ts'
import type { GuardedSchema } from './catalogue.ts'

/**
 * The fingerprint of each schema, by its name; a schema that does not exist has none. Equal for schemas that hold the
 * same objects under their own tenants' guards, and comparable on one server only. Two entries for one schema are not
 * meant to be given.
 *
 * @example
 * ```ts
 * const fingerprints = await fingerprintsOf(admin, [{ name: 'tenant_acme', tenantId: acme.id }])
 * fingerprints.get('tenant_acme') // 64 digits in hex
 * ```
 */
export async function fingerprintsOf(
  sql: Sql,
  schemas: readonly GuardedSchema[],
): Promise<ReadonlyMap<string, string>> {
  if (schemas.length === 0) return new Map()
  const { rows } = await sql.query<{ schema_name: string; fingerprint: string }>(
    'select schema_name, fingerprint from tenantry.schema_fingerprints($1::text[], $2::uuid[])',
    [schemas.map(({ name }) => name), schemas.map(({ tenantId }) => tenantId)],
  )
  return new Map(rows.map(({ schema_name, fingerprint }) => [schema_name, fingerprint]))
}
