// Generated from the OpenAPI document by scripts/client.mjs; `npm run client -w tenantry` writes it again.

export const operationTable = {
  getHealth: ['GET', '/health', 503],
  getReady: ['GET', '/ready'],
  getCurrent: ['GET', '/api/current'],
  listTenants: ['GET', '/api/tenants'],
  createTenant: ['POST', '/api/tenants'],
  getTenant: ['GET', '/api/tenants/{tenant}'],
  deleteTenant: ['DELETE', '/api/tenants/{tenant}'],
  updateTenant: ['PATCH', '/api/tenants/{tenant}'],
  provisionTenant: ['POST', '/api/tenants/{tenant}/provision'],
  suspendTenant: ['POST', '/api/tenants/{tenant}/suspend'],
  activateTenant: ['POST', '/api/tenants/{tenant}/activate'],
  deactivateTenant: ['POST', '/api/tenants/{tenant}/deactivate'],
  restoreTenant: ['POST', '/api/tenants/{tenant}/restore'],
  purgeTenant: ['POST', '/api/tenants/{tenant}/purge'],
  setTenantMode: ['POST', '/api/tenants/{tenant}/mode'],
  listMembers: ['GET', '/api/tenants/{tenant}/members'],
  addMember: ['POST', '/api/tenants/{tenant}/members'],
  getMember: ['GET', '/api/tenants/{tenant}/members/{userId}'],
  revokeMember: ['DELETE', '/api/tenants/{tenant}/members/{userId}'],
  updateMember: ['PATCH', '/api/tenants/{tenant}/members/{userId}'],
  suspendMember: ['POST', '/api/tenants/{tenant}/members/{userId}/suspend'],
  activateMember: ['POST', '/api/tenants/{tenant}/members/{userId}/activate'],
  acceptMember: ['POST', '/api/tenants/{tenant}/members/{userId}/accept'],
  transferOwnership: ['POST', '/api/tenants/{tenant}/ownership'],
  bootstrapOwner: ['POST', '/api/tenants/{tenant}/bootstrap-owner'],
  listTenantsOfUser: ['GET', '/api/users/{userId}/tenants'],
  listRoles: ['GET', '/api/tenants/{tenant}/roles'],
  createRole: ['POST', '/api/tenants/{tenant}/roles'],
  getRole: ['GET', '/api/tenants/{tenant}/roles/{role}'],
  deleteRole: ['DELETE', '/api/tenants/{tenant}/roles/{role}'],
  updateRole: ['PATCH', '/api/tenants/{tenant}/roles/{role}'],
  listInvitations: ['GET', '/api/tenants/{tenant}/invitations'],
  createInvitation: ['POST', '/api/tenants/{tenant}/invitations'],
  resendInvitation: ['POST', '/api/tenants/{tenant}/invitations/{invitation}/resend'],
  revokeInvitation: ['POST', '/api/tenants/{tenant}/invitations/{invitation}/revoke'],
  getInvitation: ['GET', '/api/tenants/{tenant}/invitations/{invitation}'],
  acceptInvitation: ['POST', '/api/invitations/accept'],
  listOrganizations: ['GET', '/api/organizations'],
  createOrganization: ['POST', '/api/organizations'],
  getOrganization: ['GET', '/api/organizations/{organization}'],
  deleteOrganization: ['DELETE', '/api/organizations/{organization}'],
  updateOrganization: ['PATCH', '/api/organizations/{organization}'],
  listOrganizationMembers: ['GET', '/api/organizations/{organization}/members'],
  setOrganizationMember: ['POST', '/api/organizations/{organization}/members'],
  removeOrganizationMember: ['DELETE', '/api/organizations/{organization}/members/{userId}'],
  listOrganizationTenants: ['GET', '/api/organizations/{organization}/tenants'],
  addOrganizationTenant: ['POST', '/api/organizations/{organization}/tenants'],
  removeOrganizationTenant: ['DELETE', '/api/organizations/{organization}/tenants/{tenant}'],
  listOrganizationUsers: ['GET', '/api/organizations/{organization}/users'],
  listOrganizationsOfUser: ['GET', '/api/users/{userId}/organizations'],
  listTeams: ['GET', '/api/organizations/{organization}/teams'],
  createTeam: ['POST', '/api/organizations/{organization}/teams'],
  getTeam: ['GET', '/api/organizations/{organization}/teams/{team}'],
  deleteTeam: ['DELETE', '/api/organizations/{organization}/teams/{team}'],
  listTeamMembers: ['GET', '/api/organizations/{organization}/teams/{team}/members'],
  addTeamMember: ['POST', '/api/organizations/{organization}/teams/{team}/members'],
  removeTeamMember: ['DELETE', '/api/organizations/{organization}/teams/{team}/members/{userId}'],
  listTeamRoles: ['GET', '/api/organizations/{organization}/teams/{team}/roles'],
  setTeamRole: ['POST', '/api/organizations/{organization}/teams/{team}/roles'],
  listCredentials: ['GET', '/api/tenants/{tenant}/credentials'],
  createCredential: ['POST', '/api/tenants/{tenant}/credentials'],
  rotateCredential: ['POST', '/api/tenants/{tenant}/credentials/{username}/rotate'],
  revokeCredential: ['POST', '/api/tenants/{tenant}/credentials/{username}/revoke'],
  dropCredential: ['DELETE', '/api/tenants/{tenant}/credentials/{username}'],
  listKeys: ['GET', '/api/tenants/{tenant}/keys'],
  createKey: ['POST', '/api/tenants/{tenant}/keys'],
  getKey: ['GET', '/api/tenants/{tenant}/keys/{id}'],
  rotateKey: ['POST', '/api/tenants/{tenant}/keys/{id}/rotate'],
  revokeKey: ['POST', '/api/tenants/{tenant}/keys/{id}/revoke'],
  listServiceKeys: ['GET', '/api/keys'],
  createServiceKey: ['POST', '/api/keys'],
  getServiceKey: ['GET', '/api/keys/{id}'],
  rotateServiceKey: ['POST', '/api/keys/{id}/rotate'],
  revokeServiceKey: ['POST', '/api/keys/{id}/revoke'],
  listOperators: ['GET', '/api/operators'],
  setOperator: ['PUT', '/api/operators/{userId}'],
  removeOperator: ['DELETE', '/api/operators/{userId}'],
  elevateOperator: ['POST', '/api/operators/{userId}/elevations'],
  listElevations: ['GET', '/api/elevations'],
  releaseElevation: ['POST', '/api/elevations/{id}/release'],
  listSupportAccesses: ['GET', '/api/tenants/{tenant}/support'],
  openSupportAccess: ['POST', '/api/tenants/{tenant}/support'],
  endSupportAccess: ['POST', '/api/tenants/{tenant}/support/{id}/end'],
  getMigrations: ['GET', '/api/migrations'],
  getMigrationDrift: ['GET', '/api/migrations/drift'],
  migrateUp: ['POST', '/api/migrations/up'],
  retryMigrations: ['POST', '/api/migrations/retry'],
  listMigrationRuns: ['GET', '/api/migrations/runs'],
  getMigrationRun: ['GET', '/api/migrations/runs/{id}'],
  stopMigrationRun: ['POST', '/api/migrations/runs/{id}/stop'],
  listChanges: ['GET', '/api/changes'],
  expandColumn: ['POST', '/api/changes'],
  getChange: ['GET', '/api/changes/{change}'],
  validateColumn: ['POST', '/api/changes/{change}/validate'],
  switchColumn: ['POST', '/api/changes/{change}/switch'],
  contractColumn: ['POST', '/api/changes/{change}/contract'],
  getStats: ['GET', '/api/stats'],
  listTenantStatistics: ['GET', '/api/stats/tenants'],
  refreshStatistics: ['POST', '/api/stats/refresh'],
  listEvents: ['GET', '/api/events'],
  getVerify: ['GET', '/api/verify'],
  runVerify: ['POST', '/api/verify'],
  getOpenapi: ['GET', '/openapi.json'],
} as const

/** Those that answer with one JSON object a line. */
export const streamTable = {
  backfillColumn: ['POST', '/api/changes/{change}/backfill'],
  backfillChange: ['POST', '/api/changes/backfill'],
  queryFleet: ['POST', '/api/fleet/query'],
} as const

export type KnownErrorCode =
  | 'INVALID_INPUT'
  | 'UNKNOWN_FIELD'
  | 'INVALID_JSON'
  | 'BODY_TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'SLUG_INVALID'
  | 'SLUG_RESERVED'
  | 'SLUG_TAKEN'
  | 'SCHEMA_NAME_INVALID'
  | 'SCHEMA_NAME_TAKEN'
  | 'USAGE'
  | 'CONFIRMATION_REQUIRED'
  | 'TENANT_NOT_FOUND'
  | 'TENANT_SUSPENDED'
  | 'TENANT_INACTIVE'
  | 'TENANT_DELETED'
  | 'TENANT_PURGED'
  | 'TENANT_NOT_PROVISIONED'
  | 'TENANT_STATUS_CONFLICT'
  | 'TENANT_BUSY'
  | 'FIELD_IMMUTABLE'
  | 'PRECONDITION_FAILED'
  | 'SCHEMA_EXISTS'
  | 'PROVISION_FAILED'
  | 'PURGE_INCOMPLETE'
  | 'MIGRATION_FAILED'
  | 'MIGRATION_CHANGED'
  | 'MIGRATION_MISSING'
  | 'MIGRATION_RUNNING'
  | 'MIGRATION_RUN_NOT_FOUND'
  | 'MIGRATION_INCOMPLETE'
  | 'MIGRATION_UNPROVEN'
  | 'LOCK_NOT_TAKEN'
  | 'DRIFT_FOUND'
  | 'CHANGE_OUT_OF_ORDER'
  | 'CHANGE_UNPROVEN'
  | 'FLEET_INCOMPLETE'
  | 'PLAN_INVALID'
  | 'PLAN_UNDECIDED'
  | 'PLAN_OUTDATED'
  | 'PLAN_NOT_FOUND'
  | 'ADOPT_ORPHANS'
  | 'ADOPT_MISMATCH'
  | 'ADOPT_STAGE_FAILED'
  | 'TENANT_CONTEXT_MISSING'
  | 'CONTEXT_INVALID'
  | 'CONTEXT_EXPIRED'
  | 'SCOPE_CONFLICT'
  | 'CLIENT_RELEASED'
  | 'CLIENT_SCOPE_MISMATCH'
  | 'STATEMENT_REFUSED'
  | 'MULTIPLE_STATEMENTS'
  | 'COPY_FROM_ROW_SCOPE'
  | 'TRANSACTION_LEFT_OPEN'
  | 'TRANSACTION_ABORTED'
  | 'TRANSACTION_ENDED'
  | 'REASON_REQUIRED'
  | 'TABLE_NOT_FOUND'
  | 'TABLE_NOT_OWNED'
  | 'TABLE_NOT_EMPTY'
  | 'TABLE_UNSUPPORTED'
  | 'CREDENTIAL_NOT_FOUND'
  | 'CREDENTIAL_NAME_INVALID'
  | 'CREDENTIAL_NAME_TAKEN'
  | 'CREDENTIAL_CONFLICT'
  | 'CREDENTIAL_SINK_FAILED'
  | 'CREDENTIAL_INCOMPLETE'
  | 'TENANT_NOT_RESOLVED'
  | 'TENANT_CONFLICT'
  | 'NOT_A_MEMBER'
  | 'PERMISSION_DENIED'
  | 'TOKEN_INVALID'
  | 'TOKEN_EXPIRED'
  | 'KEYS_UNAVAILABLE'
  | 'RESOLVER_UNKNOWN'
  | 'TENANT_READ_ONLY'
  | 'TENANT_MAINTENANCE'
  | 'MEMBER_NOT_FOUND'
  | 'MEMBER_EXISTS'
  | 'MEMBER_STATE_CONFLICT'
  | 'LAST_OWNER'
  | 'OWNER_EXISTS'
  | 'RANK_TOO_LOW'
  | 'ROLE_NOT_FOUND'
  | 'ROLE_EXISTS'
  | 'ROLE_IN_USE'
  | 'INVITATION_NOT_FOUND'
  | 'INVITATION_EXPIRED'
  | 'INVITATION_USED'
  | 'INVITATION_REVOKED'
  | 'INVITATION_EMAIL_MISMATCH'
  | 'ORGANIZATION_NOT_FOUND'
  | 'ORGANIZATION_CONFLICT'
  | 'TEAM_NOT_FOUND'
  | 'KEY_NOT_FOUND'
  | 'KEY_STATE_CONFLICT'
  | 'OPERATOR_NOT_FOUND'
  | 'OPERATOR_REQUIRED'
  | 'ELEVATION_NOT_FOUND'
  | 'SUPPORT_ACCESS_NOT_FOUND'
  | 'ISOLATION_BROKEN'
  | 'PROOF_INCONCLUSIVE'
  | 'NOT_INITIALIZED'
  | 'CONTROL_PLANE_OUTDATED'
  | 'CONTROL_PLANE_NEWER'
  | 'LOGIN_TOO_POWERFUL'
  | 'ADMIN_TOO_WEAK'
  | 'ROLE_CONFLICT'
  | 'POSTGRES_TOO_OLD'
  | 'DATABASE_UNAVAILABLE'
  | 'DATABASE_AUTH_FAILED'
  | 'DATABASE_ERROR'
  | 'CONFIGURATION_INVALID'
  | 'SELF_TEST_FAILED'
  | 'EMBEDDED_BINARIES_MISSING'
  | 'EMBEDDED_DATA_VERSION'
  | 'EMBEDDED_RUNNING'
  | 'EMBEDDED_FAILED'
  | 'NO_TARGET'
  | 'VERIFY_FAILED'
  | 'VERIFY_NOT_RUN'
  | 'REPORT_INVALID'
  | 'SERVER_UNREACHABLE'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'ROUTE_NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'IDEMPOTENCY_MISMATCH'
  | 'IDEMPOTENCY_BUSY'
  | 'IDEMPOTENCY_SECRET'
  | 'SHUTTING_DOWN'
  | 'CLOSED'
  | 'INTERNAL'

export interface components {
    schemas: {
        Health: {
            /** @enum {string} */
            status: "up" | "degraded" | "down";
            parts: {
                [key: string]: {
                    /** @enum {string} */
                    status: "up" | "degraded" | "down";
                    latencyMs?: number;
                };
            };
        };
        /** @description RFC 9457 problem details. */
        Problem: {
            /** @example urn:tenantry:problem:tenant-not-found */
            type: string;
            title: string;
            status: number;
            detail: string;
            /** @example TENANT_NOT_FOUND */
            code: string;
            fix: string;
            retryable: boolean;
            requestId: string;
            instance: string;
            field?: string;
        };
        Ready: {
            /** @enum {string} */
            status: "ready";
        };
        Current: {
            /** @description The tenant that the request is bound to; null where it is bound to none. */
            tenant: {
                /** Format: uuid */
                id: string;
                /**
                 * @description 2-100 lowercase letters, digits and hyphens; neither UUID-shaped nor punycode nor reserved.
                 * @example acme-corp
                 */
                slug: string;
                name: string;
                /** @enum {string} */
                status: "active" | "suspended" | "inactive" | "deleted" | "purged";
            } | null;
            /** @example subdomain */
            resolver: string | null;
            /** @enum {string|null} */
            trust: "proven" | "verified" | "claimed" | null;
            caller: {
                /** @enum {string} */
                kind: "anonymous" | "user" | "key";
                userId?: string;
            };
            /** @example member */
            role: string | null;
            /** @description Why nothing was bound. */
            refusal: {
                /** @example NOT_A_MEMBER */
                code: string;
            } | null;
            /** @description Why the credential that was sent was not accepted. */
            credentialRefusal: {
                /** @example NOT_A_MEMBER */
                code: string;
            } | null;
        };
        Tenant: {
            /** Format: uuid */
            id: string;
            /**
             * @description 2-100 lowercase letters, digits and hyphens; neither UUID-shaped nor punycode nor reserved.
             * @example acme-corp
             */
            slug: string;
            name: string;
            /** @enum {string} */
            status: "active" | "suspended" | "inactive" | "deleted" | "purged";
            /** @enum {string} */
            isolation: "row" | "schema";
            schemaName: string;
            /** @enum {string} */
            mode: "normal" | "read_only" | "maintenance";
            modeReason: string | null;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            modeSince: string | null;
            modeOperators: string[];
            plan: string | null;
            ownerUserId: string | null;
            settings: {
                [key: string]: unknown;
            };
            metadata: {
                [key: string]: unknown;
            };
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            provisionedAt: string | null;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            suspendedAt: string | null;
            suspendReason: string | null;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            deletedAt: string | null;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            purgeAfter: string | null;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            purgedAt: string | null;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            updatedAt: string;
            version: number;
        };
        CreateTenant: {
            /** @example ACME Corp */
            name: string;
            /**
             * @description 2-100 lowercase letters, digits and hyphens; neither UUID-shaped nor punycode nor reserved.
             * @example acme-corp
             */
            slug?: string;
            schemaName?: string;
            plan?: string;
            /** @enum {string} */
            isolation?: "row" | "schema";
            provision?: boolean;
            ownerUserId?: string;
            settings?: {
                [key: string]: unknown;
            };
            metadata?: {
                [key: string]: unknown;
            };
        };
        TenantPage: {
            items: components["schemas"]["Tenant"][];
            nextCursor: string | null;
            total: number;
        };
        UpdateTenant: {
            name?: string;
            plan?: string | null;
            ownerUserId?: string | null;
            settings?: {
                [key: string]: unknown;
            };
            metadata?: {
                [key: string]: unknown;
            };
        };
        ProvisionResult: {
            provisioned: boolean;
            schemaName: string;
            tableCount: number;
            /** @example already provisioned */
            message: string;
        };
        Nothing: Record<string, never>;
        Suspend: {
            reason?: string;
        };
        Purge: {
            /** @description The tenant's slug, typed out. */
            confirm: string;
        };
        SetMode: {
            /** @enum {string} */
            mode: "normal" | "read_only" | "maintenance";
            reason?: string;
            /** @description Ids of users whom the mode does not hold for. */
            operators?: string[];
        };
        MemberPage: {
            items: components["schemas"]["Member"][];
            nextCursor: string | null;
            total: number;
        };
        Member: {
            /** Format: uuid */
            tenantId: string;
            userId: string;
            email: string | null;
            role: string;
            /** @enum {string} */
            state: "invited" | "active" | "suspended" | "revoked";
            invitedBy: string | null;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            invitedAt: string | null;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            joinedAt: string | null;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            suspendedAt: string | null;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            revokedAt: string | null;
            metadata: {
                [key: string]: unknown;
            };
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            updatedAt: string;
        };
        AddMember: {
            /**
             * @description The application's own id of the user.
             * @example user-42
             */
            userId: string;
            /** @example ada@example.com */
            email?: string;
            /**
             * @description A built-in role or one of the tenant.
             * @example member
             */
            role?: string;
            metadata?: {
                [key: string]: unknown;
            };
            /**
             * @description `invited`: asked, and a member once they accept. Default `active`.
             * @enum {string}
             */
            state?: "active" | "invited";
        };
        UpdateMember: {
            /**
             * @description A built-in role or one of the tenant.
             * @example member
             */
            role?: string;
            /** @example ada@example.com */
            email?: string | null;
            metadata?: {
                [key: string]: unknown;
            };
        };
        TransferOwnership: {
            /**
             * @description The application's own id of the user.
             * @example user-42
             */
            to: string;
            /**
             * @description The owner who becomes admin; default: the one the tenant names.
             * @example user-42
             */
            from?: string;
        };
        BootstrapOwner: {
            /**
             * @description The application's own id of the user.
             * @example user-42
             */
            userId: string;
            /** @example ada@example.com */
            email?: string;
            metadata?: {
                [key: string]: unknown;
            };
        };
        UserTenantPage: {
            items: components["schemas"]["UserTenant"][];
            nextCursor: string | null;
            total: number;
        };
        UserTenant: {
            /** Format: uuid */
            tenantId: string;
            slug: string;
            name: string;
            status: string;
            role: string;
            /** @enum {string} */
            source: "member" | "organization" | "team" | "support";
        };
        RolePage: {
            items: components["schemas"]["Role"][];
            nextCursor: string | null;
            total: number;
        };
        Role: {
            name: string;
            rank: number;
            permissions: string[];
            description: string | null;
            isBuiltIn: boolean;
        };
        CreateRole: {
            /** @example auditor */
            name: string;
            /** @description Nobody gives a role that ranks above their own. */
            rank?: number;
            permissions: string[];
            description?: string;
        };
        UpdateRole: {
            /** @description Nobody gives a role that ranks above their own. */
            rank?: number;
            permissions?: string[];
            description?: string | null;
        };
        NewInvitation: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            tenantId: string;
            email: string;
            role: string;
            /** @enum {string} */
            state: "pending" | "accepted" | "revoked" | "expired";
            invitedBy: string | null;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            expiresAt: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            acceptedAt: string | null;
            acceptedBy: string | null;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            revokedAt: string | null;
            metadata: {
                [key: string]: unknown;
            };
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            createdAt: string;
            /** @description For the link that is sent; answered once and stored nowhere. */
            token: string;
        };
        CreateInvitation: {
            /** @example ada@example.com */
            email: string;
            /** @example member */
            role?: string;
            /** @description Default 7 days, at most 90. */
            ttlSeconds?: number;
            metadata?: {
                [key: string]: unknown;
            };
        };
        Invitation: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            tenantId: string;
            email: string;
            role: string;
            /** @enum {string} */
            state: "pending" | "accepted" | "revoked" | "expired";
            invitedBy: string | null;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            expiresAt: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            acceptedAt: string | null;
            acceptedBy: string | null;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            revokedAt: string | null;
            metadata: {
                [key: string]: unknown;
            };
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            createdAt: string;
        };
        InvitationPage: {
            items: components["schemas"]["Invitation"][];
            nextCursor: string | null;
            total: number;
        };
        AcceptedInvitation: {
            invitation: components["schemas"]["Invitation"];
            /** Format: uuid */
            tenantId: string;
            userId: string;
            role: string;
        };
        AcceptInvitation: {
            token: string;
            /** @description Who accepts; only where no user asks, but who vouches for one. */
            userId?: string;
            email?: string;
            emailVerified?: boolean;
        };
        OrganizationPage: {
            items: components["schemas"]["Organization"][];
            nextCursor: string | null;
            total: number;
        };
        Organization: {
            /** Format: uuid */
            id: string;
            /**
             * @description 2-100 lowercase letters, digits and hyphens; neither UUID-shaped nor punycode nor reserved.
             * @example acme-corp
             */
            slug: string;
            name: string;
            metadata: {
                [key: string]: unknown;
            };
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            updatedAt: string;
        };
        CreateOrganization: {
            /** @example ACME Holding */
            name: string;
            /**
             * @description 2-100 lowercase letters, digits and hyphens; neither UUID-shaped nor punycode nor reserved.
             * @example acme-corp
             */
            slug?: string;
            /**
             * @description The application's own id of the user.
             * @example user-42
             */
            ownerUserId?: string;
            metadata?: {
                [key: string]: unknown;
            };
        };
        UpdateOrganization: {
            name?: string;
            metadata?: {
                [key: string]: unknown;
            };
        };
        OrganizationMemberPage: {
            items: components["schemas"]["OrganizationMember"][];
            nextCursor: string | null;
            total: number;
        };
        OrganizationMember: {
            /** Format: uuid */
            organizationId: string;
            userId: string;
            email: string | null;
            /** @enum {string} */
            role: "owner" | "admin" | "member";
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            createdAt: string;
        };
        SetOrganizationMember: {
            /**
             * @description The application's own id of the user.
             * @example user-42
             */
            userId: string;
            email?: string;
            /** @enum {string} */
            role?: "owner" | "admin" | "member";
        };
        OrganizationTenantPage: {
            items: components["schemas"]["OrganizationTenant"][];
            nextCursor: string | null;
            total: number;
        };
        OrganizationTenant: {
            /** Format: uuid */
            tenantId: string;
            slug: string;
            name: string;
            status: string;
            memberRole: string | null;
        };
        AddOrganizationTenant: {
            /**
             * @description Slug or id.
             * @example acme-corp
             */
            tenant: string;
            /**
             * @description The role that plain members of the organization have in the tenant; null for none.
             * @example guest
             */
            memberRole?: string | null;
        };
        OrganizationUserPage: {
            items: components["schemas"]["OrganizationUser"][];
            nextCursor: string | null;
            total: number;
        };
        OrganizationUser: {
            userId: string;
            email: string | null;
            /** @enum {string|null} */
            organizationRole: "owner" | "admin" | "member" | null;
            tenants: {
                /** Format: uuid */
                tenantId: string;
                slug: string;
                role: string;
                state: string;
            }[];
        };
        TeamPage: {
            items: components["schemas"]["Team"][];
            nextCursor: string | null;
            total: number;
        };
        Team: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            organizationId: string;
            slug: string;
            name: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            createdAt: string;
        };
        CreateTeam: {
            /** @example Auditors */
            name: string;
            /**
             * @description 2-100 lowercase letters, digits and hyphens; neither UUID-shaped nor punycode nor reserved.
             * @example acme-corp
             */
            slug?: string;
        };
        TeamMemberPage: {
            items: components["schemas"]["TeamMember"][];
            nextCursor: string | null;
            total: number;
        };
        TeamMember: {
            /** Format: uuid */
            teamId: string;
            userId: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            createdAt: string;
        };
        AddTeamMember: {
            /**
             * @description The application's own id of the user.
             * @example user-42
             */
            userId: string;
        };
        TeamRolePage: {
            items: components["schemas"]["TeamRole"][];
            nextCursor: string | null;
            total: number;
        };
        TeamRole: {
            /** Format: uuid */
            teamId: string;
            /** Format: uuid */
            tenantId: string;
            slug: string;
            role: string;
        };
        SetTeamRole: {
            /**
             * @description Slug or id of a tenant of the organization.
             * @example acme-corp
             */
            tenant: string;
            /**
             * @description Null takes the role away.
             * @example guest
             */
            role: string | null;
        };
        CredentialPage: {
            items: components["schemas"]["CredentialInfo"][];
            nextCursor: string | null;
            total: number;
        };
        CredentialInfo: {
            /**
             * @description 1-63 lowercase letters, digits and underscores, not starting with a digit.
             * @example acme_reports
             */
            username: string;
            /** @description Stays the same through rotations. */
            name: string;
            /** @enum {string} */
            state: "active" | "replaced" | "expired" | "revoked" | "disabled";
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            expiresAt: string | null;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            revokedAt: string | null;
        };
        /** @description Answered once; the password is stored nowhere. */
        DirectCredential: {
            /**
             * @description 1-63 lowercase letters, digits and underscores, not starting with a digit.
             * @example acme_reports
             */
            username: string;
            password: string;
            schemaName: string;
            connectionString: string;
            /** Format: uuid */
            tenantId: string;
        };
        CreateCredential: {
            /**
             * @description 1-63 lowercase letters, digits and underscores, not starting with a digit.
             * @example acme_reports
             */
            username?: string;
            /** @description 12-256 characters in the Unicode form NFKC; made where it is left out. */
            password?: string;
            connectionLimit?: number;
        };
        RotateCredential: {
            /** @description 12-256 characters in the Unicode form NFKC; made where it is left out. */
            password?: string;
            /** @description How long the login that is replaced still works; a day where it is left out. */
            graceSeconds?: number;
        };
        ApiKeyPage: {
            items: components["schemas"]["ApiKey"][];
            nextCursor: string | null;
            total: number;
        };
        ApiKey: {
            /** Format: uuid */
            id: string;
            /**
             * Format: uuid
             * @description Null for a service key, which is good for every tenant.
             */
            tenantId: string | null;
            /** @example nightly import */
            name: string;
            /**
             * @description The first characters of the key; safe to show.
             * @example tn_key_4xQ9Za
             */
            prefix: string;
            permissions: string[];
            /** @example user:42 */
            createdBy: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            expiresAt: string | null;
            /**
             * Format: date-time
             * @description By the minute.
             * @example 2026-03-01T09:30:00.000Z
             */
            lastUsedAt: string | null;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            revokedAt: string | null;
            /**
             * Format: uuid
             * @description The key that a rotation made in its place.
             */
            replacedBy: string | null;
        };
        /** @description Answered once; only a hash of the key is stored. */
        NewApiKey: {
            /** Format: uuid */
            id: string;
            /**
             * Format: uuid
             * @description Null for a service key, which is good for every tenant.
             */
            tenantId: string | null;
            /** @example nightly import */
            name: string;
            /**
             * @description The first characters of the key; safe to show.
             * @example tn_key_4xQ9Za
             */
            prefix: string;
            permissions: string[];
            /** @example user:42 */
            createdBy: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            expiresAt: string | null;
            /**
             * Format: date-time
             * @description By the minute.
             * @example 2026-03-01T09:30:00.000Z
             */
            lastUsedAt: string | null;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            revokedAt: string | null;
            /**
             * Format: uuid
             * @description The key that a rotation made in its place.
             */
            replacedBy: string | null;
            key: string;
        };
        CreateApiKey: {
            name: string;
            /**
             * @example [
             *       "members:read",
             *       "members:write"
             *     ]
             */
            permissions: string[];
            /** @description No end where it is left out. */
            ttlSeconds?: number;
        };
        RotateApiKey: {
            /** @description How long the key that is replaced still works; a day where it is left out. */
            graceSeconds?: number;
        };
        OperatorPage: {
            items: components["schemas"]["Operator"][];
            nextCursor: string | null;
            total: number;
        };
        Operator: {
            userId: string;
            /** @enum {string} */
            role: "super-admin" | "support";
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            createdAt: string;
        };
        SetOperator: {
            /** @enum {string} */
            role: "super-admin" | "support";
        };
        NewElevation: {
            /** Format: uuid */
            id: string;
            userId: string;
            reason: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            expiresAt: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            endedAt: string | null;
            /** @description tn_op_…, for Authorization: Bearer. Answered once. */
            token: string;
        };
        /** @description Without a reason it is refused, by REASON_REQUIRED. */
        Elevate: {
            /** @example ticket 4711 */
            reason?: string;
            minutes?: number;
        };
        ElevationPage: {
            items: components["schemas"]["Elevation"][];
            nextCursor: string | null;
            total: number;
        };
        Elevation: {
            /** Format: uuid */
            id: string;
            userId: string;
            reason: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            expiresAt: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            endedAt: string | null;
        };
        SupportAccessPage: {
            items: components["schemas"]["SupportAccess"][];
            nextCursor: string | null;
            total: number;
        };
        SupportAccess: {
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            tenantId: string;
            userId: string;
            reason: string;
            mayWrite: boolean;
            openedBy: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            createdAt: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            expiresAt: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            endedAt: string | null;
        };
        /** @description Without a reason it is refused, by REASON_REQUIRED. */
        OpenSupport: {
            userId: string;
            /** @example ticket 4711 */
            reason?: string;
            minutes?: number;
            write?: boolean;
        };
        FleetStatus: {
            target: string | null;
            total: number;
            upToDate: number;
            pending: number;
            failed: number;
            versions: {
                migration: string | null;
                tenants: number;
            }[];
            shared: {
                applied: number;
                pending: string[];
            };
            run: components["schemas"]["MigrationRun"];
            warnings: string[];
        };
        MigrationRun: {
            runId: string;
            /** @enum {string} */
            state: "running" | "complete" | "stopped" | "failed" | "interrupted";
            total: number;
            done: number;
            failed: number;
            wave: number;
            target: string | null;
            dryRun: boolean;
            shared: string[];
            upToDate: number;
            failures: {
                tenantId: string;
                slug: string;
                code: string;
                sqlState: string | null;
                migration: string | null;
                message: string;
                attempts: number;
            }[];
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            startedAt: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            finishedAt: string | null;
            durationMs: number;
            reason: string | null;
        } | null;
        DriftReport: {
            target: string | null;
            checked: number;
            drifted: {
                tenantId: string;
                slug: string;
                schemaName: string;
                differences: {
                    kind: string;
                    name: string;
                    /** @enum {string} */
                    change: "missing" | "extra" | "different";
                    expected: string | null;
                    actual: string | null;
                    mend: string | null;
                    warning: string | null;
                }[];
            }[];
            pending: number;
        };
        Migrate: {
            /** @description Says what would be done, and does nothing. */
            dryRun?: boolean;
            /** @description Only these. */
            tenants?: string[];
            filter?: {
                plan?: string;
                /** @enum {string} */
                isolation?: "row" | "schema";
            };
            /** @description These go first; the rest only when all of them are done. */
            canary?: string[];
            /**
             * @description The shares of the fleet that each wave brings it to.
             * @example [
             *       0.01,
             *       0.1,
             *       1
             *     ]
             */
            waves?: number[];
            /** @description Between waves. */
            pauseMs?: number;
            connections?: number;
            /** @description How many tenants a transaction at most. */
            batchSize?: number;
            maxFailureRatio?: number;
            lockTimeoutMs?: number;
            lockRetries?: number;
        };
        MigrationRunPage: {
            items: components["schemas"]["MigrationRun"][];
            nextCursor: string | null;
            total: number;
        };
        MigrationProgress: {
            runId: string;
            /** @enum {string} */
            state: "running" | "complete" | "stopped" | "failed" | "interrupted";
            total: number;
            done: number;
            failed: number;
            wave: number;
            rate: number;
            leftMs: number | null;
        };
        ChangePage: {
            items: components["schemas"]["ChangeStatus"][];
            nextCursor: string | null;
            total: number;
        };
        ChangeStatus: {
            name: string;
            /** @enum {string} */
            phase: "expanded" | "backfilled" | "validated" | "switched" | "contracted";
            targets: number;
            done: number;
            filled: number;
            failures: {
                /** Format: uuid */
                tenantId: string | null;
                code: string;
                sqlState: string | null;
            }[];
        };
        ExpandColumn: {
            change: components["schemas"]["ColumnChange"];
            lockTimeoutMs?: number;
            lockRetries?: number;
        };
        ColumnChange: {
            /** @example total_in_cents */
            name: string;
            /** @example invoice */
            table: string;
            /** @description Of a table that tenants share; default public. */
            schema?: string;
            /** @enum {string} */
            set?: "shared" | "tenant";
            /**
             * @description The column that goes.
             * @example total
             */
            from: string;
            to: {
                /** @example total_cents */
                name: string;
                /** @example bigint */
                type: string;
                notNull?: boolean;
                references?: {
                    table: string;
                    column: string;
                    tenantColumn?: string;
                };
            };
            /**
             * @description SQL of the new value.
             * @example (total * 100)::bigint
             */
            forward: string;
            /**
             * @description SQL of the old value.
             * @example total_cents / 100.0
             */
            back: string;
        };
        ChangeStep: {
            lockTimeoutMs?: number;
            lockRetries?: number;
        };
        BackfillLine: {
            progress: {
                targets: number;
                done: number;
                filled: number;
            };
        } | {
            /** @enum {boolean} */
            done: true;
            status: components["schemas"]["ChangeStatus"];
        } | {
            /** @enum {boolean} */
            done: false;
            problem: {
                [key: string]: unknown;
            };
        };
        BackfillColumn: {
            batchMs?: number;
            pauseMs?: number;
            lockRetries?: number;
        };
        /** @description Of tenant schemas, which a migration expanded. */
        BackfillChange: {
            change: components["schemas"]["ColumnChange"];
            batchMs?: number;
            pauseMs?: number;
            lockRetries?: number;
        };
        FleetLine: {
            row: {
                [key: string]: unknown;
            };
        } | {
            /** @enum {boolean} */
            done: true;
            answered: number;
            failed: {
                /** Format: uuid */
                tenantId: string;
                code: string;
                detail: string;
            }[];
        } | {
            /** @enum {boolean} */
            done: false;
            problem: {
                [key: string]: unknown;
            };
        };
        /** @description Without a reason it is refused, by REASON_REQUIRED. */
        FleetQuery: {
            /** @example ticket 4711 */
            reason?: string;
            /** @example select count(*) as invoices from invoice */
            sql: string;
            values?: unknown[];
            filter?: {
                plan?: string;
                /** @enum {string} */
                isolation?: "row" | "schema";
            };
            merge?: {
                sum?: string[];
                order?: string[];
                limit?: number;
            };
            concurrency?: number;
        };
        Stats: {
            total: number;
            byStatus: {
                [key: string]: number;
            };
            byPlan: {
                [key: string]: number;
            };
            byIsolation: {
                [key: string]: number;
            };
            unprovisioned: number;
        };
        TenantStatisticsPage: {
            items: components["schemas"]["TenantStatistics"][];
            nextCursor: string | null;
            total: number;
            /**
             * Format: date-time
             * @description When they were counted; null where they never were.
             * @example 2026-03-01T09:30:00.000Z
             */
            refreshedAt: string | null;
            /** @description How long ago that was. */
            ageMs: number | null;
        };
        TenantStatistics: {
            /** Format: uuid */
            tenantId: string;
            slug: string;
            status: string;
            plan: string | null;
            /** @enum {string} */
            isolation: "row" | "schema";
            members: number;
            activeMembers: number;
            organizations: number;
            keys: number;
            /** @description Counted in shared tables; PostgreSQL’s estimate in a schema of its own. */
            rows: number;
            /** @description With indexes; of a shared table the share, by rows. */
            sizeBytes: number;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            lastActivityAt: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            createdAt: string;
        };
        RefreshedStatistics: {
            tenants: number;
        };
        EventPage: {
            items: components["schemas"]["Event"][];
            nextCursor: string | null;
            total: number;
        };
        Event: {
            seq: string;
            /** Format: uuid */
            id: string;
            type: string;
            /** Format: uuid */
            tenantId: string | null;
            payload: {
                [key: string]: unknown;
            };
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            createdAt: string;
        };
        VerifyReport: {
            ok: boolean;
            checks: {
                name: string;
                ok: boolean;
                subject?: string;
                fix?: string;
                severity?: string;
                skipped?: string;
                ran?: string[];
            }[];
            instance: string;
            database: string;
            serverVersion: string;
            tenantryVersion: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            startedAt: string;
            /**
             * Format: date-time
             * @example 2026-03-01T09:30:00.000Z
             */
            finishedAt: string;
            /** @enum {string|null} */
            only: "catalogue" | "probes" | null;
            readOnly: boolean;
            allowSkipped: boolean;
            fingerprint: string | null;
            parts: {
                [key: string]: string;
            } | null;
            changed: string[] | null;
            signature: string;
        };
        Verify: {
            /** @enum {string} */
            only?: "catalogue" | "probes";
            readOnly?: boolean;
            allowSkipped?: boolean;
            sampleSchemas?: number;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export interface operations {
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Up, or degraded. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description Down. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    getReady: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ready. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ready"];
                };
            };
        };
    };
    getCurrent: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The tenant that was bound, or why none was. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Current"];
                };
            };
        };
    };
    listTenants: {
        parameters: {
            query?: {
                limit?: number;
                /** @description nextCursor of the page before. */
                cursor?: string;
                status?: "active" | "suspended" | "inactive" | "deleted" | "purged";
                /** @description Part of slug or name, case-insensitive. */
                search?: string;
                plan?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TenantPage"];
                };
            };
        };
    };
    createTenant: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateTenant"];
            };
        };
        responses: {
            /** @description Created, and provisioned unless `provision` is false. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tenant"];
                };
            };
        };
    };
    getTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The tenant. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tenant"];
                };
            };
        };
    };
    deleteTenant: {
        parameters: {
            query?: never;
            header?: {
                "If-Match"?: string;
            };
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted, and kept until `purgeAfter`. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tenant"];
                };
            };
        };
    };
    updateTenant: {
        parameters: {
            query?: never;
            header?: {
                "If-Match"?: string;
            };
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateTenant"];
            };
        };
        responses: {
            /** @description Changed. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tenant"];
                };
            };
        };
    };
    provisionTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description Ready to enter; idempotent. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProvisionResult"];
                };
            };
        };
    };
    suspendTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Suspend"];
            };
        };
        responses: {
            /** @description The tenant as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tenant"];
                };
            };
        };
    };
    activateTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description The tenant as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tenant"];
                };
            };
        };
    };
    deactivateTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description The tenant as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tenant"];
                };
            };
        };
    };
    restoreTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description The tenant as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tenant"];
                };
            };
        };
    };
    purgeTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Purge"];
            };
        };
        responses: {
            /** @description The tenant as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tenant"];
                };
            };
        };
    };
    setTenantMode: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SetMode"];
            };
        };
        responses: {
            /** @description The tenant as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tenant"];
                };
            };
        };
    };
    listMembers: {
        parameters: {
            query?: {
                limit?: number;
                /** @description nextCursor of the page before. */
                cursor?: string;
                /** @description Part of user id or e-mail address, case-insensitive. */
                search?: string;
                state?: "invited" | "active" | "suspended" | "revoked";
                /** @description A built-in role or one of the tenant. */
                role?: string;
            };
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the members of a tenant. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MemberPage"];
                };
            };
        };
    };
    addMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AddMember"];
            };
        };
        responses: {
            /** @description Add a user to a tenant, or ask one to join. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Member"];
                };
            };
        };
    };
    getMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
                /** @description The application's own id of the user. */
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Read a member. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Member"];
                };
            };
        };
    };
    revokeMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
                /** @description The application's own id of the user. */
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Take a member out of a tenant; they may be added again. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Member"];
                };
            };
        };
    };
    updateMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
                /** @description The application's own id of the user. */
                userId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateMember"];
            };
        };
        responses: {
            /** @description Change role, e-mail address or metadata of a member. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Member"];
                };
            };
        };
    };
    suspendMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
                /** @description The application's own id of the user. */
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description Keep a member out until they are activated again. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Member"];
                };
            };
        };
    };
    activateMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
                /** @description The application's own id of the user. */
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description Let a suspended member in again. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Member"];
                };
            };
        };
    };
    acceptMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
                /** @description The application's own id of the user. */
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description Join a tenant as a user who was asked to; a user does so for themselves only. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Member"];
                };
            };
        };
    };
    transferOwnership: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TransferOwnership"];
            };
        };
        responses: {
            /** @description Make another member owner, and the owner admin. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Member"];
                };
            };
        };
    };
    bootstrapOwner: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BootstrapOwner"];
            };
        };
        responses: {
            /** @description Make a user the first owner of a tenant that has none. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Member"];
                };
            };
        };
    };
    listTenantsOfUser: {
        parameters: {
            query?: {
                limit?: number;
                /** @description nextCursor of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description The application's own id of the user. */
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the tenants that a user may enter. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserTenantPage"];
                };
            };
        };
    };
    listRoles: {
        parameters: {
            query?: {
                limit?: number;
                /** @description nextCursor of the page before. */
                cursor?: string;
                /** @description Part of name or description, case-insensitive. */
                search?: string;
            };
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the roles of a tenant, built-in ones first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RolePage"];
                };
            };
        };
    };
    createRole: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateRole"];
            };
        };
        responses: {
            /** @description Make a role of the tenant’s own. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Role"];
                };
            };
        };
    };
    getRole: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
                role: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Read a role. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Role"];
                };
            };
        };
    };
    deleteRole: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
                role: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Remove a role that nobody has. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Role"];
                };
            };
        };
    };
    updateRole: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
                role: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateRole"];
            };
        };
        responses: {
            /** @description Change a role of the tenant’s own, for all who have it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Role"];
                };
            };
        };
    };
    listInvitations: {
        parameters: {
            query?: {
                limit?: number;
                /** @description nextCursor of the page before. */
                cursor?: string;
                /** @description Part of the e-mail address, case-insensitive. */
                search?: string;
                state?: "pending" | "accepted" | "revoked" | "expired";
            };
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List invitations, without their tokens. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InvitationPage"];
                };
            };
        };
    };
    createInvitation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateInvitation"];
            };
        };
        responses: {
            /** @description Make an invitation, in place of a pending one of the same address. Shown once. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewInvitation"];
                };
            };
        };
    };
    resendInvitation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
                /** @description Id. */
                invitation: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description Make a new token for an invitation; the old link is void. Shown once. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewInvitation"];
                };
            };
        };
    };
    revokeInvitation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
                /** @description Id. */
                invitation: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description Make an invitation void. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invitation"];
                };
            };
        };
    };
    getInvitation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
                /** @description Id. */
                invitation: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Read an invitation, without its token. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invitation"];
                };
            };
        };
    };
    acceptInvitation: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AcceptInvitation"];
            };
        };
        responses: {
            /** @description Accept an invitation: a user for themselves, or a trusted backend for the user it vouches for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AcceptedInvitation"];
                };
            };
        };
    };
    listOrganizations: {
        parameters: {
            query?: {
                limit?: number;
                /** @description nextCursor of the page before. */
                cursor?: string;
                /** @description Part of slug or name, or of user id or e-mail address; case-insensitive. */
                search?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List organizations. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrganizationPage"];
                };
            };
        };
    };
    createOrganization: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateOrganization"];
            };
        };
        responses: {
            /** @description Make an organization. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Organization"];
                };
            };
        };
    };
    getOrganization: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                organization: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Read an organization. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Organization"];
                };
            };
        };
    };
    deleteOrganization: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                organization: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Remove an organization that owns no tenants. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Organization"];
                };
            };
        };
    };
    updateOrganization: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                organization: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateOrganization"];
            };
        };
        responses: {
            /** @description Change name or metadata of an organization. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Organization"];
                };
            };
        };
    };
    listOrganizationMembers: {
        parameters: {
            query?: {
                limit?: number;
                /** @description nextCursor of the page before. */
                cursor?: string;
                /** @description Part of slug or name, or of user id or e-mail address; case-insensitive. */
                search?: string;
            };
            header?: never;
            path: {
                /** @description Slug or id. */
                organization: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the members of an organization. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrganizationMemberPage"];
                };
            };
        };
    };
    setOrganizationMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                organization: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SetOrganizationMember"];
            };
        };
        responses: {
            /** @description Add a member of an organization, or change the role. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrganizationMember"];
                };
            };
        };
    };
    removeOrganizationMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                organization: string;
                /** @description The application's own id of the user. */
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Take a member out of an organization. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrganizationMember"];
                };
            };
        };
    };
    listOrganizationTenants: {
        parameters: {
            query?: {
                limit?: number;
                /** @description nextCursor of the page before. */
                cursor?: string;
                /** @description Part of slug or name, or of user id or e-mail address; case-insensitive. */
                search?: string;
            };
            header?: never;
            path: {
                /** @description Slug or id. */
                organization: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the tenants of an organization. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrganizationTenantPage"];
                };
            };
        };
    };
    addOrganizationTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                organization: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AddOrganizationTenant"];
            };
        };
        responses: {
            /** @description Put a tenant into an organization. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrganizationTenant"];
                };
            };
        };
    };
    removeOrganizationTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                organization: string;
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Take a tenant out of an organization. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrganizationTenant"];
                };
            };
        };
    };
    listOrganizationUsers: {
        parameters: {
            query?: {
                limit?: number;
                /** @description nextCursor of the page before. */
                cursor?: string;
                /** @description Part of slug or name, or of user id or e-mail address; case-insensitive. */
                search?: string;
            };
            header?: never;
            path: {
                /** @description Slug or id. */
                organization: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List all users across the tenants of an organization. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrganizationUserPage"];
                };
            };
        };
    };
    listOrganizationsOfUser: {
        parameters: {
            query?: {
                limit?: number;
                /** @description nextCursor of the page before. */
                cursor?: string;
                /** @description Part of slug or name, or of user id or e-mail address; case-insensitive. */
                search?: string;
            };
            header?: never;
            path: {
                /** @description The application's own id of the user. */
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the organizations that a user belongs to. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OrganizationPage"];
                };
            };
        };
    };
    listTeams: {
        parameters: {
            query?: {
                limit?: number;
                /** @description nextCursor of the page before. */
                cursor?: string;
                /** @description Part of slug or name, or of user id or e-mail address; case-insensitive. */
                search?: string;
            };
            header?: never;
            path: {
                /** @description Slug or id. */
                organization: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the teams of an organization. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TeamPage"];
                };
            };
        };
    };
    createTeam: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                organization: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateTeam"];
            };
        };
        responses: {
            /** @description Make a team in an organization. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Team"];
                };
            };
        };
    };
    getTeam: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                organization: string;
                /** @description Slug or id. */
                team: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Read a team. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Team"];
                };
            };
        };
    };
    deleteTeam: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                organization: string;
                /** @description Slug or id. */
                team: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Remove a team and its roles. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Team"];
                };
            };
        };
    };
    listTeamMembers: {
        parameters: {
            query?: {
                limit?: number;
                /** @description nextCursor of the page before. */
                cursor?: string;
                /** @description Part of slug or name, or of user id or e-mail address; case-insensitive. */
                search?: string;
            };
            header?: never;
            path: {
                /** @description Slug or id. */
                organization: string;
                /** @description Slug or id. */
                team: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the members of a team. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TeamMemberPage"];
                };
            };
        };
    };
    addTeamMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                organization: string;
                /** @description Slug or id. */
                team: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AddTeamMember"];
            };
        };
        responses: {
            /** @description Put a member of the organization into a team. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TeamMember"];
                };
            };
        };
    };
    removeTeamMember: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                organization: string;
                /** @description Slug or id. */
                team: string;
                /** @description The application's own id of the user. */
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Take a member out of a team. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TeamMember"];
                };
            };
        };
    };
    listTeamRoles: {
        parameters: {
            query?: {
                limit?: number;
                /** @description nextCursor of the page before. */
                cursor?: string;
                /** @description Part of slug or name, or of user id or e-mail address; case-insensitive. */
                search?: string;
            };
            header?: never;
            path: {
                /** @description Slug or id. */
                organization: string;
                /** @description Slug or id. */
                team: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the roles of a team in tenants. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TeamRolePage"];
                };
            };
        };
    };
    setTeamRole: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                organization: string;
                /** @description Slug or id. */
                team: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SetTeamRole"];
            };
        };
        responses: {
            /** @description Give a team a role in a tenant, or take it away. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TeamRolePage"];
                };
            };
        };
    };
    listCredentials: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CredentialPage"];
                };
            };
        };
    };
    createCredential: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["CreateCredential"];
            };
        };
        responses: {
            /** @description The login with its password, which is shown once. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DirectCredential"];
                };
            };
        };
    };
    rotateCredential: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
                username: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["RotateCredential"];
            };
        };
        responses: {
            /** @description The login with its password, which is shown once. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DirectCredential"];
                };
            };
        };
    };
    revokeCredential: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
                username: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description The login as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CredentialInfo"];
                };
            };
        };
    };
    dropCredential: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
                username: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The login as it was. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CredentialInfo"];
                };
            };
        };
    };
    listKeys: {
        parameters: {
            query?: {
                limit?: number;
                /** @description nextCursor of the page before. */
                cursor?: string;
                /** @description Part of name or prefix, case-insensitive. */
                search?: string;
            };
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKeyPage"];
                };
            };
        };
    };
    createKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateApiKey"];
            };
        };
        responses: {
            /** @description The key, which is shown once. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewApiKey"];
                };
            };
        };
    };
    getKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The key. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKey"];
                };
            };
        };
    };
    rotateKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["RotateApiKey"];
            };
        };
        responses: {
            /** @description The key, which is shown once. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewApiKey"];
                };
            };
        };
    };
    revokeKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description The key as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKey"];
                };
            };
        };
    };
    listServiceKeys: {
        parameters: {
            query?: {
                limit?: number;
                /** @description nextCursor of the page before. */
                cursor?: string;
                /** @description Part of name or prefix, case-insensitive. */
                search?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKeyPage"];
                };
            };
        };
    };
    createServiceKey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateApiKey"];
            };
        };
        responses: {
            /** @description The key, which is shown once. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewApiKey"];
                };
            };
        };
    };
    getServiceKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The key. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKey"];
                };
            };
        };
    };
    rotateServiceKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["RotateApiKey"];
            };
        };
        responses: {
            /** @description The key, which is shown once. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewApiKey"];
                };
            };
        };
    };
    revokeServiceKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description The key as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKey"];
                };
            };
        };
    };
    listOperators: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperatorPage"];
                };
            };
        };
    };
    setOperator: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The application's id of the user. */
                userId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SetOperator"];
            };
        };
        responses: {
            /** @description The operator. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operator"];
                };
            };
        };
    };
    removeOperator: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The application's id of the user. */
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As it was. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Operator"];
                };
            };
        };
    };
    elevateOperator: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The application's id of the user. */
                userId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Elevate"];
            };
        };
        responses: {
            /** @description The elevation with its token, which is shown once. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewElevation"];
                };
            };
        };
    };
    listElevations: {
        parameters: {
            query?: {
                limit?: number;
                /** @description nextCursor of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ElevationPage"];
                };
            };
        };
    };
    releaseElevation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description The elevation as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Elevation"];
                };
            };
        };
    };
    listSupportAccesses: {
        parameters: {
            query?: {
                limit?: number;
                /** @description nextCursor of the page before. */
                cursor?: string;
                /** @description Only those that are open, or only those that are not. */
                open?: boolean;
            };
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SupportAccessPage"];
                };
            };
        };
    };
    openSupportAccess: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OpenSupport"];
            };
        };
        responses: {
            /** @description The access. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SupportAccess"];
                };
            };
        };
    };
    endSupportAccess: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Slug or id. */
                tenant: string;
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description The access as it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SupportAccess"];
                };
            };
        };
    };
    getMigrations: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Where the fleet stands. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FleetStatus"];
                };
            };
        };
    };
    getMigrationDrift: {
        parameters: {
            query?: {
                /** @description Only these: slugs or ids, separated by commas. */
                tenants?: string;
                plan?: string;
                isolation?: "row" | "schema";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Compare tenants with the reference. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DriftReport"];
                };
            };
        };
    };
    migrateUp: {
        parameters: {
            query?: {
                /** @description Answers when the run has ended, instead of when it has begun. */
                wait?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Migrate"];
            };
        };
        responses: {
            /** @description The run, which is over: a dry run, nothing to do, or `wait=true`. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MigrationRun"];
                };
            };
            /** @description The run, which goes on in the server. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MigrationRun"];
                };
            };
        };
    };
    retryMigrations: {
        parameters: {
            query?: {
                /** @description Answers when the run has ended, instead of when it has begun. */
                wait?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Migrate"];
            };
        };
        responses: {
            /** @description The run, which is over: a dry run, nothing to do, or `wait=true`. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MigrationRun"];
                };
            };
            /** @description The run, which goes on in the server. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MigrationRun"];
                };
            };
        };
    };
    listMigrationRuns: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The runs there were, newest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MigrationRunPage"];
                };
            };
        };
    };
    getMigrationRun: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One run, with the tenants that failed. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MigrationRun"];
                };
            };
        };
    };
    stopMigrationRun: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description Stop a run after the transactions that are under way. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MigrationRun"];
                };
            };
        };
    };
    listChanges: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How far each change is, by name. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangePage"];
                };
            };
        };
    };
    expandColumn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ExpandColumn"];
            };
        };
        responses: {
            /** @description Add the new column to a shared table, and keep both in step. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangeStatus"];
                };
            };
        };
    };
    getChange: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name. */
                change: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How far a change is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangeStatus"];
                };
            };
        };
    };
    validateColumn: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name. */
                change: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ChangeStep"];
            };
        };
        responses: {
            /** @description Prove NOT NULL and the foreign key of the new column, and bind them. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangeStatus"];
                };
            };
        };
    };
    switchColumn: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name. */
                change: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ChangeStep"];
            };
        };
        responses: {
            /** @description Prove that both columns say the same, and make the old one optional. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangeStatus"];
                };
            };
        };
    };
    contractColumn: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name. */
                change: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["ChangeStep"];
            };
        };
        responses: {
            /** @description Drop the old column. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangeStatus"];
                };
            };
        };
    };
    backfillColumn: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Name. */
                change: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["BackfillColumn"];
            };
        };
        responses: {
            /** @description How far it is, as it goes; the last line says how it ended. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["BackfillLine"];
                };
            };
        };
    };
    backfillChange: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BackfillChange"];
            };
        };
        responses: {
            /** @description How far it is, as it goes; the last line says how it ended. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["BackfillLine"];
                };
            };
        };
    };
    queryFleet: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FleetQuery"];
            };
        };
        responses: {
            /** @description The rows, as they come. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": components["schemas"]["FleetLine"];
                };
            };
        };
    };
    getStats: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The counts. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Stats"];
                };
            };
        };
    };
    listTenantStatistics: {
        parameters: {
            query?: {
                plan?: string;
                isolation?: "row" | "schema";
                /** @description Part of the slug. */
                search?: string;
                limit?: number;
                /** @description nextCursor of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What each tenant is like in numbers, as last counted. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TenantStatisticsPage"];
                };
            };
        };
    };
    refreshStatistics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description Count what each tenant is like anew. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RefreshedStatistics"];
                };
            };
        };
    };
    listEvents: {
        parameters: {
            query?: {
                limit?: number;
                /** @description nextCursor of the page before. */
                cursor?: string;
                type?: string;
                /** @description Slug or id. */
                tenant?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventPage"];
                };
            };
        };
    };
    getVerify: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The report. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VerifyReport"];
                };
            };
        };
    };
    runVerify: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Verify"];
            };
        };
        responses: {
            /** @description The report; `ok` says whether isolation holds. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VerifyReport"];
                };
            };
        };
    };
    getOpenapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OpenAPI 3.1. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
        };
    };
}
