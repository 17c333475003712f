// What `import 'tenantry/testing'` offers: a stand-in for unit tests of applications, without a database.
export type { StubOptions, StubQuery } from './stub-options.ts'
export { stubTenantry } from './stub-tenantry.ts'
