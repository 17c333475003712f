// Whether the server's minor version has the fixes to what went around row-level security.
import { type Check, check } from './admin-requirements.ts'

// The first minor release of each version without a known way around: CVE-2016-2193 and CVE-2023-2455 (a policy of the
// wrong role in a cached or inlined plan), CVE-2024-10976 (the same below subqueries), CVE-2025-8713 (statistics).
const safeReleases: Readonly<Record<number, number>> = { 15: 150_014, 16: 160_010, 17: 170_006 }

/** The check of doctor and verify. */
export function patchLevel({ versionNum, version }: { versionNum: number; version: string }): Check {
  const safe = safeReleases[Math.floor(versionNum / 10_000)] ?? 0
  return check('server has the fixes to row-level security', versionNum >= safe, {
    subject: version,
    fix: `Update the server to ${Math.floor(safe / 10_000)}.${safe % 10_000} or newer (CVE-2023-2455, CVE-2024-10976, CVE-2025-8713).`,
  })
}
