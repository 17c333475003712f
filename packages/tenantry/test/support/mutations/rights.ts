// What can be taken away from keys, rights and roles.
import type { Mutation } from './mutation.ts'

const POWERS = 'login may do nothing but become app'
const BEYOND = 'the application has no rights beyond rows'
const PUBLIC = 'PUBLIC has no rights on relations'
const OPENED = 'the application reads of the control plane what was opened to it'
const OPEN = 'the functions of the control plane are open to whom they must be'
const COLUMN = 'tenant_id is a uuid, not null, with its default'
const DEFAULTS = 'default privileges give the application nothing'

const keys: readonly Mutation[] = [
  {
    check: COLUMN,
    what: 'nullable',
    sql: 'alter table document alter tenant_id drop not null',
    subject: 'public.document',
  },
  {
    check: COLUMN,
    what: 'no default',
    sql: 'alter table invoice alter tenant_id drop default',
    subject: 'public.invoice',
  },
  {
    ...{ check: COLUMN, what: 'another default', subject: 'public.customer' },
    sql: "alter table customer alter tenant_id set default '{north}'",
  },
  {
    ...{ check: 'an index starts with tenant_id', what: 'dropped', subject: 'public.document' },
    sql: 'drop index document_tenant_id_idx',
  },
  {
    ...{
      check: 'unique keys contain tenant_id',
      what: 'a natural key',
      subject: 'customer_name_key on public.customer',
    },
    ...{ severity: 'warning', remains: true },
    sql: 'alter table customer add unique (name)',
  },
  {
    ...{ check: 'foreign keys between protected tables carry tenant_id', what: 'without it' },
    subject: '"invoice_customer_id_fkey" on public.invoice',
    sql: `alter table invoice drop constraint invoice_customer_id_fkey,
      add constraint invoice_customer_id_fkey foreign key (customer_id) references customer (id) on delete cascade`,
  },
  {
    ...{
      check: 'only protected tables refer to protected tables',
      what: 'a global one',
      severity: 'warning',
      remains: true,
    },
    subject: 'country_patron_fkey on public.country',
    sql: 'alter table country add patron uuid references customer',
  },
  {
    ...{
      check: "foreign keys stay inside the tenant's schema",
      what: "to another tenant's",
      subject: 'task_stray_fkey on tenant_north.task',
    },
    sql: 'alter table tenant_north.task add stray int references tenant_south.note (id)',
  },
]

const grants: readonly Mutation[] = [
  { check: PUBLIC, what: 'on a table', sql: 'grant select on customer to public', subject: 'public.customer' },
  { check: PUBLIC, what: 'on a column', sql: 'grant update (name) on customer to public', subject: 'public.customer' },
  {
    check: PUBLIC,
    what: 'on a sequence',
    sql: 'grant usage on sequence invoice_id_seq to public',
    subject: 'public.invoice_id_seq',
  },
  {
    ...{ check: PUBLIC, what: "on a tenant's table", subject: 'tenant_north.note' },
    sql: 'grant select on tenant_north.note to public',
  },
  { check: BEYOND, what: 'TRUNCATE', sql: 'grant truncate on customer to {app}', subject: 'public.customer' },
  { check: BEYOND, what: 'REFERENCES', sql: 'grant references (id) on customer to {app}', subject: 'public.customer' },
  { check: BEYOND, what: 'TRIGGER', sql: 'grant trigger on tenant_north.note to {app}', subject: 'tenant_north.note' },
  { check: BEYOND, what: 'MAINTAIN', sql: 'grant maintain on invoice to {app}', subject: 'public.invoice', since: 17 },
  {
    check: BEYOND,
    what: 'TRUNCATE of a global table',
    sql: 'grant truncate on country to {app}',
    subject: 'public.country',
  },
  {
    check: BEYOND,
    what: 'setval',
    sql: 'grant update on sequence tenant_north.note_id_seq to {app}',
    subject: 'tenant_north.note_id_seq',
  },
  {
    ...{ check: DEFAULTS, what: 'of tables to app', subject: 'tables of {ownername} in public' },
    sql: 'alter default privileges for role {owner} in schema public grant select on tables to {app}',
  },
  {
    ...{ check: DEFAULTS, what: 'of tables to PUBLIC', subject: 'tables of {ownername}' },
    sql: 'alter default privileges for role {owner} grant select on tables to public',
  },
  {
    ...{ check: "PUBLIC may not enter a tenant's schema", what: 'USAGE', subject: 'tenant_south' },
    sql: 'grant usage on schema tenant_south to public',
  },
  {
    ...{
      check: 'the secrets of the control plane are sealed',
      what: 'a reader of keys',
      subject: 'tenantry.signing_key',
    },
    sql: 'grant select on tenantry.signing_key to pg_monitor',
  },
  {
    ...{ check: 'foreign servers are closed to the application', what: 'USAGE', subject: 'nowhere' },
    sql: `create foreign data wrapper nowhere_wrapper; create server nowhere foreign data wrapper nowhere_wrapper;
      grant usage on foreign server nowhere to {app}`,
  },
]

const roles: readonly Mutation[] = [
  {
    check: 'the roles of the instance exist',
    what: 'renamed',
    sql: 'alter role {central} rename to tn_test_renamed',
    subject: '{central}',
    remains: true,
  },
  {
    check: POWERS,
    what: 'BYPASSRLS of the login',
    sql: 'alter role {login} bypassrls',
    subject: '{login} bypasses row-level security',
  },
  {
    check: POWERS,
    what: 'BYPASSRLS of app',
    sql: 'alter role {app} bypassrls',
    subject: '{app} bypasses row-level security',
  },
  {
    check: POWERS,
    what: 'SUPERUSER of app',
    sql: 'alter role {app} superuser',
    subject: '{app} is a superuser',
    also: [
      BEYOND,
      OPEN,
      'global tables are read-only to the application',
      "the server's files are closed to the application",
    ],
  },
  {
    ...{ check: POWERS, what: 'app is a member of another role', subject: '{app} is a member of pg_monitor' },
    sql: 'grant pg_monitor to {app}',
  },
  {
    check: POWERS,
    what: 'TEMP to PUBLIC',
    sql: 'grant temporary on database {database} to public',
    subject: '{app} may create temporary tables',
  },
  {
    check: POWERS,
    what: 'CREATE on a schema',
    sql: 'grant create on schema public to public',
    subject: '{login} may create in schema public',
  },
  {
    check: POWERS,
    what: 'app owns a table',
    sql: 'alter table invoice owner to {app}',
    subject: '{app} owns 2 objects',
    also: [BEYOND],
  },
  {
    ...{ check: POWERS, what: 'the login inherits app', subject: '{login} inherits or may grant {app}', since: 16 },
    sql: 'grant {app} to {login} with inherit true',
  },
  {
    ...{ check: POWERS, what: 'app reads the registry', subject: '{app} may read or write tenantry.tenant' },
    ...{ sql: 'grant select on tenantry.tenant to {app}', also: [OPENED] },
  },
  {
    ...{ check: 'passwords are stored as SCRAM verifiers', what: 'md5', subject: 'password_encryption', remains: true },
    sql: "set local password_encryption = 'md5'",
  },
  {
    ...{ check: 'passwords are stored as SCRAM verifiers', what: 'an md5 password', subject: '{login}', remains: true },
    sql: "alter role {login} password 'md50123456789abcdef0123456789abcdef'",
  },
  {
    ...{ check: 'only the admin sees the rows of all tenants', what: 'another member', subject: 'pg_monitor' },
    sql: 'grant {central} to pg_monitor',
  },
  {
    ...{ check: 'the central role has no powers of its own', what: 'LOGIN', subject: '{central}' },
    sql: 'alter role {central} login',
  },
  {
    ...{
      check: 'no setting is attached that changes whose statements run',
      what: 'a role',
      subject: 'role of {login}',
    },
    sql: "alter role {login} set role = '{app}'",
  },
]

export const rightsMutations: readonly Mutation[] = [...keys, ...grants, ...roles]
