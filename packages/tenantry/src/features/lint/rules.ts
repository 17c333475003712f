// The rules, in the order of docs/lint.md. A test asserts that the page explains each of them with an example that it
// finds and one that it does not.

/**
 * `error`: tenants can cross, data is open, or it fails for certain. `warning`: works today, breaks easily, or keeps users
 * waiting. `info`: to know, not to change.
 */
export type Severity = 'error' | 'warning' | 'info'

export interface Rule {
  readonly severity: Severity
  /** What to do about a finding. */
  readonly fix: string
}

const rule = (severity: Severity, fix: string): Rule => ({ severity, fix })

export const rules = {
  // TypeScript and JavaScript
  'raw-connection': rule(
    'error',
    'Hand tenantry.pool to the library, or use its bridge; for central work use asCentral.',
  ),
  'built-sql': rule('error', 'Pass values as parameters ($1), or use a tagged template that binds them.'),
  'forged-context': rule(
    'error',
    'Leave role and context to run() and scope(); they are signed and set per statement.',
  ),
  'session-setting': rule('warning', 'Use SET LOCAL inside a transaction: a session setting meets the next tenant.'),
  'lazy-in-run': rule('warning', 'Make the callback async, or await the query in it: a lazy query runs outside.'),
  'central-without-reason': rule('error', 'Say why: the reason is written to the audit log.'),
  'scope-switch': rule('info', 'Check that this code is meant to act in another tenant than its caller.'),
  // SQL
  'unprotected-table': rule(
    'error',
    'Give it tenant_id and run `tenantry protect`, or say `-- tenantry: global <reason>` above it.',
  ),
  'key-without-tenant': rule('warning', 'Begin the key with tenant_id: otherwise tenants feel each other in it.'),
  'reference-without-tenant': rule('error', 'Reference (tenant_id, …): referential checks ignore row-level security.'),
  'materialized-view': rule('error', 'Use a view with security_invoker, or a table: it can carry no policy.'),
  'view-as-owner': rule(
    'error',
    'Create it WITH (security_invoker = true): it runs with its owner’s rights otherwise.',
  ),
  'definer-search-path': rule('error', 'Add SET search_path = pg_catalog, pg_temp and qualify the names in its body.'),
  'row-security-off': rule('error', 'Leave row-level security and the policies of Tenantry in place.'),
  'own-policy': rule('warning', 'Make it AS RESTRICTIVE, or TO another role: permissive policies are joined by OR.'),
  'grant-to-public': rule('error', 'Grant to a role: PUBLIC includes every login of the server.'),
  'leaves-schema': rule('error', 'Name no schema in a tenant migration; what tenants share belongs into shared/.'),
  'changes-role': rule('error', 'Leave SET ROLE out: migrations run as the owner of what they make.'),
  // SQL, as it runs over a fleet
  'type-rewrite': rule('warning', 'Add a column of the new type, fill it in batches, and drop the old one at last.'),
  'not-null-scan': rule(
    'warning',
    'Add a check that is NOT VALID, validate it in a file of its own, then SET NOT NULL.',
  ),
  'constraint-scan': rule('warning', 'Add it NOT VALID, and validate it in a file of its own.'),
  'validated-at-once': rule('warning', 'Validate in a file with `-- tenantry: no-transaction`, after this one.'),
  'constraint-index': rule('warning', 'Build the index CONCURRENTLY, and add the constraint USING INDEX.'),
  'column-fills-rows': rule(
    'warning',
    'Add the column without it, then set the default, and fill old rows in batches.',
  ),
  'column-without-default': rule(
    'warning',
    'Give it a constant default, or leave it nullable until all versions write it.',
  ),
  'table-rewrite': rule('warning', 'Leave it out of migrations: do it table by table, when nobody needs them.'),
  'table-lock': rule('warning', 'Leave LOCK TABLE out, or take a lock that lets others write.'),
  'index-lock': rule('warning', 'Use CONCURRENTLY, in a file with `-- tenantry: no-transaction`.'),
  'concurrently-in-transaction': rule('error', 'Say `-- tenantry: no-transaction` at the top of the file.'),
  'locks-several-tables': rule('warning', 'Give each table a file of its own: other sessions lock in another order.'),
  'whole-table-write': rule(
    'warning',
    'Change rows in batches, each in its own transaction, outside of the migration.',
  ),
  'breaks-running-version': rule(
    'warning',
    'Take it away one release after the last version that uses it, and say so: `-- tenantry-lint-ok: <reason>`.',
  ),
  'foreign-table': rule('error', 'Read it as the admin and copy what tenants need into tables with tenant_id.'),
  'definer-in-tenant': rule('error', 'Leave SECURITY DEFINER out: in its own schema a tenant may do what it needs.'),
  'not-per-tenant': rule('error', 'Move it into a shared migration, or leave it to the operator of the server.'),
  // Both
  'unreadable-file': rule('error', 'Mend the file, or leave it out with --ignore: what cannot be read is not checked.'),
  'suppression-without-reason': rule('error', 'Write the reason after the colon: tenantry-lint-ok: <reason>.'),
  'unused-suppression': rule('warning', 'Remove the comment: nothing is found in its line or the next.'),
} as const satisfies Record<string, Rule>

export type RuleName = keyof typeof rules

/** Where, by character: both count from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** What a rule says about a place of one file. */
export interface Remark extends Place {
  readonly rule: RuleName
  readonly message: string
  /** The SQL to write instead, where it can be told. */
  readonly instead?: string
}

/** A comment, for directives and suppressions. */
export interface Comment extends Place {
  readonly text: string
}
