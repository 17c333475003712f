// The stage `tenants`: each root row, or each value of the column that names tenants, becomes a tenant. Ids are reserved
// before anything is registered, so a run that is killed registers nobody twice.
import type { Sql } from '../../../engine/sql/database.ts'
import { isTenantryError, TenantryError } from '../../../kernel/errors.ts'
import { isValidSlug, quoteIdentifier, quoteLiteral, schemaNameFor } from '../../../kernel/identifiers.ts'
import { recordFact } from '../../../tenants/events.ts'
import { lockTenant } from '../../../tenants/lock.ts'
import { finishProvisioning } from '../../../tenants/provision.ts'
import { registerTenant } from '../../../tenants/registration.ts'
import { nameTenants, type RootRow } from '../plan-tenants.ts'
import type { AdoptPlan } from '../plan.ts'
import type { PlanFacts, Stage, StageContext } from './context.ts'
import type { Step } from './step.ts'

const PAGE = 500
const ACTOR = 'adopt'

export const tenantsStage: Stage = {
  stage: 'tenants',
  steps: (facts) => Promise.resolve(rootTriggers(facts)),
  after: registerAll,
  describe: ({ plan }) => keySources(plan, '<adoption>').map(({ reserve }) => reserve),
  afterUndo: unregisterAll,
}

interface KeySource {
  readonly table: string
  readonly column: string
  readonly kind: 'table' | 'column'
  readonly reserve: string
}

/** Where root keys are found. */
function keySources({ root, tables }: AdoptPlan, adoptionId: string): readonly KeySource[] {
  const source = (table: string, column: string, kind: KeySource['kind']): KeySource => {
    const key = `r.${quoteIdentifier(column)}`
    const keys = `select distinct ${key}::text as key from ${table} r where ${key} is not null`
    const reserve =
      `insert into tenantry.adopt_tenant (adoption_id, tenant_id, root_key) ` +
      `select ${quoteLiteral(adoptionId)}::uuid, tenantry.adopt_id(), k.key from (${keys}) k on conflict (adoption_id, root_key) do nothing`
    return { table, column, kind, reserve }
  }
  if (root.kind === 'table') return [source(root.table, root.key, 'table')]
  if (root.kind === 'default') return []
  return tables.flatMap(({ table, column }) => (column === null ? [] : [source(table, column, 'column')]))
}

/** The triggers that reserve a tenant for each root that comes meanwhile. */
export function rootTriggers({ plan, adoptionId }: PlanFacts): readonly Step[] {
  return keySources(plan, adoptionId).map(({ table, column, kind }) => ({
    subject: table,
    statements: [
      `create trigger tenantry_adopt_a_root before insert or update of ${quoteIdentifier(column)} on ${table} ` +
        `for each row execute function tenantry.adopt_root(${[adoptionId, column, kind].map(quoteLiteral).join(', ')})`,
    ],
    undo: [`drop trigger if exists tenantry_adopt_a_root on ${table}`],
  }))
}

/** Registers who is not registered yet; also called by later stages, for those that came since. */
export async function registerAll(context: StageContext): Promise<void> {
  const { plan, adoptionId, session } = context
  await session.transaction('tenants', async (tx) => {
    for (const { reserve } of keySources(plan, adoptionId)) await tx.query(reserve)
    for (const { slug, name } of fixedTenants(plan)) await reserveFixed(tx, adoptionId, { slug, name })
  })
  while (await nameSome(context));
  await registerReserved(context)
  // The backfill joins with it: a plan that takes it for nearly empty would loop over all tenants for each row.
  await session.transaction('tenants', (tx) => tx.query('analyze tenantry.adopt_tenant'))
}

/** Tenants that the plan names itself: the one default, and those for orphans. */
function fixedTenants({ root, tables }: AdoptPlan): readonly { readonly slug: string; readonly name: string }[] {
  const orphans = [...new Set(tables.flatMap(({ orphans: slug }) => slug ?? []))].map((slug) => ({ slug, name: slug }))
  return root.kind === 'default' ? [root, ...orphans.filter(({ slug }) => slug !== root.slug)] : orphans
}

async function reserveFixed(
  tx: Sql,
  adoptionId: string,
  { slug, name }: { slug: string; name: string },
): Promise<void> {
  if (!isValidSlug(slug)) throw new TenantryError('PLAN_INVALID', `The plan names a tenant whose slug is not valid.`)
  await tx.query(
    `insert into tenantry.adopt_tenant (adoption_id, tenant_id, slug, name, is_made, registered_at)
     select $1, coalesce(t.id, tenantry.adopt_id()), $2, $3, t.id is null, t.created_at
       from (select) one left join tenantry.tenant t on t.slug = $2
      where not exists (select from tenantry.adopt_tenant a where a.adoption_id = $1 and a.slug = $2 and a.root_key is null)`,
    [adoptionId, slug, name],
  )
}

interface Unnamed extends RootRow {
  readonly tenantId: string
}

/** Gives a page of reserved tenants their slugs and names; false where there is none left. */
async function nameSome(context: StageContext): Promise<boolean> {
  const { plan, adoptionId, session, tenants } = context
  return session.transaction('tenants', async (tx) => {
    const { rows } = await tx.query<Unnamed>(unnamedQuery(plan), [adoptionId])
    if (rows.length === 0) return false
    const { rows: used } = await tx.query<{ slug: string }>(
      `select slug from tenantry.tenant union select slug from tenantry.adopt_tenant where slug is not null`,
    )
    const taken = new Set([...used.map(({ slug }) => slug), ...tenants.defaults.reservedSlugs])
    const named = nameTenants(rows, { word: wordOf(plan), taken })
    const byKey = new Map(named.map((each) => [each.key, each]))
    const list = rows.map(({ tenantId, key }) => ({ id: tenantId, ...byKey.get(key) }))
    await tx.query(
      `update tenantry.adopt_tenant a set slug = n.slug, name = n.name
         from json_to_recordset($2::json) n (id uuid, slug text, name text) where a.adoption_id = $1 and a.tenant_id = n.id`,
      [adoptionId, JSON.stringify(list)],
    )
    return true
  })
}

/** What tenants are called that have no words of their own: the root's bare name. */
const wordOf = ({ root }: AdoptPlan): string => {
  if (root.kind === 'table') return (root.table.split('.').at(-1) ?? root.table).replaceAll('"', '')
  return root.kind === 'column' ? root.column.replace(/_id$/, '') : root.slug
}

function unnamedQuery({ root }: AdoptPlan): string {
  const select = (slug: string, name: string, from: string) =>
    `select a.tenant_id as "tenantId", a.root_key as key, ${slug} as "slugText", ${name} as "nameText"
       from tenantry.adopt_tenant a ${from} where a.adoption_id = $1 and a.slug is null order by a.tenant_id limit ${PAGE}`
  if (root.kind !== 'table') return select("''", "''", '')
  const words = (columns: readonly string[]) =>
    columns.length === 0 ? "''" : `concat_ws(' ', ${columns.map((name) => `r.${quoteIdentifier(name)}`).join(', ')})`
  const join = `left join ${root.table} r on r.${quoteIdentifier(root.key)}::text = a.root_key`
  return select(words(root.slugFrom), words(root.nameFrom), join)
}

interface Reserved {
  readonly id: string
  readonly slug: string
  readonly name: string
}

async function registerReserved(context: StageContext): Promise<void> {
  const { adoptionId, session } = context
  const waiting = await session.read<Reserved>(
    `select tenant_id as id, slug, name from tenantry.adopt_tenant where adoption_id = $1 and registered_at is null and slug is not null
      order by tenant_id`,
    [adoptionId],
  )
  let done = 0
  for (const reserved of waiting) {
    session.signal?.throwIfAborted()
    await registerOne(context, reserved)
    done += 1
    context.progress({ stage: 'tenants', subject: 'tenants', done, total: waiting.length })
  }
}

async function registerOne(context: StageContext, { id, slug, name }: Reserved): Promise<void> {
  const { tenants, plan, session, adoptionId } = context
  const known = await session.read('select from tenantry.tenant where id = $1', [id])
  if (known.length === 0) {
    const isolation = plan.target
    const rest = { plan: null, ownerUserId: null, settings: {}, metadata: {} }
    // A schema tenant is provisioned where its tables are split out.
    const input = { id, name, isolation, provision: isolation === 'row', ...rest }
    const { operation } = await registerTenant(
      tenants,
      { ...input, slug, schemaName: schemaNameFor(slug) },
      ACTOR,
    ).catch((error: unknown) => {
      if (!isTenantryError(error, 'SLUG_TAKEN') && !isTenantryError(error, 'SCHEMA_NAME_TAKEN')) throw error
      const other = `${slug.slice(0, 87)}-${id.slice(-12)}`
      return registerTenant(tenants, { ...input, slug: other, schemaName: schemaNameFor(other) }, ACTOR)
    })
    if (operation !== undefined) await finishProvisioning(tenants, operation)
    tenants.onChange?.(id)
  }
  await session.transaction('tenants', (tx) =>
    tx.query(`update tenantry.adopt_tenant set registered_at = now() where adoption_id = $1 and tenant_id = $2`, [
      adoptionId,
      id,
    ]),
  )
}

/** Removes the tenants that the stage registered, and forgets the reservations. */
async function unregisterAll(context: StageContext): Promise<void> {
  const { adoptionId, session, tenants } = context
  const made = await session.read<{ id: string }>(
    `select tenant_id as id from tenantry.adopt_tenant where adoption_id = $1 and is_made order by tenant_id`,
    [adoptionId],
  )
  for (const { id } of made) {
    await session.transaction('tenants', async (tx) => {
      const tenant = await lockTenant(tx, { column: 'id', value: id })
      if (tenant !== undefined) {
        for (const participant of tenants.participants.toReversed()) await participant.undoProvision?.(tx, tenant)
        await tx.query('delete from tenantry.tenant where id = $1', [id])
        const fact = { event: 'tenant.purged', action: 'tenant.create.undone', reason: 'adoption reverted' }
        await recordFact(tx, { ...fact, tenant, actor: ACTOR, at: new Date(tenants.clock.now()) })
      }
      await tx.query('delete from tenantry.adopt_tenant where adoption_id = $1 and tenant_id = $2', [adoptionId, id])
    })
    tenants.onChange?.(id)
  }
  await session.transaction('tenants', (tx) =>
    tx.query('delete from tenantry.adopt_tenant where adoption_id = $1', [adoptionId]),
  )
}
