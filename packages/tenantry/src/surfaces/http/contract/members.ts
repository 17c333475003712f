// Members of tenants and their roles, as they go over the wire. Imports zod and nothing else that runs, so a browser
// client can use it, too.
import { z } from 'zod'
import { cursor, json, limit, page, text, time } from './base.ts'

const userId = text(255).meta({ description: "The application's own id of the user.", example: 'user-42' })
const email = text(320).meta({ example: 'ada@example.com' })
const roleName = text(63).meta({ description: 'A built-in role or one of the tenant.', example: 'member' })
const state = z.enum(['invited', 'active', 'suspended', 'revoked'])
const permission = text(200).meta({ example: 'members:read' })
const search = text(255).optional()

export const MemberSchema = z
  .object({
    tenantId: z.uuid(),
    userId: z.string(),
    email: z.string().nullable(),
    role: z.string(),
    state,
    invitedBy: z.string().nullable(),
    invitedAt: time.nullable(),
    joinedAt: time.nullable(),
    suspendedAt: time.nullable(),
    revokedAt: time.nullable(),
    metadata: json,
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Member' })

export const AddMemberSchema = z
  .strictObject({
    userId,
    email: email.optional(),
    role: roleName.optional(),
    metadata: json.optional(),
    state: z
      .enum(['active', 'invited'])
      .optional()
      .meta({ description: '`invited`: asked, and a member once they accept. Default `active`.' }),
  })
  .meta({ id: 'AddMember' })

export const UpdateMemberSchema = z
  .strictObject({ role: roleName.optional(), email: email.nullable().optional(), metadata: json.optional() })
  .meta({ id: 'UpdateMember' })

export const TransferOwnershipSchema = z
  .strictObject({
    to: userId,
    from: userId.optional().meta({ description: 'The owner who becomes admin; default: the one the tenant names.' }),
  })
  .meta({ id: 'TransferOwnership' })

export const BootstrapOwnerSchema = z
  .strictObject({ userId, email: email.optional(), metadata: json.optional() })
  .meta({ id: 'BootstrapOwner' })

export const ListMembersQuery = z.strictObject({
  limit,
  cursor,
  search: search.meta({ description: 'Part of user id or e-mail address, case-insensitive.' }),
  state: state.optional(),
  role: roleName.optional(),
})

export const MemberPageSchema = page(MemberSchema).meta({ id: 'MemberPage' })

export const RoleSchema = z
  .object({
    name: z.string(),
    rank: z.int(),
    permissions: z.array(permission),
    description: z.string().nullable(),
    isBuiltIn: z.boolean(),
  })
  .meta({ id: 'Role' })

const rank = z.int().min(1).max(99).meta({ description: 'Nobody gives a role that ranks above their own.' })
const permissions = z.array(permission).max(200)

export const CreateRoleSchema = z
  .strictObject({
    name: text(63).meta({ pattern: '^[a-z][a-z0-9_-]{1,62}$', example: 'auditor' }),
    rank: rank.optional(),
    permissions,
    description: text(500).optional(),
  })
  .meta({ id: 'CreateRole' })

export const UpdateRoleSchema = z
  .strictObject({
    rank: rank.optional(),
    permissions: permissions.optional(),
    description: text(500).nullable().optional(),
  })
  .meta({ id: 'UpdateRole' })

export const ListRolesQuery = z.strictObject({
  limit,
  cursor,
  search: search.meta({ description: 'Part of name or description, case-insensitive.' }),
})

export const RolePageSchema = page(RoleSchema).meta({ id: 'RolePage' })

export const UserTenantSchema = z
  .object({
    tenantId: z.uuid(),
    slug: z.string(),
    name: z.string(),
    status: z.string(),
    role: z.string(),
    source: z.enum(['member', 'organization', 'team', 'support']),
  })
  .meta({ id: 'UserTenant' })

export const ListUserTenantsQuery = z.strictObject({ limit, cursor })
export const UserTenantPageSchema = page(UserTenantSchema).meta({ id: 'UserTenantPage' })
