// What `import 'tenantry'` offers.
export type { CentralScope } from './composition/central-scope.ts'
export type { Claims } from './engine/context/context-token.ts'
export type { GlobalTable } from './engine/isolation/global-tables.ts'
export type { ProtectResult } from './engine/isolation/protect.ts'
export type { CopyOptions, CopyResult, CopySource } from './engine/sql/copy-from.ts'
export type { QueryResultRows, Sql } from './engine/sql/database.ts'
export type { TenantQueryConfig } from './engine/sql/query-arguments.ts'
export type { SharedStats } from './engine/sql/dispatcher.ts'
export type {
  CurrentScope,
  RunningScope,
  ScopedWork,
  ScopeHandle,
  ScopeOptions,
  TenantDb,
} from './engine/sql/scope-handle.ts'
export type { EndOptions, RequestScope } from './engine/sql/request-scope.ts'
export type { PoolStats, TenantPool } from './engine/sql/pool-stats.ts'
export type { Transaction, TransactionOptions } from './engine/sql/transaction.ts'
export type {
  BackfillOptions,
  BackfillProgress,
  ChangeFailure,
  ChangeOptions,
  ChangePhase,
  Changes,
  ChangeStatus,
  ColumnChange,
  NewColumn,
} from './features/changes/change.ts'
export { contractColumn, expandColumn, switchColumn, validateColumn } from './features/changes/column-steps.ts'
export type { ExplainedPlan, ExplainOptions, ExplainResult } from './features/explain/explain.ts'
export type { Fleet, FleetMerge, FleetQueryOptions, FleetRow, FleetRows } from './features/fleet/fleet.ts'
export type { FleetStatistics, TenantStatistics } from './features/fleet/statistics.ts'
export type { ExplainFinding } from './features/explain/findings.ts'
export type { PlanNode } from './features/explain/plan.ts'
export type {
  CreateCredential,
  CredentialInfo,
  Credentials,
  CredentialState,
  DirectCredential,
  NameCredential,
  RotateCredential,
} from './features/credentials/credential.ts'
export type { CredentialMeta, CredentialSink } from './features/credentials/sink.ts'
export type {
  AcceptedInvitation,
  AcceptOptions,
  CreateInvitation,
  Invitation,
  InvitationActOptions,
  Invitations,
  InvitationState,
  ListInvitations,
  NewInvitation,
} from './features/invitations/invitation.ts'
export type {
  CreateOrganization,
  ListQuery,
  Organization,
  OrganizationMember,
  OrganizationRef,
  OrganizationRole,
  Organizations,
  OrganizationTenant,
  OrganizationUser,
  Team,
  TeamMember,
  TeamRole,
  Teams,
} from './features/organizations/organization.ts'
export type { KeyPrincipal, Membership, OnBehalfOf, Permission, VerifiedUser } from './tenants/access.ts'
export type { AdminKeys } from './features/keys/admin-keys.ts'
export type {
  ApiKey,
  ApiKeys,
  CreateApiKey,
  KeyActOptions,
  Keys,
  ListApiKeys,
  NewApiKey,
  RotateApiKey,
} from './features/keys/api-key.ts'
export { defineMigration, type MigrationDefinition } from './features/migrations/define-migration.ts'
export type { MigrationClient, MigrationFormat } from './features/migrations/migration-file.ts'
export type { MigrationFolder, MigrationSettings } from './features/migrations/migration-files.ts'
export { newMigration, type NewMigration } from './features/migrations/new-migration.ts'
export type {
  FleetMigrations,
  FleetSelection,
  FleetStatus,
  MigrateOptions,
  MigrationFailure,
  MigrationProgress,
  MigrationRun,
  MigrationRunState,
} from './features/migrations/fleet.ts'
export type { Claim, Idempotency, KeptAnswer, RepeatableRequest } from './features/idempotency/idempotency.ts'
export type { AllowOptions, ExternalAccess, ExternalTable } from './features/external-access/external-access.ts'
export type { Gateway } from './features/external-access/claims.ts'
export type {
  ElevateInput,
  Elevation,
  NewElevation,
  OpenSupport,
  Operator,
  OperatorRole,
  Operators,
  Support,
  SupportAccess,
} from './features/operators/operator.ts'
export type {
  Caller,
  Resolution,
  Resolve,
  ResolveOptions,
  Resolver,
  TenancyRequest,
  TrustTier,
} from './features/resolution/resolution.ts'
export type { UserTokens } from './features/resolution/create-resolution.ts'
export { ResolverRegistry } from './features/resolution/resolver-registry.ts'
export type {
  CustomDomainSettings,
  JwtSettings,
  MembershipPort,
  ResolutionPreset,
  ResolutionSettings,
  SessionSettings,
  VerifiedSession,
} from './features/resolution/settings.ts'
export type {
  AddMember,
  CreateRole,
  ListMembers,
  Member,
  MemberActOptions,
  Members,
  MemberState,
  Role,
  Roles,
  TransferOwnership,
  UpdateMember,
  UpdateRole,
  UserTenant,
} from './features/members/member.ts'
export type { ContextToken, TokenOptions } from './features/tokens/context-tokens.ts'
export type { PoolerSetting } from './engine/sql/pooler.ts'
export type { VerifyCheck } from './features/verify/check.ts'
export type { VerifyOptions, VerifyProgress } from './features/verify/create-verifier.ts'
export { junitOf } from './features/verify/junit.ts'
export { checkReport, type VerifyHalf, type VerifyReport } from './features/verify/report.ts'
export { type ErrorCode, type ErrorEntry, errorCodes } from './kernel/error-codes.ts'
export type { AdoptAnswer } from './features/adopt/decide-answers.ts'
export type { RootRequest } from './features/adopt/decide-root.ts'
export type { PlanRequest } from './features/adopt/plan-make.ts'
export type { Adopt, ApplyOptions, RevertOptions, StageStatements } from './features/adopt/adopt.ts'
export type {
  AdoptKey,
  AdoptPlan,
  AdoptProgress,
  AdoptQuestion,
  AdoptRoot,
  AdoptStage,
  AdoptStatus,
  AdoptTable,
  KeyDecision,
  PathStep,
  TableDecision,
} from './features/adopt/plan.ts'
export { isTenantryError, TenantryError } from './kernel/errors.ts'
export type { HealthPart, HealthReport, HealthStatus } from './kernel/health.ts'
export { hasSubdomain, isValidSchemaName, isValidSlug, reservedSlugs, schemaNameFor } from './kernel/identifiers.ts'
export { jsonLogger, type LogFields, type Logger } from './kernel/logger.ts'
export type { CredentialSettings, TenantrySettings } from './composition/settings.ts'
export type { ForEachFailure, ForEachResult, TenantFilter } from './tenants/for-each.ts'
export type { Participant, ParticipantAct } from './tenants/participant.ts'
export type {
  CreateTenant,
  Isolation,
  JsonObject,
  ListTenants,
  Page,
  ProvisionResult,
  SetMode,
  Tenant,
  TenantMode,
  TenantRef,
  TenantStats,
  TenantStatus,
  UpdateTenant,
} from './tenants/tenant.ts'
export type { ListEvents, TenantEvent, Tenants } from './tenants/tenants.ts'
export {
  createTenantry,
  type FleetTenants,
  type ForEachOptions,
  type ProtectOptions,
  type Tenantry,
} from './tenantry.ts'
