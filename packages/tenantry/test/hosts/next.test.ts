// Next.js: what its wrappers do with its own request and response, and with headers alone.
import { NextRequest, NextResponse } from 'next/server.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as bridge from '../../src/bridges/next.ts'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

describe('handlers of Next.js', () => {
  let database: TestDatabase
  let tenantry: Tenantry

  beforeAll(async () => {
    database = await createTestDatabase()
    tenantry = createTenantry({
      ...{ adminUrl: database.adminUrl, migrations: '/nonexistent' },
      resolution: {
        user: (request) => ({ userId: request.header('x-user') ?? 'nobody' }),
        public: ['/*'],
        membership: {
          peek: () => undefined,
          lookup: async (tenantId, userId) => {
            const place = { rank: 40, permissions: [], source: 'member', readOnly: false, expiresAt: null } as const
            return userId === 'nobody' ? null : { ...place, tenantId, userId, role: userId }
          },
        },
      },
    })
    for (const slug of ['acme', 'globex']) await tenantry.tenants.create({ name: slug, slug })
  })
  afterAll(async () => {
    await tenantry.close()
    await database.drop()
  })

  const seen = async () => {
    const { rows } = await tenantry.pool.query<{ id: string }>('select tenantry.current_tenant_id() as id')
    return [rows[0]?.id, tenantry.current()?.tenantId]
  }
  const idOf = async (slug: string) => (await tenantry.tenants.get(slug)).id
  const headersOf = (slug: string, user = 'member') => ({ 'x-tenant-slug': slug, 'x-user': user })

  it('of a server component or action run in the tenant of the headers', async () => {
    const { page } = bridge.tenancy(tenantry)
    const ask = (slug: string) => page(new Headers(headersOf(slug)), async ({ tenant }) => [tenant?.slug, await seen()])
    const [one, two] = [await idOf('acme'), await idOf('globex')]
    const answers = await Promise.all(Array.from({ length: 40 }, (_, at) => ask(at % 2 === 0 ? 'acme' : 'globex')))
    const expected = answers.map((_, at) => (at % 2 === 0 ? ['acme', [one, one]] : ['globex', [two, two]]))
    expect(answers).toEqual(expected)
    expect(tenantry.current()).toBeUndefined()
  })

  it('of a server component are refused by an error, and no path makes them public', async () => {
    const { page } = bridge.tenancy(tenantry)
    let called = 0
    const ask = (headers: Record<string, string>, ...guards: bridge.NextGuard[]) => {
      const call = () => {
        called += 1
      }
      return page(new Headers(headers), call, ...guards).catch((error: unknown) => (error as { code?: unknown }).code)
    }
    expect(await ask({})).toBe('TENANT_NOT_RESOLVED')
    expect(await ask(headersOf('nobody-here'))).toBe('TENANT_NOT_FOUND')
    expect(await ask(headersOf('acme', 'nobody'))).toBe('NOT_A_MEMBER')
    expect(await ask(headersOf('acme'), bridge.requireRole('owner'))).toBe('PERMISSION_DENIED')
    expect(await ask({ ...headersOf('acme'), host: 'one.test, two.test' })).toBe('TENANT_CONFLICT')
    expect(called).toBe(0)
  })

  it('of a route get the request they were asked with, and answer a NextResponse', async () => {
    const { route } = bridge.tenancy(tenantry)
    const GET = route(
      async (request: NextRequest, { params }: { readonly params: Promise<{ readonly of: string }> }) => {
        const tab = request.nextUrl.searchParams.get('tab')
        return NextResponse.json({
          tab,
          ...(await params),
          slug: bridge.tenancyOf(request)?.tenant?.slug,
          ids: await seen(),
        })
      },
      bridge.requireMember(),
    )
    const ask = (headers: Record<string, string>) =>
      GET(new NextRequest('http://localhost/notes?tab=1', { headers }), { params: Promise.resolve({ of: 'notes' }) })
    const id = await idOf('acme')
    expect(await (await ask(headersOf('acme'))).json()).toEqual({ tab: '1', of: 'notes', slug: 'acme', ids: [id, id] })
    const refused = await ask(headersOf('acme', 'nobody'))
    expect([refused.status, refused.headers.get('content-type')]).toEqual([403, 'application/problem+json'])
    expect(await refused.json()).toMatchObject({ code: 'NOT_A_MEMBER' })
  })
})
