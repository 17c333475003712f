// What can be done to the control plane's own objects, to functions and to indexes.
import type { Mutation } from './mutation.ts'

const DEFINER_PATH = 'SECURITY DEFINER functions pin their search_path'
const DEFINER_PUBLIC = 'SECURITY DEFINER functions are closed to PUBLIC'
const FUNCTIONS = 'the functions of the control plane are unaltered'
const OPENED = 'the application reads of the control plane what was opened to it'
const OWN_POLICIES = "the control plane's policies have the generated form"
const OPEN = 'the functions of the control plane are open to whom they must be'
const INDEXES = 'row-level security leaves indexes usable'

const controlPlane: readonly Mutation[] = [
  {
    ...{ check: FUNCTIONS, what: 'the verifier believes everything', subject: 'tenantry.current_tenant_id' },
    sql: `create or replace function tenantry.current_tenant_id() returns uuid language plpgsql stable parallel safe
      security definer set search_path = pg_catalog, pg_temp as $$ begin return tenantry.claimed_tenant_id(); end $$`,
  },
  {
    ...{ check: FUNCTIONS, what: 'its search_path', subject: 'tenantry.current_tenant_id' },
    sql: 'alter function tenantry.current_tenant_id() reset search_path',
  },
  {
    check: FUNCTIONS,
    what: 'not its rights',
    sql: 'alter function tenantry.current_user_id() security invoker',
    subject: 'tenantry.current_user_id',
  },
  {
    check: FUNCTIONS,
    what: 'volatility',
    sql: 'alter function tenantry.current_tenant_role() volatile',
    subject: 'tenantry.current_tenant_role',
  },
  {
    ...{ check: FUNCTIONS, what: 'an SQL body', subject: 'tenantry.claimed_tenant_id' },
    sql: `create or replace function tenantry.claimed_tenant_id() returns pg_catalog.uuid language sql stable parallel safe
      return nullif(substr(current_setting('tenantry.claim', true), 71, 36), '')::uuid`,
  },
  {
    ...{ check: FUNCTIONS, what: 'another of the same name' },
    subject: 'tenantry.current_tenant_id(text)',
    sql: `create function tenantry.current_tenant_id(text) returns uuid language sql as 'select null::uuid';
      revoke execute on function tenantry.current_tenant_id(text) from public;
      alter function tenantry.current_tenant_id(text) owner to {owner}`,
  },
  {
    ...{ check: FUNCTIONS, what: 'one that is not ours', subject: 'tenantry.helper(integer)' },
    sql: "create function tenantry.helper(int) returns int language sql as 'select 1'; revoke execute on function tenantry.helper(int) from public; alter function tenantry.helper(int) owner to {owner}",
  },
  {
    check: OPEN,
    what: 'the guard maker for app',
    sql: 'grant execute on function tenantry.guard_schema(uuid, text, text, text) to {app}',
    subject: 'function tenantry.guard_schema(uuid,text,text,text)',
  },
  {
    check: OPEN,
    what: 'PUBLIC',
    sql: 'grant execute on function tenantry.current_user_id() to public',
    subject: 'function tenantry.current_user_id()',
  },
  {
    ...{
      check: 'the triggers of the control plane are enabled',
      what: 'disabled',
      subject: 'audit_entry_append_only on tenantry.audit_entry',
    },
    sql: 'alter table tenantry.audit_entry disable trigger audit_entry_append_only',
  },
  {
    ...{
      check: 'the triggers of the control plane are enabled',
      what: 'dropped',
      subject: 'tenant_announce on tenantry.tenant',
    },
    sql: 'drop trigger tenant_announce on tenantry.tenant',
  },
  {
    ...{ check: 'the control plane has one owner', what: 'another', subject: 'table tenantry.event' },
    sql: 'alter table tenantry.event owner to current_user',
  },
]

const functions: readonly Mutation[] = [
  {
    ...{ check: DEFINER_PATH, what: 'not pinned', subject: 'function public.peek()' },
    sql: `create function peek() returns bigint language sql security definer as 'select 1::bigint';`,
    also: [DEFINER_PUBLIC],
  },
  {
    ...{ check: DEFINER_PUBLIC, what: 'as it is born', subject: 'function public.peek()' },
    sql: `create or replace function peek() returns bigint language sql security definer set search_path = pg_catalog, pg_temp as 'select 1::bigint'`,
  },
  {
    ...{ check: DEFINER_PATH, what: 'not pinned, of a trigger', subject: 'function public.stamp()' },
    sql: "create function stamp() returns trigger language plpgsql security definer as 'begin return new; end'",
  },
  {
    ...{
      check: 'the application calls no SECURITY DEFINER function',
      what: 'granted',
      subject: 'function public.peek()',
    },
    ...{ severity: 'warning' },
    sql: `create function peek() returns bigint language sql security definer set search_path = pg_catalog, pg_temp as 'select 1::bigint';
      revoke execute on function peek() from public; grant execute on function peek() to {app}`,
  },
  {
    ...{ check: "triggers run with the caller's rights", what: 'a definer', subject: 'stamped on public.customer' },
    ...{ severity: 'warning', remains: true },
    sql: `create function stamp() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as 'begin return new; end';
      create trigger stamped before insert on customer for each row execute function stamp()`,
  },
  {
    ...{
      check: "no rule rewrites statements on a tenants' table",
      what: 'a rule',
      subject: 'copied on public.customer',
    },
    sql: 'create rule copied as on insert to customer do also select 1',
  },
  {
    ...{
      check: 'untrusted languages are closed to the application',
      what: 'a function',
      subject: 'function public.shell()',
    },
    sql: `create language untrusted handler plpgsql_call_handler; update pg_language set lanpltrusted = false where lanname = 'untrusted';
      create function shell() returns int language untrusted as 'begin return 1; end'`,
  },
  {
    ...{
      check: 'extensions that reach out are closed to the application',
      what: 'as it is born',
      subject: 'adminpack',
    },
    sql: `update pg_extension set extname = 'adminpack' where extname = 'plpgsql'`,
  },
  {
    ...{
      check: "the server's files are closed to the application",
      what: 'granted',
      subject: 'function pg_read_file(text)',
    },
    sql: 'grant execute on function pg_read_file(text) to {app}',
  },
  {
    ...{
      check: 'the application has no large objects',
      what: 'one of app',
      subject: 'large object 4242',
      remains: true,
    },
    sql: 'select lo_create(4242); alter large object 4242 owner to {app}',
  },
  {
    ...{
      check: 'the application has no large objects',
      what: 'readable by all',
      subject: 'large object 4242',
      remains: true,
    },
    sql: 'select lo_create(4242); grant select on large object 4242 to public',
  },
  {
    ...{
      check: 'the application has no large objects',
      what: 'unguarded',
      subject: 'lo_compat_privileges',
      remains: true,
    },
    sql: 'set local lo_compat_privileges = on',
  },
  {
    ...{ check: 'no event trigger runs', what: 'one', subject: 'watching', severity: 'warning', remains: true },
    sql: `create function watch() returns event_trigger language plpgsql as 'begin end'; create event trigger watching on ddl_command_end execute function watch()`,
  },
]

const leakproof: readonly Mutation[] = [
  {
    ...{
      check: 'no function outside of PostgreSQL claims to be leakproof',
      what: 'one',
      subject: 'function public.told(text)',
    },
    sql: "create function told(text) returns boolean leakproof language plpgsql as $$ begin raise notice '%', $1; return true; end $$",
  },
]

const indexes: readonly Mutation[] = [
  {
    ...{ check: INDEXES, what: 'numeric', subject: 'by_price on public.customer (<, <=, =, >, >=)' },
    sql: 'alter table customer add price numeric; create index by_price on customer (tenant_id, price)',
  },
  {
    ...{ check: INDEXES, what: 'jsonb', subject: 'by_facts on public.customer (?, ?&, ?|, @>, @?, @@)' },
    sql: 'alter table customer add facts jsonb; create index by_facts on customer using gin (facts)',
  },
  {
    ...{ check: INDEXES, what: 'full text', subject: 'by_words on public.customer (to_tsvector)' },
    sql: "create index by_words on customer using gin (to_tsvector('english', name))",
  },
  {
    ...{ check: INDEXES, what: 'an expression', subject: 'by_lower on public.customer (lower)' },
    sql: 'create index by_lower on customer (lower(name))',
  },
  {
    ...{ check: INDEXES, what: 'LIKE', subject: 'by_prefix on public.customer (~~)' },
    sql: 'create index by_prefix on customer (name text_pattern_ops)',
  },
  {
    ...{ check: INDEXES, what: 'an enum', subject: 'by_mood on public.customer (<, <=, =, >, >=)' },
    sql: "create type mood as enum ('good'); alter table customer add mood mood; create index by_mood on customer (mood)",
  },
  {
    ...{
      check: INDEXES,
      what: 'in tenant schemas, said once',
      subject: 'by_tags on note of tenant schemas (&&, <@, =, @>)',
    },
    sql: `alter table tenant_north.note add tags text[]; alter table tenant_south.note add tags text[];
      create index by_tags on tenant_north.note using gin (tags); create index by_tags on tenant_south.note using gin (tags)`,
  },
].map((mutation) => ({ ...mutation, severity: 'warning', remains: true }) as const)

const POWERS = 'login may do nothing but become app'

const opened: readonly Mutation[] = [
  {
    ...{ check: OPENED, what: 'a column more', subject: 'tenantry.invitation' },
    ...{ sql: 'grant select (token_hash) on tenantry.invitation to {app}', also: [POWERS] },
  },
  {
    ...{ check: OPENED, what: 'an update more', subject: 'tenantry.tenant' },
    ...{ sql: 'grant update (plan) on tenantry.tenant to {app}', also: [POWERS] },
  },
  {
    ...{ check: OPENED, what: 'another table', subject: 'tenantry.organization_member' },
    ...{ sql: 'grant select on tenantry.organization_member to {app}', also: [POWERS] },
  },
  {
    ...{ check: OPENED, what: 'more of the organization', subject: 'tenantry.organization' },
    ...{ sql: 'grant select (metadata) on tenantry.organization to {app}', also: [POWERS] },
  },
  {
    ...{ check: OPENED, what: 'changes to teams', subject: 'tenantry.team_role' },
    ...{ sql: 'grant update (role) on tenantry.team_role to {app}', also: [POWERS] },
  },
  {
    ...{ check: OPENED, what: 'a column less', subject: 'tenantry.role' },
    sql: 'revoke select (rank) on tenantry.role from {app}',
  },
  {
    ...{ check: POWERS, what: 'members to everyone', subject: '{app} may read or write tenantry.member' },
    ...{ sql: 'grant insert on tenantry.member to public', also: ['PUBLIC has no rights on relations'] },
  },
  {
    ...{ check: OWN_POLICIES, what: 'one that lets all through', subject: 'tenantry_own on tenantry.member' },
    sql: 'alter policy tenantry_own on tenantry.member using (true)',
  },
  {
    ...{ check: OWN_POLICIES, what: 'an edit for guests', subject: 'tenantry_own_edit on tenantry.tenant' },
    sql: 'alter policy tenantry_own_edit on tenantry.tenant using (id = (select tenantry.current_tenant_id()))',
  },
  {
    ...{ check: OWN_POLICIES, what: 'all organizations', subject: 'tenantry_own on tenantry.organization' },
    sql: 'alter policy tenantry_own on tenantry.organization using (true)',
  },
  {
    ...{ check: OWN_POLICIES, what: 'all teams', subject: 'tenantry_own on tenantry.team_member' },
    sql: 'alter policy tenantry_own on tenantry.team_member using (team_id is not null)',
  },
  {
    ...{ check: OWN_POLICIES, what: 'one for others', subject: 'tenantry_own on tenantry.role' },
    sql: 'alter policy tenantry_own on tenantry.role to public',
  },
  {
    ...{ check: OWN_POLICIES, what: 'dropped', subject: 'tenantry_own on tenantry.tenant' },
    sql: 'drop policy tenantry_own on tenantry.tenant',
  },
  {
    ...{ check: OWN_POLICIES, what: 'one beside it', subject: '"more" on tenantry.invitation' },
    sql: 'create policy more on tenantry.invitation using (true)',
  },
  {
    ...{ check: OWN_POLICIES, what: 'switched off', subject: 'tenantry.member' },
    sql: 'alter table tenantry.member disable row level security',
  },
]

export const codeMutations: readonly Mutation[] = [...controlPlane, ...opened, ...functions, ...leakproof, ...indexes]
