// What a soak knows of one tenant: which rows were answered as written, which as gone, and which nobody can know of.
import { isTenantryError } from '../../src/kernel/errors.ts'
import type { Tenant } from '../../src/tenants/tenant.ts'

/** The connection was lost, or never made. */
export const isOutage = (error: unknown) => isTenantryError(error, 'DATABASE_UNAVAILABLE')

export class SoakTenant {
  readonly slug: string
  readonly tenant: Tenant
  /** Rows whose commit was answered. */
  readonly present = new Set<string>()
  /** Rows that must not be there: rolled back, refused or deleted. */
  readonly absent = new Set<string>()
  /** Rows whose writing lost its connection before the answer. */
  readonly unknown = new Set<string>()
  #made = 0

  constructor(tenant: Tenant) {
    this.tenant = tenant
    this.slug = tenant.slug
  }

  newId(): string {
    return `${this.slug}/${this.#made++}`
  }

  /** Runs a write and books the rows it makes by how it ended; its error goes on. */
  async write<T>(ids: readonly string[], work: () => Promise<T>): Promise<T> {
    try {
      const result = await work()
      for (const id of ids) this.present.add(id)
      return result
    } catch (error) {
      for (const id of ids) (isOutage(error) ? this.unknown : this.absent).add(id)
      throw error
    }
  }

  async delete<T>(id: string, work: () => Promise<T>): Promise<T> {
    this.present.delete(id)
    try {
      const result = await work()
      this.absent.add(id)
      return result
    } catch (error) {
      ;(isOutage(error) ? this.unknown : this.present).add(id)
      throw error
    }
  }

  /** What is wrong with the rows that are really there. */
  faults(rows: readonly { readonly id: string; readonly marker: string }[]): string[] {
    const found = new Set(rows.map(({ id }) => id))
    const foreign = rows.filter(({ id, marker }) => marker !== this.slug || !id.startsWith(`${this.slug}/`))
    return [
      ...foreign.map(({ id }) => `${id} lies with ${this.slug}`),
      ...[...this.present].filter((id) => !found.has(id)).map((id) => `${id} was answered and is gone`),
      ...[...this.absent].filter((id) => found.has(id)).map((id) => `${id} was rolled back and is there`),
      ...[...found]
        .filter((id) => !this.present.has(id) && !this.unknown.has(id))
        .map((id) => `${id} came from nowhere`),
    ]
  }
}
