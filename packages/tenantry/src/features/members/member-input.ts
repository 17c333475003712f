// Checks what comes in about members and roles, once; everything behind it trusts its types. Messages name the field
// and the rule, never the value.
import { TenantryError } from '../../kernel/errors.ts'
import { isPermission, type OnBehalfOf, type Permission } from '../../tenants/access.ts'
import { anyText, type Check, checkFields, jsonObject, nullable, text } from '../../tenants/field-checks.ts'
import {
  type AddMember,
  type CreateRole,
  type MemberState,
  memberStates,
  type TransferOwnership,
  type UpdateMember,
  type UpdateRole,
} from './member.ts'

const ADDRESS = /^[^\s@]+@[^\s@]+$/
const ROLE_NAME = /^[a-z][a-z0-9_-]{1,62}$/
const MAX_PERMISSIONS = 200
const MAX_RANK = 99

const userId = text(255)

const email: Check<string> = (value, field) => {
  const address = text(320)(value, field).toLowerCase()
  if (ADDRESS.test(address) && address.length <= 320) return address
  throw invalid(field, 'must be an e-mail address')
}

const roleName: Check<string> = (value, field) => {
  const name = anyText(value, field)
  if (ROLE_NAME.test(name)) return name
  throw invalid(field, 'must be 2 to 63 lower-case letters, digits, "_" and "-", starting with a letter')
}

const rank: Check<number> = (value, field) => {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_RANK) return value
  throw invalid(field, `must be a whole number from 1 to ${MAX_RANK}`)
}

const permissionList: Check<readonly Permission[]> = (value, field) => {
  if (!Array.isArray(value) || value.length > MAX_PERMISSIONS) {
    throw invalid(field, `must be a list of at most ${MAX_PERMISSIONS} permissions`)
  }
  const isOne = (each: unknown): each is Permission => typeof each === 'string' && isPermission(each)
  if (value.every(isOne)) return [...new Set(value)]
  throw invalid(field, 'must hold permissions such as members:read, members:* or *')
}

const memberFields = { userId, email, role: roleName, metadata: jsonObject }
const ownerFields = { userId, email, metadata: jsonObject }
const changeFields = { role: roleName, email: nullable(email), metadata: jsonObject }
const transferFields = { to: userId, from: userId }
const roleFields = { name: roleName, rank, permissions: permissionList, description: text(500) }
const roleChangeFields = { rank, permissions: permissionList, description: nullable(text(500)) }

/** A checked `add`, its role filled in. Throws INVALID_INPUT, UNKNOWN_FIELD. */
export function checkAdd(input: unknown): AddMember & { readonly role: string } {
  const given = checkFields(memberFields, input)
  return { ...given, userId: userId(given.userId, 'userId'), role: given.role ?? 'member' }
}

export function checkOwner(input: unknown): Omit<AddMember, 'role'> {
  const given = checkFields(ownerFields, input)
  return { ...given, userId: userId(given.userId, 'userId') }
}

export function checkChange(input: unknown): UpdateMember {
  return checkFields(changeFields, input)
}

export function checkTransfer(input: unknown): TransferOwnership {
  const given = checkFields(transferFields, input)
  return { ...given, to: userId(given.to, 'to') }
}

export function checkRole(input: unknown): CreateRole & { readonly rank: number } {
  const given = checkFields(roleFields, input)
  return {
    ...given,
    name: roleName(given.name, 'name'),
    permissions: permissionList(given.permissions, 'permissions'),
    rank: given.rank ?? 40,
  }
}

export function checkRoleChange(input: unknown): UpdateRole {
  return checkFields(roleChangeFields, input)
}

export function checkUserId(value: unknown): string {
  return userId(value, 'userId')
}

/** Throws INVALID_INPUT for what is neither a user's id nor a list of permissions: it must never count as central. */
export function checkOnBehalfOf(value: unknown): OnBehalfOf | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'object' && value !== null) {
    if ('userId' in value) return { userId: userId(value.userId, 'onBehalfOf.userId') }
    if ('permissions' in value) return { permissions: permissionList(value.permissions, 'onBehalfOf.permissions') }
  }
  throw invalid('onBehalfOf', 'must be a user id or permissions')
}

export function checkState(state: MemberState | undefined): MemberState | null {
  if (state === undefined || memberStates.includes(state)) return state ?? null
  throw invalid('state', `must be one of ${memberStates.join(', ')}`)
}

function invalid(field: string, rule: string): TenantryError {
  return new TenantryError('INVALID_INPUT', `"${field}" ${rule}.`, { field })
}
