import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, expectTypeOf, it } from 'vitest'
import type { z } from 'zod'
import type { HealthReport } from '../../kernel/health.ts'
import type {
  CreateTenant,
  ListTenants,
  Page,
  ProvisionResult,
  Tenant,
  TenantStats,
  UpdateTenant,
} from '../../tenants/tenant.ts'
import type { ListEvents, TenantEvent } from '../../tenants/tenants.ts'
import type * as contract from './contract.ts'

type Out<K extends keyof typeof contract> = z.output<(typeof contract)[K]>

describe('the contract', () => {
  it('needs nothing but zod, so that a browser can use it', async () => {
    const nouns = (await readdir(new URL('contract/', import.meta.url))).map((name) => `contract/${name}`)
    for (const file of ['contract.ts', ...nouns]) {
      const source = await readFile(new URL(file, import.meta.url), 'utf8')
      const imported = [...source.matchAll(/from '([^']+)'/g)].map(([, name]) => name)
      expect(imported.filter((name) => !/^(zod|\.\/(contract\/)?base\.ts)$/.test(name ?? ''))).toEqual([])
    }
  })

  // Checked by the compiler: a field that one side gains or loses does not build.
  it('answers what the library returns', () => {
    expectTypeOf<Tenant>().toExtend<Out<'TenantSchema'>>()
    expectTypeOf<Out<'TenantSchema'>>().toExtend<Tenant>()
    expectTypeOf<keyof Out<'TenantSchema'>>().toEqualTypeOf<keyof Tenant>()
    expectTypeOf<Out<'TenantPageSchema'>>().toExtend<Page<Tenant>>()
    expectTypeOf<keyof Out<'EventSchema'>>().toEqualTypeOf<keyof TenantEvent>()
    expectTypeOf<keyof Out<'StatsSchema'>>().toEqualTypeOf<keyof TenantStats>()
    expectTypeOf<Out<'ProvisionResultSchema'>>().toExtend<ProvisionResult>()
    expectTypeOf<Out<'HealthSchema'>>().toExtend<HealthReport>()
  })

  it('takes what the library takes', () => {
    expectTypeOf<Out<'CreateTenantSchema'>>().toExtend<CreateTenant>()
    expectTypeOf<keyof Out<'CreateTenantSchema'>>().toEqualTypeOf<keyof CreateTenant>()
    expectTypeOf<Out<'UpdateTenantSchema'>>().toExtend<UpdateTenant>()
    expectTypeOf<keyof Out<'UpdateTenantSchema'>>().toEqualTypeOf<keyof UpdateTenant>()
    expectTypeOf<keyof Out<'ListTenantsQuery'>>().toEqualTypeOf<keyof ListTenants>()
    expectTypeOf<keyof Out<'ListEventsQuery'>>().toEqualTypeOf<keyof ListEvents>()
  })
})
