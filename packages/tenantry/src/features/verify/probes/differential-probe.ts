// Views and functions may count, join and hide, so what they show proves nothing by itself. Their whole answer to the
// attacker is compared before and after the victim gets a row: it must not change.
import { TENANT_COLUMN } from '../../../engine/isolation/table-facts.ts'
import type { Sql } from '../../../engine/sql/database.ts'
import { quoteIdentifier, quoteLiteral } from '../../../kernel/identifiers.ts'
import type { VerifyCheck } from '../check.ts'
import type { Honey, Identity } from './honey.ts'
import { insertMarkedRow } from './marked-row.ts'
import type { ProbeSession } from './probe-session.ts'
import type { SessionGroup } from './session-group.ts'
import { skipped } from './table-probe.ts'
import type { SchemaTenant, TargetTable } from './targets.ts'

/** Something that can be read from, and the tables whose rows may come through it. */
interface Door {
  readonly kind: 'view' | 'materialized view' | 'function'
  /** Quoted name, or a signature. */
  readonly name: string
  /** What stands in FROM; `$tenant` is where an id goes. */
  readonly source: string
  /** Quoted names; for a function, whose text hides them, every table. */
  readonly tables: readonly string[]
  readonly hasTenantColumn: boolean
  /** A view under the policies of the tables beneath it, which are attacked themselves. */
  readonly runsAsCaller: boolean
  readonly schema: string
}

export interface DoorProbeOptions {
  readonly sessions: SessionGroup
  readonly central: Sql
  readonly honey: Honey
  readonly tables: ReadonlyMap<string, TargetTable>
  readonly tenants: readonly SchemaTenant[]
  readonly appRole: string
  readonly readOnly: boolean
}

const VIEWS = `
  with recursive base as (
    select r.ev_class as view, d.refobjid as relation from pg_rewrite r
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
     where d.refobjid <> r.ev_class
    union
    select b.view, d.refobjid from base b join pg_rewrite r on r.ev_class = b.relation
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
     where d.refobjid <> r.ev_class)
  select case v.relkind when 'm' then 'materialized view' else 'view' end as kind, format('%I.%I', n.nspname, v.relname) as name, format('%I.%I', n.nspname, v.relname) as source,
    json_agg(distinct format('%I.%I', tn.nspname, t.relname)) as tables, n.nspname::text as schema,
    exists (select from pg_attribute a where a.attrelid = v.oid and a.attname = '${TENANT_COLUMN}'
      and a.atttypid = 'uuid'::regtype) as "hasTenantColumn",
    coalesce((select o.option_value::boolean from pg_options_to_table(v.reloptions) o
      where o.option_name = 'security_invoker'), false) as "runsAsCaller"
    from base b join pg_class v on v.oid = b.view and v.relkind in ('v', 'm') join pg_namespace n on n.oid = v.relnamespace
    join pg_class t on t.oid = b.relation and t.relkind in ('r', 'p') join pg_namespace tn on tn.oid = t.relnamespace
   where n.nspname not in ('tenantry', 'information_schema') and n.nspname !~ '^pg_'
     and has_schema_privilege($1::name, n.oid, 'usage') and has_table_privilege($1::name, v.oid, 'select')
     and format('%I.%I', tn.nspname, t.relname) = any ($2::text[])
   group by v.oid, v.relkind, v.reloptions, n.nspname, v.relname order by 2`

// Only definers go past a policy; an invoker's function is judged by the tables it reads. Those that may write are not
// called, because what they do outside of the database no rollback undoes.
const FUNCTIONS = `
  select 'function' as kind, p.oid::regprocedure::text as name, n.nspname::text as schema, p.provolatile = 'v' as volatile,
    format('%I.%I(%s)', n.nspname, p.proname, (select string_agg('$tenant', ', ') from generate_series(1,
      p.pronargs - p.pronargdefaults))) as source,
    (select coalesce(bool_and(t.type = 'uuid'::regtype), true)
       from unnest((p.proargtypes::oid[])[0:p.pronargs - p.pronargdefaults - 1]) t (type)) as callable
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
   where p.prosecdef and p.prokind = 'f' and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
     and n.nspname not in ('tenantry', 'information_schema') and n.nspname !~ '^pg_'
     and has_schema_privilege($1::name, n.oid, 'usage') and has_function_privilege($1::name, p.oid, 'execute')
     and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
   order by 2`

interface FunctionRow extends Omit<Door, 'tables' | 'hasTenantColumn' | 'runsAsCaller'> {
  readonly volatile: boolean
  readonly callable: boolean
}

/** Probes every view over the tables and every definer function that the application may call. */
export async function probeDoors(options: DoorProbeOptions): Promise<readonly VerifyCheck[]> {
  const { central, appRole, tables } = options
  const all = [...tables.keys()]
  const { rows: views } = await central.query<Door>(VIEWS, [appRole, all])
  const { rows: functions } = await central.query<FunctionRow>(FUNCTIONS, [appRole])
  const definers = functions.map((row) => ({ ...row, tables: all, hasTenantColumn: false, runsAsCaller: false }))
  return options.sessions.each([...views, ...definers], (session, door: Door | (Door & FunctionRow)) => {
    const why = 'volatile' in door ? reasonNotToCall(door) : undefined
    if (why !== undefined) return Promise.resolve(skipped('probe: function', door.name, why))
    return probeDoor({ ...options, session }, door)
  })
}

function reasonNotToCall({ volatile, callable }: FunctionRow): string | undefined {
  if (volatile) return 'it is VOLATILE and might write'
  return callable ? undefined : 'its arguments are not known'
}

interface DifferentialOptions extends DoorProbeOptions {
  readonly session: ProbeSession
}

async function probeDoor(options: DifferentialOptions, door: Door): Promise<VerifyCheck> {
  const { session, honey } = options
  return session.rolledBack(async () => {
    const victim = victimOf(options, door)
    const name = `probe: ${door.kind}`
    const fix = fixOf(door, options.appRole)
    if (await showsForeignRows(session, honey.attacker, door)) return { name, ok: false, subject: door.name, fix }
    const before = await digests(session, door, [victim, honey.attacker])
    const again = await digests(session, door, [victim, honey.attacker])
    if (before[1] !== again[1]) return skipped(name, door.name, 'its answer changes by itself')
    const isMarked = await markTables(options, door, victim)
    const after = await digests(session, door, [victim, honey.attacker])
    if (after[1] !== before[1]) return { name, ok: false, subject: door.name, fix }
    // What the attacker may not call at all needs no row to show that.
    if (after[1] === DENIED || door.runsAsCaller || (await hasTenantRows(options, door)))
      return { name, ok: true, subject: door.name }
    if (isMarked && after[0] !== before[0]) return { name, ok: true, subject: door.name }
    return skipped(name, door.name, 'no row could be brought into it')
  })
}

/** Whether it has rows that would have told, by their tenant column, whose they are. */
async function hasTenantRows({ central }: DoorProbeOptions, { hasTenantColumn, source }: Door): Promise<boolean> {
  if (!hasTenantColumn) return false
  const { rows } = await central.query<{ found: boolean }>(`select exists (select from ${source}) as found`)
  return rows[0]?.found ?? false
}

function fixOf({ kind, name }: Door, appRole: string): string {
  if (kind === 'materialized view') return `REVOKE ALL ON ${name} FROM PUBLIC, ${quoteIdentifier(appRole)};`
  if (kind === 'view') return `ALTER VIEW ${name} SET (security_invoker = true);`
  return `REVOKE EXECUTE ON FUNCTION ${name} FROM PUBLIC, ${quoteIdentifier(appRole)};`
}

function victimOf({ tenants, honey }: DifferentialOptions, { schema }: Door): Identity {
  const tenant = tenants.find(({ schemaName }) => schemaName === schema)
  return tenant === undefined ? honey.victim : honey.schemaTenant(tenant)
}

async function showsForeignRows(session: ProbeSession, attacker: Identity, door: Door): Promise<boolean> {
  if (!door.hasTenantColumn) return false
  const text = `select 1 from ${door.source} v where v.${TENANT_COLUMN} <> ${quoteLiteral(attacker.id)} limit 1`
  return (await session.attempt({ as: attacker.prelude(), text })).rows.length > 0
}

const DENIED = 'refused with 42501'

/** What the door shows to each, in one word. A refusal is an answer, too. */
async function digests(session: ProbeSession, door: Door, identities: readonly Identity[]): Promise<readonly string[]> {
  const victim = identities[0]?.id ?? ''
  const source = door.source.replaceAll('$tenant', `${quoteLiteral(victim)}::uuid`)
  const text = `select count(*)::text || md5(coalesce(string_agg(v::text, chr(10) order by v::text), '')) as digest
    from ${source} v`
  const outcomes = await Promise.all(identities.map((identity) => session.attempt({ as: identity.prelude(), text })))
  return outcomes.map(({ rows, refused }) => {
    const digest = rows[0]?.['digest']
    return typeof digest === 'string' ? digest : `refused with ${refused ?? 'nothing'}`
  })
}

async function markTables(options: DifferentialOptions, door: Door, victim: Identity): Promise<boolean> {
  if (options.readOnly) return false
  let isMarked = false
  for (const name of door.tables) {
    const table = options.tables.get(name)
    // Another schema's tables are no business of this victim.
    if (table === undefined || !isOf(victim, door, table)) continue
    const marking = await insertMarkedRow({ session: options.session, as: victim, tables: options.tables }, table)
    isMarked ||= !('reason' in marking)
  }
  return isMarked
}

function isOf(victim: Identity, door: Door, table: TargetTable): boolean {
  return victim.isolation === 'row' ? table.hasTenantColumn : table.schema === door.schema
}
