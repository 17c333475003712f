// The rules, in the order of docs/lint.md. A test asserts that the page explains each of them with an example that it
// finds and one that it does not.

/** `error`: tenants can cross or data is open. `warning`: works today, breaks easily. `info`: to know, not to change. */
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
}

/** A comment, for directives and suppressions. */
export interface Comment extends Place {
  readonly text: string
}
