// What the host suite plays on: an instance whose requests are resolved in every way there is, tenants with a few notes, and
// users whose names say where they belong.
import { createHmac, randomBytes } from 'node:crypto'
import type { ResolutionSettings } from '../features/resolution/settings.ts'
import { TenantryError } from '../kernel/errors.ts'
import { quoteLiteral } from '../kernel/identifiers.ts'
import type { Tenantry } from '../tenantry.ts'
import type { Membership, Permission, VerifiedUser } from '../tenants/access.ts'
import type { Tenant } from '../tenants/tenant.ts'

const TENANTS = 6
export const NOTES = [1, 2, 3] as const

export const baseDomain = 'suite.test'
const issuer = 'https://issuer.suite.test'
const audience = 'host-suite'
const secret = randomBytes(32).toString('hex')

const roles: Readonly<Record<string, { readonly rank: number; readonly permissions: readonly Permission[] }>> = {
  admin: { rank: 80, permissions: ['*'] },
  member: { rank: 40, permissions: ['notes:read'] },
  reader: { rank: 10, permissions: ['notes:read'] },
}

/** Who a user of the suite is: `<slug>:<role>` is a member of that tenant, and of no other. */
export const userOf = (slug: string, role = 'member') => `${slug}:${role}`

/** A JSON Web Token of the suite's issuer, for five minutes from now. */
export function tokenFor(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const exp = Math.floor(Date.now() / 1000) + 300
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ iss: issuer, aud: audience, exp, ...claims })}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

/** The suite's own side of an instance: settings first, tenants once the instance is there. */
export class HostStage {
  /** While it is true nobody can tell who belongs where. */
  isOut = false
  readonly #memberships = new Map<string, Membership>()
  #tenants: readonly Tenant[] = []

  /** The resolution that the instance must have. */
  get resolution(): ResolutionSettings {
    return {
      subdomainPattern: `{tenant}.${baseDomain}`,
      customDomain: { lookup: async (host) => (host.endsWith('.shop.test') ? host.split('.')[0] : undefined) },
      jwt: { issuer, audience, secret },
      session: { verify: (cookie) => ({ tenant: cookie, userId: userOf(cookie) }) },
      membership: { peek: (...asked) => this.#membership(asked), lookup: async (...asked) => this.#membership(asked) },
      user: (request): VerifiedUser | undefined => {
        const userId = request.header('x-suite-user')
        if (userId === 'broken') throw new Error('The application could not tell who this is.')
        return userId === undefined ? undefined : { userId }
      },
    }
  }

  /** Six row tenants; the rest of the suite leaves the last one alone, which is suspended. */
  get tenants(): readonly Tenant[] {
    return this.#tenants
  }

  get suspended(): Tenant {
    return last(this.#tenants)
  }

  async open(tenantry: Tenantry): Promise<void> {
    await tenantry.asCentral('host suite: table', (central) =>
      central.query(`create table if not exists public.suite_host_note (
        tenant_id uuid not null, id integer not null, body text not null, primary key (tenant_id, id))`),
    )
    await tenantry.protect('public.suite_host_note')
    const tenants: Tenant[] = []
    for (let at = 1; at <= TENANTS; at++) {
      const slug = `suite-host-${at}`
      tenants.push((await tenantry.tenants.find(slug)) ?? (await tenantry.tenants.create({ name: slug, slug })))
    }
    for (const { id, slug } of tenants) this.#admit(id, slug)
    this.#tenants = tenants
    await this.reset(tenantry)
    await tenantry.tenants.suspend(last(tenants).slug, { reason: 'host suite' })
  }

  /** Every tenant back to three notes, which have the same ids everywhere. */
  async reset(tenantry: Tenantry): Promise<void> {
    const rows = this.#tenants.flatMap(({ id, slug }) =>
      NOTES.map((note) => `(${quoteLiteral(id)}, ${note}, ${quoteLiteral(`${slug}/${note}`)})`),
    )
    await tenantry.asCentral('host suite: reset', async (central) => {
      await central.query(`delete from public.suite_host_note;
        insert into public.suite_host_note (tenant_id, id, body) values ${rows.join(', ')}`)
    })
  }

  /** What is really stored for a tenant. */
  async stored(tenantry: Tenantry, { id }: Tenant): Promise<readonly string[]> {
    const { rows } = await tenantry.asCentral('host suite: count', (central) =>
      central.query<{ body: string }>('select body from public.suite_host_note where tenant_id = $1 order by body', [
        id,
      ]),
    )
    return rows.map(({ body }) => body)
  }

  #admit(tenantId: string, slug: string): void {
    for (const [role, { rank, permissions }] of Object.entries(roles)) {
      const userId = userOf(slug, role)
      const place = { tenantId, userId, role, rank, permissions, source: 'member' } as const
      this.#memberships.set(`${tenantId} ${userId}`, { ...place, readOnly: role === 'reader', expiresAt: null })
    }
  }

  #membership([tenantId, userId]: readonly [string, string]): Membership | null {
    if (this.isOut) throw new TenantryError('DATABASE_UNAVAILABLE', 'The members cannot be read.')
    return this.#memberships.get(`${tenantId} ${userId}`) ?? null
  }
}

function last(tenants: readonly Tenant[]): Tenant {
  const tenant = tenants.at(-1)
  if (tenant === undefined) throw new Error('The stage has no tenants.')
  return tenant
}
