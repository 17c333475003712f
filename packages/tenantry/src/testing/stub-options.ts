// What stubTenantry takes.
import type { Clock } from '../kernel/clock.ts'
import type { TenantrySettings } from '../composition/settings.ts'

/** A statement that the application sent. */
export interface StubQuery {
  /** Whose scope it was sent in; undefined where it was sent with central access. */
  readonly tenant: { readonly id: string; readonly slug: string } | undefined
  readonly text: string
  readonly values: readonly unknown[]
}

export interface StubOptions
  extends Pick<
    TenantrySettings,
    'isolation' | 'autoProvision' | 'reservedSlugs' | 'purgeAfterDays' | 'logger' | 'resolution'
  > {
  /** The rows that a statement returns. Without it each statement fails, because the stub runs no SQL. */
  readonly onQuery?: (query: StubQuery) => readonly object[] | Promise<readonly object[]>
  /** Default: the system's. */
  readonly clock?: Clock
}
