// The status machine, without any SQL: what a verb does to a tenant in a given status.
import type { TenantStatus } from './tenant.ts'

export type StatusVerb = 'suspend' | 'activate' | 'deactivate' | 'delete' | 'restore' | 'purge'

/** `repeat`: the verb has already taken effect. `refuse`: it does not start from here. */
export type Decision = 'change' | 'repeat' | 'refuse'

interface VerbRule {
  readonly from: readonly TenantStatus[]
  readonly done: readonly TenantStatus[]
}

const rules: Readonly<Record<StatusVerb, VerbRule>> = {
  suspend: { from: ['active'], done: ['suspended'] },
  activate: { from: ['suspended', 'inactive'], done: ['active'] },
  deactivate: { from: ['active', 'suspended'], done: ['inactive'] },
  delete: { from: ['active', 'suspended', 'inactive'], done: ['deleted'] },
  // What a restore leads to is what was there before, so only `restored` can tell its repetition.
  restore: { from: ['deleted'], done: [] },
  purge: { from: ['deleted'], done: ['purged'] },
}

export interface StatusFacts {
  readonly status: TenantStatus
  /** Whether a restore is the last thing that happened to the status. */
  readonly restored: boolean
}

/** What the verb does to a tenant with these facts. */
export function decide(verb: StatusVerb, facts: StatusFacts): Decision {
  const rule = rules[verb]
  if (rule.from.includes(facts.status)) return 'change'
  if (rule.done.includes(facts.status)) return 'repeat'
  return verb === 'restore' && facts.restored && facts.status !== 'purged' ? 'repeat' : 'refuse'
}

/** The statuses a verb starts from, for messages. */
export function startsFrom(verb: StatusVerb): readonly TenantStatus[] {
  return rules[verb].from
}
