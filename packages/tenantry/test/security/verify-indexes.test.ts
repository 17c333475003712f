// The warning about indexes tells the truth: with sequential scans forbidden, a statement of the application still does not
// use an index that is named, and does use the form that the fix proposes. Both isolations.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openVerifiedInstance, type VerifiedInstance } from '../support/verified-instance.ts'

let verified: VerifiedInstance

const COLUMNS = `add amount numeric, add cents bigint, add facts jsonb, add kind text, add tags text[], add words text,
  add lowered text generated always as (lower(kind)) stored`

const INDEXES = {
  amount: '(amount)',
  cents: '(cents)',
  facts: 'using gin (facts)',
  tags: 'using gin (tags)',
  lower_kind: '(lower(kind))',
  lowered: '(lowered)',
  prefix: '(kind text_pattern_ops)',
  words: "using gin (to_tsvector('english', words))",
  kind: '(kind)',
}

beforeAll(async () => {
  verified = await openVerifiedInstance()
  for (const table of ['public.document', 'tenant_north.note']) {
    await verified.admin.query(`alter table ${table} ${COLUMNS}`)
    for (const [name, columns] of Object.entries(INDEXES)) {
      await verified.admin.query(`create index by_${name} on ${table} ${columns}`)
    }
  }
})

afterAll(() => verified.close())

test.each([
  ['acme', 'document', 'document'],
  ['north', 'note', 'note of tenant schemas'],
] as const)('%s over %s', async (slug, table, subject) => {
  const isUsed = async (where: string) =>
    verified.tenantry.scope(slug).transaction(async (tx) => {
      await tx.query('set local enable_seqscan = off')
      const { rows } = await tx.query<{ 'QUERY PLAN': string }>(`explain select from ${table} where ${where}`)
      // A scan without a condition reads the whole index, and the one on tenant_id serves the policy.
      return rows.some(({ 'QUERY PLAN': line }) => line.includes('Index Cond') && !line.includes('tenant_id'))
    })
  const lost: Record<string, string> = {
    amount: 'amount = 5',
    facts: `facts @> '{"a": 1}'`,
    tags: "tags && '{a}'",
    lower_kind: "lower(kind) = 'a'",
    prefix: "kind like 'abc%'",
    words: "to_tsvector('english', words) @@ 'a'::tsquery",
  }
  const kept = ['cents = 500', "lowered = 'a'", "kind >= 'abc' and kind < 'abd'", "kind = 'a'"]
  for (const where of Object.values(lost)) expect([where, await isUsed(where)]).toEqual([where, false])
  for (const where of kept) expect([where, await isUsed(where)]).toEqual([where, true])
  const checks = await verified.check(verified.admin)
  const named = checks
    .filter(({ name, ok }) => name === 'row-level security leaves indexes usable' && !ok)
    .filter((check) => check.subject?.includes(`on ${table === 'note' ? subject : 'public.document'} (`))
    .map((check) => /^by_(\w+) on/.exec(check.subject ?? '')?.[1])
  expect(named.sort()).toEqual(Object.keys(lost).sort())
})
