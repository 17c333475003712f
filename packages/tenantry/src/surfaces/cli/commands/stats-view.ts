// What each tenant is like in numbers, as a table that says how old it is.
import type { TenantStatistics } from '../../../features/fleet/statistics.ts'
import type { StatisticsPage } from '../../http/statistics-page.ts'
import { tableLines } from '../output.ts'
import { durationText } from '../progress-line.ts'
import { timeText } from '../tenant-view.ts'

const UNIT = 1_024
const UNITS = ['kB', 'MB', 'GB', 'TB'] as const

const right = (title: string) => ({ title, align: 'right' as const })
const columns = [
  { title: 'SLUG', cut: 30 },
  { title: 'STATUS' },
  { title: 'PLAN', cut: 12 },
  { title: 'ISOLATION' },
  ...['MEMBERS', 'KEYS', 'ROWS', 'SIZE'].map(right),
  { title: 'LAST ACTIVITY' },
]

/** Without numbers, how to get them. */
export function statisticsLines({ items, refreshedAt, ageMs }: StatisticsPage): string[] {
  if (refreshedAt === null || ageMs === null) {
    return ['Nothing that matches was counted yet. Count now: tenantry stats --tenants --refresh']
  }
  const age = `Counted ${durationText(ageMs)} ago (${timeText(refreshedAt)}).`
  return [...tableLines(columns, items.map(cellsOf)), age]
}

function cellsOf(tenant: TenantStatistics): string[] {
  const { slug, status, plan, isolation, members, keys, rows, sizeBytes, lastActivityAt } = tenant
  const counts = [members, keys, rows].map(String)
  return [slug, status, plan ?? '-', isolation, ...counts, bytesText(sizeBytes), timeText(lastActivityAt)]
}

/** `812 B`, `1.5 MB`. */
export function bytesText(bytes: number): string {
  if (bytes < UNIT) return `${bytes} B`
  const power = Math.min(UNITS.length, Math.floor(Math.log2(bytes) / Math.log2(UNIT)))
  return `${(bytes / UNIT ** power).toFixed(1)} ${UNITS[power - 1] ?? 'kB'}`
}
