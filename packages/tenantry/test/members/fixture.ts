// Members and roles over a control plane of their own, wired as the composition root wires them.
import { createMembers } from '../../src/features/members/create-members.ts'
import { createRoles } from '../../src/features/members/create-roles.ts'
import type { Members, Roles } from '../../src/features/members/member.ts'
import { membersParticipant } from '../../src/features/members/members-participant.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import type { Tenant } from '../../src/tenants/tenant.ts'
import type { Tenants } from '../../src/tenants/tenants.ts'
import { openTenantsFixture, type TenantsFixture } from '../harness/tenants.ts'

export interface MembersFixture extends Omit<TenantsFixture, 'tenants'> {
  readonly tenants: Tenants
  readonly members: Members
  readonly roles: Roles
  /** A new tenant with an owner named `owner`. */
  readonly newTenant: (options?: { readonly ownerUserId?: string | null }) => Promise<Tenant>
  /** The types of a tenant's events, oldest first. */
  readonly eventsOf: (tenant: Tenant) => Promise<readonly string[]>
}

/** Call in beforeAll, and `close()` in afterAll. */
export async function openMembersFixture(): Promise<MembersFixture> {
  const fixture = await openTenantsFixture()
  const options = { database: fixture.admin, clock: systemClock }
  const tenants = fixture.tenants({ participants: [membersParticipant(options)] })
  let made = 0
  return {
    ...fixture,
    tenants,
    members: createMembers(options),
    roles: createRoles(options),
    newTenant: ({ ownerUserId = 'owner' } = {}) => {
      made += 1
      const owner = ownerUserId === null ? {} : { ownerUserId }
      return tenants.create({ name: `Tenant ${made}`, slug: `tenant-${made}`, provision: false, ...owner })
    },
    eventsOf: async ({ id }) => {
      const { rows } = await fixture.admin.query<{ type: string }>(
        'select type from tenantry.event where tenant_id = $1 order by seq',
        [id],
      )
      return rows.map(({ type }) => type)
    },
  }
}
