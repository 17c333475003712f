// Code that runs with other rights than the caller's, or that reaches out of the database.
import type { CatalogueRule } from '../catalogue-rule.ts'

const NOT_OURS = `f.schema not in ('pg_catalog', 'information_schema', 'tenantry')`
const TRIGGER_TYPES = `('trigger'::regtype, 'event_trigger'::regtype)`
const COVERED = `(r.is_protected or r.is_guarded or r.tenant_id is not null)`
const closed = `format('revoke execute on %s from public, %s;', f.name, names.app_name) || f.owner_note`

/** Extensions whose functions open connections or read files, pages or other sessions' data. */
const REACHING_OUT = `('dblink', 'postgres_fdw', 'file_fdw', 'adminpack', 'pageinspect', 'pg_walinspect', 'pg_surgery', 'pgrowlocks',
  'pg_freespacemap', 'pg_visibility', 'pg_buffercache', 'pg_prewarm', 'amcheck', 'http', 'pg_net', 'pg_cron', 'plsh')`

/** PostgreSQL's own functions that read or write files of the server; revoked from PUBLIC at birth. */
const SERVER_FILES = `('pg_read_file', 'pg_read_binary_file', 'pg_stat_file', 'pg_ls_dir', 'lo_import', 'lo_export')`

export const functionRules: readonly CatalogueRule[] = [
  {
    name: 'SECURITY DEFINER functions pin their search_path',
    unit: 'SECURITY DEFINER functions in reach',
    found: `select f.name as subject, format('alter %s set search_path = pg_catalog, %I, pg_temp;', f.name, f.schema) || f.owner_note as fix,
        not exists (select from unnest(f.proconfig) setting where starts_with(setting, 'search_path=')) as bad
      from callable f where f.prosecdef and ${NOT_OURS} and (f.is_executable or f.prorettype in ${TRIGGER_TYPES})`,
  },
  {
    // Such a function runs before the policies do, on rows that they hide.
    name: 'no function outside of PostgreSQL claims to be leakproof',
    unit: 'functions in reach',
    found: `select f.name as subject, format('alter %s not leakproof;', f.name) || f.owner_note as fix, f.proleakproof as bad
      from callable f where ${NOT_OURS} and f.is_executable`,
  },
  {
    // EXECUTE for PUBLIC is what a function is born with, not a decision.
    name: 'SECURITY DEFINER functions are closed to PUBLIC',
    unit: 'SECURITY DEFINER functions',
    found: `select f.name as subject, format('revoke execute on %s from public;', f.name) || f.owner_note as fix, f.is_public as bad
      from callable f where f.prosecdef and ${NOT_OURS} and f.prorettype not in ${TRIGGER_TYPES}`,
  },
  {
    name: 'the application calls no SECURITY DEFINER function',
    severity: 'warning',
    unit: 'SECURITY DEFINER functions',
    found: `select f.name as subject, ${closed} as fix, f.is_executable and not f.is_public as bad
      from names, callable f where f.prosecdef and ${NOT_OURS} and f.prorettype not in ${TRIGGER_TYPES}`,
  },
  {
    name: "triggers run with the caller's rights",
    severity: 'warning',
    unit: "triggers of tenants' tables",
    found: `select format('%I on %s', t.tgname, r.name) as subject, f.prosecdef as bad,
        format('Have somebody else read %s: it sees the rows of all tenants where its owner does.', f.name) as fix
      from relation r join pg_trigger t on t.tgrelid = r.oid join callable f on f.oid = t.tgfoid
      where ${COVERED} and not t.tgisinternal and t.tgenabled <> 'D'`,
  },
  {
    name: "no rule rewrites statements on a tenants' table",
    unit: "tenants' tables",
    found: `select format('%I on %s', w.rulename, r.name) as subject, format('drop rule %I on %s;', w.rulename, r.name) || r.owner_note as fix,
        w.oid is not null as bad
      from relation r left join pg_rewrite w on w.ev_class = r.oid where ${COVERED} and r.relkind in ('r', 'p')`,
  },
  {
    name: 'untrusted languages are closed to the application',
    unit: 'functions in untrusted languages',
    found: `select f.name as subject, ${closed} as fix, f.is_executable as bad
      from names, callable f join pg_language l on l.oid = f.prolang
      where not l.lanpltrusted and l.lanname not in ('internal', 'c') and ${NOT_OURS}`,
  },
  {
    name: 'extensions that reach out are closed to the application',
    unit: 'extensions that reach out',
    found: `select e.extname::text as subject, coalesce(bool_or(f.is_executable), false) as bad,
        coalesce(string_agg(format('revoke execute on %s from public, %s;', f.name, names.app_name), ' ' order by f.name)
          filter (where f.is_executable), '') || coalesce(max(f.owner_note), '') as fix
      from names, pg_extension e left join pg_depend d on d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid
        and d.classid = 'pg_proc'::regclass and d.deptype = 'e' left join callable f on f.oid = d.objid
      where e.extname in ${REACHING_OUT} group by e.extname`,
  },
  {
    name: "the server's files are closed to the application",
    unit: 'functions on files',
    found: `select f.name as subject, ${closed} as fix, f.is_executable as bad
      from names, pg_proc p join callable f on f.oid = p.oid
      where p.proname in ${SERVER_FILES} and p.pronamespace = 'pg_catalog'::regnamespace`,
  },
  {
    // They belong to a role, not to a tenant: what one tenant stores every other one reads.
    name: 'the application has no large objects',
    unit: 'large objects',
    found: `select 'large object ' || l.oid as subject, 'Move its content into a bytea column of a protected table, then lo_unlink it.' as fix,
        l.lomowner = any (names.application)
          or exists (select from aclexplode(l.lomacl) a where a.grantee = any (names.application)) as bad
      from names, pg_largeobject_metadata l
      union all
      select 'lo_compat_privileges', format('alter database %I reset lo_compat_privileges; -- or in postgresql.conf', current_database()),
        true where current_setting('lo_compat_privileges')::boolean`,
  },
  {
    name: 'no event trigger runs',
    severity: 'warning',
    unit: 'event triggers',
    found: `select t.evtname::text as subject, 'Have somebody read it: it runs with the rights of whoever changes a table, the admin login included.' as fix,
        true as bad
      from pg_event_trigger t where t.evtenabled <> 'D'
        and not exists (select from pg_depend d where d.classid = 'pg_event_trigger'::regclass and d.objid = t.oid and d.deptype = 'e')`,
  },
]
