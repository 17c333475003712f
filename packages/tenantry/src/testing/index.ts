// What `import 'tenantry/testing'` offers: a stand-in for unit tests of applications, without a database, and the suite
// that shows on a real one that an ORM keeps tenants apart.
export type { Bridge, BridgeOperations, BridgeSession, SuiteComment, SuiteNote, SuiteThread } from './bridge.ts'
export { errorCodesOf } from './bridge-errors.ts'
export { type BridgeSoakOptions, type BridgeSoakReport, bridgeSoak } from './bridge-soak.ts'
export { type BridgeSuiteOptions, bridgeSuite, type SuiteCase } from './bridge-suite.ts'
export type { StubOptions, StubQuery } from './stub-options.ts'
export { stubTenantry } from './stub-tenantry.ts'
