// Organizations and their teams, as they go over the wire. Imports zod and nothing else that runs, so a browser client
// can use it, too.
import { z } from 'zod'
import { cursor, json, limit, page, slug, text, time } from './base.ts'

const userId = text(255).meta({ description: "The application's own id of the user.", example: 'user-42' })
const organizationRole = z.enum(['owner', 'admin', 'member'])
const tenantRole = text(63).meta({ description: 'A built-in role or one of the tenant.', example: 'guest' })

export const OrganizationSchema = z
  .object({ id: z.uuid(), slug, name: z.string(), metadata: json, createdAt: time, updatedAt: time })
  .meta({ id: 'Organization' })

export const CreateOrganizationSchema = z
  .strictObject({
    name: text(255).meta({ example: 'ACME Holding' }),
    slug: slug.optional(),
    ownerUserId: userId.optional(),
    metadata: json.optional(),
  })
  .meta({ id: 'CreateOrganization' })

export const UpdateOrganizationSchema = z
  .strictObject({ name: text(255).optional(), metadata: json.optional() })
  .meta({ id: 'UpdateOrganization' })

export const ListQuery = z.strictObject({
  limit,
  cursor,
  search: text(255).optional().meta({
    description: 'Part of slug or name, or of user id or e-mail address; case-insensitive.',
  }),
})

export const OrganizationPageSchema = page(OrganizationSchema).meta({ id: 'OrganizationPage' })

export const OrganizationMemberSchema = z
  .object({
    organizationId: z.uuid(),
    userId: z.string(),
    email: z.string().nullable(),
    role: organizationRole,
    createdAt: time,
  })
  .meta({ id: 'OrganizationMember' })

export const SetOrganizationMemberSchema = z
  .strictObject({ userId, email: text(320).optional(), role: organizationRole.optional() })
  .meta({ id: 'SetOrganizationMember' })

export const OrganizationMemberPageSchema = page(OrganizationMemberSchema).meta({ id: 'OrganizationMemberPage' })

export const OrganizationTenantSchema = z
  .object({
    tenantId: z.uuid(),
    slug: z.string(),
    name: z.string(),
    status: z.string(),
    memberRole: z.string().nullable(),
  })
  .meta({ id: 'OrganizationTenant' })

export const AddOrganizationTenantSchema = z
  .strictObject({
    tenant: text(100).meta({ description: 'Slug or id.', example: 'acme-corp' }),
    memberRole: tenantRole
      .nullable()
      .optional()
      .meta({ description: 'The role that plain members of the organization have in the tenant; null for none.' }),
  })
  .meta({ id: 'AddOrganizationTenant' })

export const OrganizationTenantPageSchema = page(OrganizationTenantSchema).meta({ id: 'OrganizationTenantPage' })

export const OrganizationUserSchema = z
  .object({
    userId: z.string(),
    email: z.string().nullable(),
    organizationRole: organizationRole.nullable(),
    tenants: z.array(z.object({ tenantId: z.uuid(), slug: z.string(), role: z.string(), state: z.string() })),
  })
  .meta({ id: 'OrganizationUser' })

export const OrganizationUserPageSchema = page(OrganizationUserSchema).meta({ id: 'OrganizationUserPage' })

export const TeamSchema = z
  .object({ id: z.uuid(), organizationId: z.uuid(), slug: z.string(), name: z.string(), createdAt: time })
  .meta({ id: 'Team' })

export const CreateTeamSchema = z
  .strictObject({ name: text(255).meta({ example: 'Auditors' }), slug: slug.optional() })
  .meta({ id: 'CreateTeam' })

export const TeamPageSchema = page(TeamSchema).meta({ id: 'TeamPage' })

export const TeamMemberSchema = z
  .object({ teamId: z.uuid(), userId: z.string(), createdAt: time })
  .meta({ id: 'TeamMember' })

export const AddTeamMemberSchema = z.strictObject({ userId }).meta({ id: 'AddTeamMember' })
export const TeamMemberPageSchema = page(TeamMemberSchema).meta({ id: 'TeamMemberPage' })

export const TeamRoleSchema = z
  .object({ teamId: z.uuid(), tenantId: z.uuid(), slug: z.string(), role: z.string() })
  .meta({ id: 'TeamRole' })

export const SetTeamRoleSchema = z
  .strictObject({
    tenant: text(100).meta({ description: 'Slug or id of a tenant of the organization.', example: 'acme-corp' }),
    role: tenantRole.nullable().meta({ description: 'Null takes the role away.' }),
  })
  .meta({ id: 'SetTeamRole' })

export const TeamRolePageSchema = page(TeamRoleSchema).meta({ id: 'TeamRolePage' })
