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
import type { ApiKey, CreateApiKey, ListApiKeys, NewApiKey, RotateApiKey } from '../../features/keys/api-key.ts'
import type * as contract from './contract.ts'
import type * as keys from './contract/keys.ts'

type Out<K extends keyof typeof contract> = z.output<(typeof contract)[K]>
type OfKeys<K extends keyof typeof keys> = z.output<(typeof keys)[K]>

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

  it('has keys as the library has them', () => {
    expectTypeOf<ApiKey>().toExtend<Omit<OfKeys<'ApiKeySchema'>, 'permissions'>>()
    expectTypeOf<keyof OfKeys<'ApiKeySchema'>>().toEqualTypeOf<keyof ApiKey>()
    expectTypeOf<OfKeys<'NewApiKeySchema'>>().toExtend<NewApiKey>()
    expectTypeOf<keyof OfKeys<'NewApiKeySchema'>>().toEqualTypeOf<keyof NewApiKey>()
    expectTypeOf<OfKeys<'CreateApiKeySchema'>>().toExtend<CreateApiKey>()
    expectTypeOf<keyof OfKeys<'CreateApiKeySchema'>>().toEqualTypeOf<keyof CreateApiKey>()
    expectTypeOf<keyof OfKeys<'RotateApiKeySchema'>>().toEqualTypeOf<keyof RotateApiKey>()
    expectTypeOf<keyof OfKeys<'ListApiKeysQuery'>>().toEqualTypeOf<keyof ListApiKeys>()
  })
})
