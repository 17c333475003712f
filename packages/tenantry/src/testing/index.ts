// What `import 'tenantry/testing'` offers: a stand-in for unit tests of applications, a temporary PostgreSQL, and proofs
// that tenants stay apart, an ORM's and the application's own code included.
export type { Bridge, BridgeOperations, BridgeSession, SuiteComment, SuiteNote, SuiteThread } from './bridge.ts'
export { errorCodesOf } from './bridge-errors.ts'
export { type BridgeSoakOptions, type BridgeSoakReport, bridgeSoak } from './bridge-soak.ts'
export { type BridgeSuiteOptions, bridgeSuite } from './bridge-suite.ts'
export {
  guardOf,
  type Host,
  type HostApp,
  type HostCall,
  type HostGuard,
  type HostGuards,
  type HostReply,
  type HostRoute,
  type HostServer,
} from './host.ts'
export { hostSuite, type HostSuiteOptions } from './host-suite.ts'
export { isolationSuite, type IsolationSuiteOptions } from './isolation-suite.ts'
export { type Proof, type ProofOptions, proveIsolation } from './prove-isolation.ts'
export {
  type ExampleRequest,
  type ResolverExample,
  resolverSuite,
  type ResolverSuiteOptions,
} from './resolver-suite.ts'
export type { StubOptions, StubQuery } from './stub-options.ts'
export { stubTenantry } from './stub-tenantry.ts'
export type { SuiteCase } from './suite-case.ts'
export { temporaryPostgres, type TemporaryPostgres, type TemporaryPostgresOptions } from './temporary-postgres.ts'
export { poolWay, type WayAnswer, type WayIn } from './way-in.ts'
