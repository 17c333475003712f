// What an admin login must be able to do for init, decided from facts alone, with the SQL that grants each thing.
import { quoteIdentifier } from '../kernel/identifiers.ts'
import type { AdminFacts } from './admin-facts.ts'

export interface Check {
  readonly name: string
  readonly ok: boolean
  /** The thing that is checked: a role, the database, a version. */
  readonly subject?: string
  /** SQL, or one sentence, that mends it. Only where it is not ok. */
  readonly fix?: string
}

export interface ControlPlaneState {
  /** Whether the three roles of the instance exist. */
  readonly rolesExist: boolean
}

const OLDEST_SERVER = 150_000

/** One check; the fix is kept only where the check failed. */
export function check(name: string, ok: boolean, details: { subject: string; fix: string }): Check {
  return ok ? { name, ok, subject: details.subject } : { name, ok, ...details }
}

/** Every requirement of init, met or not. Init runs when all are ok, and then nothing of it is refused half way. */
export function adminRequirements(facts: AdminFacts, state: ControlPlaneState): readonly Check[] {
  const user = quoteIdentifier(facts.user)
  const database = quoteIdentifier(facts.database)
  return [
    check('server version', facts.versionNum >= OLDEST_SERVER, {
      subject: facts.version,
      fix: 'Use PostgreSQL 15 or newer.',
    }),
    check('admin may create roles', facts.superuser || facts.createRole || state.rolesExist, {
      subject: facts.user,
      fix: `ALTER ROLE ${user} CREATEROLE;`,
    }),
    check('admin may create the schema tenantry', facts.createOnDatabase || facts.controlOwner !== null, {
      subject: facts.database,
      fix: `GRANT CREATE ON DATABASE ${database} TO ${user};`,
    }),
    check('admin owns the schema tenantry', facts.controlOwner === null || facts.ownsControl, {
      subject: facts.user,
      fix: `GRANT ${quoteIdentifier(facts.controlOwner ?? '')} TO ${user};`,
    }),
    // From 16 on the membership itself says whether it is inherited.
    check('admin inherits its memberships', facts.superuser || facts.inherit || facts.versionNum >= 160_000, {
      subject: facts.user,
      fix: `ALTER ROLE ${user} INHERIT;`,
    }),
    ...publicRequirements(facts, database),
  ]
}

// Both let injected SQL of one tenant leave something behind that another tenant's statements meet: a temporary table
// on a pooled connection, a function or table in a schema that is on everybody's search_path. Init takes them away
// where it may; where it may not it refuses, because a boundary with a known hole is not one to start behind.
function publicRequirements(facts: AdminFacts, database: string): readonly Check[] {
  return [
    check('PUBLIC may not create temporary tables', !facts.publicTemp || facts.ownsDatabase, {
      subject: facts.database,
      // The admin keeps what loads need: a staging table that ends with its transaction.
      fix:
        `REVOKE TEMPORARY ON DATABASE ${database} FROM PUBLIC; GRANT TEMPORARY ON DATABASE ${database} TO ` +
        `${quoteIdentifier(facts.user)}; -- as ${quoteIdentifier(facts.databaseOwner)}, its owner`,
    }),
    check('PUBLIC may not create in schema public', !facts.publicCreate || facts.ownsPublicSchema, {
      subject: 'public',
      fix: `REVOKE CREATE ON SCHEMA public FROM PUBLIC; -- as ${quoteIdentifier(facts.publicSchemaOwner ?? '')}, its owner`,
    }),
  ]
}
