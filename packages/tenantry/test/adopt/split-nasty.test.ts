// Rows of a difficult schema split out into schemas of tenants: composite and circular keys, partitions, views, identity
// columns, sequences and triggers go along; what is written meanwhile or since is not lost.
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTenantry, type Tenantry } from '../../src/tenantry.ts'
import { type AdoptFixture, databaseWith } from '../support/adopt-fixture.ts'
import { runCli } from '../support/cli.ts'
import { adoptableRows, adoptableSchema } from '../support/nasty-schema.ts'

let fixture: AdoptFixture
let folder: string
let tenantry: Tenantry

const decisions = ['setting=global', 'transfer=tenant:via from_account→account', 'note=tenant:to house']
const orphaned = 'log_line=tenant:to house'
const adopt = (words: readonly string[]) =>
  runCli(['adopt', ...words], {
    cwd: folder,
    env: { DATABASE_ADMIN_URL: fixture.adminUrl, TENANTRY_MIGRATIONS: join(folder, 'migrations') },
  })
const ask = async (slug: string, text: string) => (await tenantry.scope(slug).query(text)).rows

beforeAll(async () => {
  fixture = await databaseWith(adoptableSchema, adoptableRows)
  folder = mkdtempSync(join(tmpdir(), 'tenantry-split-'))
  const made = await adopt(['plan', '--root', 'company', '--target', 'schema', '--decide', ...decisions, orphaned])
  expect(made.stderr).toBe('')
  const applied = await adopt(['apply', '--yes'])
  expect(applied).toMatchObject({ code: 0 })
  tenantry = createTenantry({ adminUrl: fixture.adminUrl, migrations: join(folder, 'migrations') })
}, 120_000)

afterAll(async () => {
  await tenantry.close()
  await fixture.drop()
  rmSync(folder, { recursive: true, force: true })
})

describe('tenants that were split out of a difficult schema', () => {
  test('see their own rows, and what all share', async () => {
    expect(await ask('acme', 'select email, initials from person order by id')).toEqual([
      { email: 'ann@acme', initials: 'AN' },
      { email: 'bob@acme', initials: 'BO' },
    ])
    expect(await ask('globex', 'select number, note from "Order Line"')).toEqual([{ number: 1, note: 'urgent' }])
    expect(await ask('globex', 'select tableoid::regclass::text as part from event')).toEqual([
      { part: expect.stringContaining('event_late') as string },
    ])
    expect(await ask('house', 'select body from note')).toEqual([{ body: 'whose?' }])
    expect(await ask('acme', 'select continent from public.country')).toEqual([{ continent: 'Europe' }])
  })

  test('have views of their own over their own tables', async () => {
    expect(await ask('acme', 'select note from order_note')).toEqual([{ note: 'two of them' }])
    expect(await ask('globex', 'select note from order_note')).toEqual([{ note: 'urgent' }])
  })

  test('number new rows where those of before ended', async () => {
    expect(
      await ask('globex', `insert into "Order Line" (company_id, number) values (2, 1) returning id::int`),
    ).toEqual([{ id: 3 }])
    expect(await ask('globex', `insert into person (company_id, email) values (2, 'dan@globex') returning id`)).toEqual(
      [{ id: 4 }],
    )
  })

  test('keep their keys, circles and deferred ones included', async () => {
    await expect(ask('acme', 'insert into department values (2, 99, null)')).rejects.toMatchObject({ code: '23503' })
    const { rows } = await fixture.database.query<{ definition: string }>(
      `select pg_get_constraintdef(k.oid) as definition from pg_constraint k join pg_namespace n on n.oid = k.connamespace
        where n.nspname = 'tenant_acme' and k.conname in ('company_owner', 'person_department_id_fkey') order by k.conname`,
    )
    expect(rows.map(({ definition }) => definition.includes('DEFERRABLE'))).toEqual([true, false])
  })

  test('leave no key that would cross tenants, and no policy of before', async () => {
    const text = await readFile(join(folder, 'migrations', 'tenant', '0001_adopted.sql'), 'utf8')
    expect(text).not.toContain('transfer_to_account_fkey')
    expect(text).toContain('transfer_from_account_fkey')
    expect(text).not.toContain('create policy')
    expect(text).not.toContain('headcount')
    expect(text).toContain('REFERENCES public.currency(code)')
    expect(text).toContain('EXECUTE FUNCTION public.touch()')
  })

  test('are not taken back once one of them wrote', async () => {
    const { code, stderr } = await adopt(['revert', '--yes'])
    expect(code).toBe(1)
    expect(stderr).toContain('changed since they were split out')
    expect(await ask('globex', 'select count(*)::int as people from person')).toEqual([{ people: 2 }])
  })

  test('are taken back when nothing of theirs is lost', async () => {
    await ask('globex', `delete from person where email = 'dan@globex'`)
    await ask('globex', 'delete from "Order Line" where note is null')
    const { code, stdout } = await adopt(['revert', '--yes', '--json'])
    expect(code).toBe(0)
    const { stages } = JSON.parse(stdout) as { stages: { state: string }[] }
    expect(stages.every(({ state }) => state === 'reverted')).toBe(true)
    const { rows } = await fixture.database.query(`select from pg_namespace where nspname like 'tenant\\_%'`)
    expect(rows).toEqual([])
  })
})
