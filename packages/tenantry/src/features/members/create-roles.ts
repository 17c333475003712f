// `tenantry.roles`: the built-in roles and a tenant's own.
import { isDeepStrictEqual } from 'node:util'
import { TenantryError } from '../../kernel/errors.ts'
import { refuseOutranked } from '../../tenants/authority.ts'
import { getTenant } from '../../tenants/registry.ts'
import type { CreateRole, MemberActOptions, Role, Roles, UpdateRole } from './member.ts'
import { type Act, inAct, type MembersOptions, record } from './member-act.ts'
import { checkRole, checkRoleChange } from './member-input.ts'
import { deleteRole, findRole, isRoleInUse, listRoles, saveRole } from './role-store.ts'

/** The roles of an instance's tenants, over its control plane's database. */
export function createRoles(options: MembersOptions): Roles {
  const { database } = options
  const asked = (given: MemberActOptions | undefined) => ({ options: given, needed: 'roles:write' })
  return {
    list: async (ref) => listRoles(database, (await getTenant(database, ref)).id),
    get: async (ref, name) => {
      const tenant = await getTenant(database, ref)
      return (await findRole(database, tenant.id, name)) ?? notFound()
    },
    create: async (ref, input, act) => {
      const role = checkRole(input)
      return inAct(options, ref, { ...asked(act), run: (running) => createRole(running, role) })
    },
    update: async (ref, name, ...[change, act]) => {
      const checked = checkRoleChange(change)
      return inAct(options, ref, { ...asked(act), run: (running) => updateRole(running, name, checked) })
    },
    delete: async (ref, name, act) => inAct(options, ref, { ...asked(act), run: (running) => dropRole(running, name) }),
  }
}

function notFound(): never {
  throw new TenantryError('ROLE_NOT_FOUND', 'The tenant has no role of this name.', { field: 'role' })
}

async function createRole(act: Act, input: CreateRole & { readonly rank: number }): Promise<Role> {
  const { tx, tenant } = act
  const role: Role = { ...input, description: input.description ?? null, isBuiltIn: false }
  const before = await findRole(tx, tenant.id, role.name)
  if (before !== undefined && isDeepStrictEqual(before, role)) return before
  if (before !== undefined) throw new TenantryError('ROLE_EXISTS', `There is a role ${role.name} already.`)
  refuseOutranked(act.authority, role)
  return save(act, 'role.create', role)
}

async function updateRole(act: Act, name: string, change: UpdateRole): Promise<Role> {
  const before = await ownRole(act, name)
  const after = { ...before, ...change }
  if (isDeepStrictEqual(after, before)) return before
  refuseOutranked(act.authority, after)
  return save(act, 'role.update', after)
}

async function dropRole(act: Act, name: string): Promise<Role> {
  const role = await ownRole(act, name)
  if (await isRoleInUse(act.tx, act.tenant.id, name)) {
    throw new TenantryError('ROLE_IN_USE', `Members, invitations or teams have the role ${name}.`)
  }
  await deleteRole(act.tx, act.tenant.id, name)
  await record(act, 'role.delete', { role: name })
  return role
}

/** A role that whoever acts may change: of the tenant's own, and within their reach. */
async function ownRole({ tx, tenant, authority }: Act, name: string): Promise<Role> {
  const role = (await findRole(tx, tenant.id, name)) ?? notFound()
  if (role.isBuiltIn) {
    const fix = 'Make a role of the tenant’s own with these permissions.'
    throw new TenantryError('FIELD_IMMUTABLE', `The role ${role.name} is built in.`, { field: 'name', fix })
  }
  refuseOutranked(authority, role)
  return role
}

async function save(act: Act, action: string, role: Role): Promise<Role> {
  await saveRole(act.tx, act.tenant.id, { ...role, at: act.at })
  await record(act, action, { role: role.name, rank: role.rank, permissions: role.permissions })
  return role
}
