// What NestJS has besides requests: injection, decorators, singletons that serve many tenants, shutdown.
import { type CanActivate, Controller, Get, Inject, Injectable, type Type, UseGuards } from '@nestjs/common'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  CurrentTenant,
  MemberGuard,
  RequirePermission,
  RequireRole,
  TenancyModule,
  TENANTRY,
  TenantGuard,
} from '../../src/bridges/nestjs.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import type { Tenant } from '../../src/tenants/tenant.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { openApp } from '../support/nest-app.ts'

let database: TestDatabase
let tenantry: Tenantry
let made = 0

beforeEach(async () => {
  made = 0
  database = await createTestDatabase()
  tenantry = createTenantry({
    adminUrl: database.adminUrl,
    migrations: '/nonexistent',
    resolution: {
      user: (request) => ({ userId: request.header('x-user') ?? 'nobody' }),
      membership: {
        peek: () => undefined,
        lookup: async (tenantId, userId) => {
          if (userId === 'nobody') return null
          const permissions = userId === 'admin' ? (['*'] as const) : (['notes:read'] as const)
          const place = { role: userId, rank: 40, permissions, source: 'member', readOnly: false, expiresAt: null }
          return { ...place, source: 'member', tenantId, userId } as const
        },
      },
    },
  })
})

afterEach(async () => {
  await tenantry.close()
  await database.drop()
})

/** Counts its instances, and asks for the tenant only when it is called. */
class Notes {
  readonly instance: Tenantry

  constructor(instance: Tenantry) {
    made += 1
    this.instance = instance
  }

  async slugTwice(): Promise<readonly (string | undefined)[]> {
    const read = async () => {
      const { rows } = await this.instance.pool.query<{ id: string }>('select tenantry.current_tenant_id() as id')
      return rows[0]?.id
    }
    return [await read(), this.instance.current()?.tenantId, await read()]
  }
}
Injectable()(Notes)
Inject(TENANTRY)(Notes, undefined, 0)

class NotesController {
  readonly notes: Notes

  constructor(notes: Notes) {
    this.notes = notes
  }

  read(): Promise<readonly (string | undefined)[]> {
    return this.notes.slugTwice()
  }

  tenant(tenant: { readonly slug: string } | undefined): { readonly slug: string | null } {
    return { slug: tenant?.slug ?? null }
  }

  none(): string {
    return 'reached'
  }
}
Inject(Notes)(NotesController, undefined, 0)
Controller()(NotesController)

type Decorator = MethodDecorator
const proto = NotesController.prototype
const on = (name: 'read' | 'tenant' | 'none', ...decorators: readonly Decorator[]) => {
  const descriptor = Object.getOwnPropertyDescriptor(proto, name) ?? {}
  for (const decorate of decorators) decorate(proto, name, descriptor)
}
const use = (guard: Type<CanActivate>) => UseGuards(guard)
on('read', Get('notes'), use(TenantGuard))
on('tenant', Get('tenant'), use(MemberGuard), RequirePermission('notes:read'))
CurrentTenant()(proto, 'tenant', 0)
on('none', Get('admin'), RequireRole('admin'), RequirePermission('notes:write'))

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
] as const)('NestJS over %s', (_name, adapter) => {
  async function open(): Promise<{ url: string; close: () => Promise<void> }> {
    const module = TenancyModule.forRootAsync({ useFactory: async () => ({ tenantry }) })
    const app = await openApp(adapter(), { controllers: [NotesController], providers: [Notes], module })
    await app.listen(0, '127.0.0.1')
    return { url: await app.getUrl(), close: () => app.close() }
  }

  const tenants = (): Promise<Tenant[]> =>
    Promise.all(['one', 'two', 'three'].map((slug) => tenantry.tenants.create({ name: slug, slug: `nest-${slug}` })))

  const ask = async (url: string, { slug, user = 'member' }: { readonly slug?: string; readonly user?: string }) => {
    const headers = { 'x-user': user, ...(slug !== undefined && { 'x-tenant-slug': slug }) }
    const response = await fetch(url, { headers })
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
  }

  test('serves all tenants with one provider, and none sees another’s', async () => {
    const all = await tenants()
    const { url, close } = await open()
    const asked = Array.from({ length: 120 }, (_, at) => all[at % all.length] as Tenant)
    const answers = await Promise.all(asked.map(({ slug }) => ask(`${url}/notes`, { slug })))
    expect(answers.map(({ text }) => JSON.parse(text) as unknown)).toEqual(asked.map(({ id }) => [id, id, id]))
    expect(made).toBe(1)
    await close()
  })

  test('gives handlers their tenant, and refuses by role and permission with a problem', async () => {
    await tenants()
    const { url, close } = await open()
    expect(await ask(`${url}/tenant`, { slug: 'nest-one' })).toMatchObject({ text: '{"slug":"nest-one"}' })
    expect(await ask(`${url}/tenant`, { slug: 'nest-one', user: 'nobody' })).toMatchObject({ status: 403 })
    expect(await ask(`${url}/admin`, { slug: 'nest-one', user: 'admin' })).toMatchObject({ text: 'reached' })
    const refused = await ask(`${url}/admin`, { slug: 'nest-one' })
    expect(refused).toMatchObject({ status: 403, type: expect.stringMatching(/^application\/problem\+json/) as string })
    expect(JSON.parse(refused.text)).toMatchObject({ code: 'PERMISSION_DENIED' })
    expect(await ask(`${url}/notes`, {})).toMatchObject({ status: 404 })
    await close()
  })

  test('closes the instance with the application', async () => {
    const [tenant] = await tenants()
    const { close } = await open()
    await close()
    const late = tenantry.run({ id: tenant?.id ?? '' }, () => tenantry.pool.query('select 1'))
    await expect(late).rejects.toMatchObject({ code: 'CLOSED' })
  })
})
