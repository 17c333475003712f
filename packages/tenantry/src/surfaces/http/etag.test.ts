import { describe, expect, it } from 'vitest'
import type { Tenant } from '../../tenants/tenant.ts'
import { etagOf, isUnchanged, versionAsked } from './etag.ts'

const tenant = { version: 3 } as Tenant

describe('ETags', () => {
  it('are the version of the tenant', () => {
    expect(etagOf(tenant)).toBe('"3"')
  })

  it.each(['"3"', 'W/"3"', '"1", "3"', '*'])('If-None-Match: %s names the current version', (header) => {
    expect(isUnchanged(header, tenant)).toBe(true)
  })

  it.each([undefined, '', '"2"', '3', '"33"'])('If-None-Match: %s does not', (header) => {
    expect(isUnchanged(header, tenant)).toBe(false)
  })

  it('If-Match asks for one version, or for any', () => {
    expect(versionAsked('"3"')).toBe(3)
    expect(versionAsked(undefined)).toBeUndefined()
    expect(versionAsked('*')).toBeUndefined()
  })

  it.each(['W/"3"', '"abc"', '3', '"1", "3"', '"99999999999999999999"'])('If-Match: %s matches nothing', (header) => {
    expect(() => versionAsked(header)).toThrow(expect.objectContaining({ code: 'PRECONDITION_FAILED' }))
  })
})
