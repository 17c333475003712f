// Tenants as text: the line of a list, the block of one tenant, the figures of all.
import { type Tenant, type TenantStats, tenantStatuses } from '../../tenants/tenant.ts'
import { type Column, fieldLines, tableLines } from './output.ts'
import { plain } from './text.ts'

const NONE = '-'

const columns: readonly Column[] = [
  { title: 'ID', width: 38 },
  { title: 'SLUG', width: 20 },
  { title: 'NAME', width: 30, cut: 30 },
  { title: 'STATUS', width: 12 },
  { title: 'PLAN', width: 12 },
]

/** One line a tenant, below titles and a rule. A slug is never cut, because it is what one copies. */
export function listLines(tenants: readonly Tenant[]): string[] {
  return tableLines(
    columns,
    tenants.map((tenant) => {
      const { id, slug, name, status, mode, plan } = tenant
      // What a tenant is closed for is as much its status as the status itself.
      return [id, slug, name, mode === 'normal' ? status : `${status}, ${wordOf(mode)}`, plan ?? NONE]
    }),
  )
}

/** What was created, in the words of its success line and three facts. */
export function createdLines(tenant: Tenant): string[] {
  const place: [string, string] =
    tenant.isolation === 'schema' ? ['Schema', tenant.schemaName] : ['Isolation', tenant.isolation]
  return [
    `✓ Tenant created: ${plain(tenant.slug)} (ID: ${plain(tenant.id)})`,
    ...fieldLines([['Owner', tenant.ownerUserId ?? NONE], ['Plan', tenant.plan ?? NONE], place]),
  ]
}

/** Everything about one tenant that has a value. */
export function detailLines(tenant: Tenant): string[] {
  const fields: (readonly [string, string | null])[] = [
    ['ID', tenant.id],
    ['Slug', tenant.slug],
    ['Name', tenant.name],
    ['Status', statusText(tenant)],
    ['Mode', tenant.mode === 'normal' ? null : modeText(tenant)],
    ['Mode since', tenant.mode === 'normal' ? null : tenant.modeSince && timeText(tenant.modeSince)],
    ['Not for', tenant.modeOperators.length === 0 ? null : tenant.modeOperators.join(', ')],
    ['Plan', tenant.plan ?? NONE],
    ['Owner', tenant.ownerUserId ?? NONE],
    ['Isolation', tenant.isolation],
    ['Schema', tenant.isolation === 'schema' ? tenant.schemaName : null],
    ['Provisioned', tenant.provisionedAt === null ? 'no' : timeText(tenant.provisionedAt)],
    ['Created', timeText(tenant.createdAt)],
    ['Updated', timeText(tenant.updatedAt)],
    ['Deleted', tenant.deletedAt && timeText(tenant.deletedAt)],
    ['Purge after', tenant.purgeAfter && timeText(tenant.purgeAfter)],
    ['Settings', jsonText(tenant.settings)],
    ['Metadata', jsonText(tenant.metadata)],
  ]
  const present = fields.flatMap(([label, value]) => (value === null ? [] : [[label, value] as const]))
  return ['Tenant Details:', ...fieldLines(present)]
}

function statusText({ status, suspendReason }: Tenant): string {
  return status === 'suspended' && suspendReason !== null ? `suspended (${suspendReason})` : status
}

const wordOf = (mode: Tenant['mode']) => mode.replace('_', '-')

/** The mode in the words of the command line, and why. */
export function modeText({ mode, modeReason }: Tenant): string {
  return modeReason === null ? wordOf(mode) : `${wordOf(mode)} (${plain(modeReason)})`
}

function jsonText(value: object): string | null {
  return Object.keys(value).length === 0 ? null : JSON.stringify(value)
}

/** `2025-01-15 10:30:00 UTC`. */
export function timeText(iso: string): string {
  return iso.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')
}

/** The figures of all tenants. */
export function statsLines(stats: TenantStats): string[] {
  const statuses = tenantStatuses.map((status) => [capital(status), stats.byStatus[status]] as const)
  const figures = [['Total Tenants', stats.total], ...statuses, ['Not provisioned', stats.unprovisioned]] as const
  const plans = Object.entries(stats.byPlan)
  return [
    'Tenant Statistics',
    ...fieldLines(figures.map(([label, count]) => [label, String(count)])),
    ...(plans.length === 0 ? [] : ['', 'Tenants by Plan:', ...countLines(plans)]),
  ]
}

function countLines(counts: readonly (readonly [string, number])[]): string[] {
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || a.localeCompare(b))
  return fieldLines(sorted.map(([label, count]) => [plain(label), String(count)]))
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
