// That a fleet read is many tenants' reads, and never one read over all tenants.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readInstance } from '../../src/control/instance.ts'
import { all, type FleetFixture, openFleet } from './fixture.ts'

describe('a fleet read', () => {
  let fleet: FleetFixture

  beforeAll(async () => {
    fleet = await openFleet()
    await fleet.admin.query(`
      create table shared_log (tenant_id uuid, text text);
      create function write_invoice() returns bigint language sql as
        $$ insert into invoice (id, product) values (99, 'written') returning id $$;
      create function turn_writable() returns text language sql as
        $$ select set_config('transaction_read_only', 'off', true) $$;
      create function quote_row() returns bigint language sql as
        $$ select ('secret of ' || product)::bigint from invoice limit 1 $$;`)
  })

  afterAll(async () => {
    await fleet.close()
  })

  const read = (sql: string) => all(fleet.tenantry.fleet.query('a test', sql))
  const count = async () => (await fleet.superuser.query<{ n: string }>('select count(*) as n from invoice')).rows[0]?.n

  test('runs as the role of tenant statements, never as the central one or the admin', async () => {
    const { roles } = await readInstance(fleet.admin)
    const rows = await read(
      'select current_user::text as as_role, session_user::text as login, tenantry.current_tenant_id() as id',
    )
    expect(rows).toHaveLength(4)
    expect(new Set(rows.map(({ as_role: role, login }) => `${String(role)} ${String(login)}`))).toEqual(
      new Set([`${roles.app} ${roles.login}`]),
    )
    expect(new Set(rows.map(({ id }) => id)).size).toBe(4)
  })

  test("shows a row tenant its own rows alone, whatever the statement asks of others'", async () => {
    const rows = await read('select count(*) as seen, count(distinct tenant_id) as tenants from public.invoice')
    for (const { tenant, seen, tenants } of rows) {
      const isRow = tenant === 'acme' || tenant === 'globex'
      expect({ tenant, seen, tenants }).toEqual({ tenant, seen: isRow ? '2' : '0', tenants: isRow ? '1' : '0' })
    }
  })

  test("shows nothing of another tenant's schema, by its full name", async () => {
    const rows = await read('select product from tenant_north.invoice')
    expect(new Set(rows.map(({ tenant }) => tenant))).toEqual(new Set(['north']))
    expect(rows).toHaveLength(2)
  })

  test('does not let a statement become the central role, or another tenant', async () => {
    const { roles } = await readInstance(fleet.admin)
    const escape = `select set_config('role', '${roles.central}', true)`
    await expect(read(escape)).rejects.toMatchObject({ code: 'FLEET_INCOMPLETE' })
    const forged = "select set_config('tenantry.context', 'forged', true), (select count(*) from invoice) as seen"
    await expect(read(forged)).rejects.toMatchObject({ code: 'FLEET_INCOMPLETE' })
  })

  test('writes nothing, through no function, and cannot be made to', async () => {
    const before = await count()
    for (const sql of [
      'select write_invoice()',
      'select turn_writable(), write_invoice()',
      'select id from invoice for update',
      "select nextval('tenantry.event_seq_seq')",
    ]) {
      const rows = fleet.tenantry.fleet.query('a test', sql)
      await expect(all(rows)).rejects.toMatchObject({ code: 'FLEET_INCOMPLETE' })
      expect(rows.tenants.answered).toBe(0)
    }
    expect(await count()).toBe(before)
  })

  test("tells of a tenant's failure without its values, or anything of another tenant's", async () => {
    const rows = fleet.tenantry.fleet.query('a test', 'select public.quote_row()')
    await expect(all(rows)).rejects.toMatchObject({ code: 'FLEET_INCOMPLETE' })
    expect(rows.tenants.failed).toHaveLength(4)
    for (const { error } of rows.tenants.failed) {
      expect(error).toMatchObject({ code: 'DATABASE_ERROR', sqlState: '22P02' })
      expect(error).not.toHaveProperty('cause')
      expect(JSON.stringify([error, String(error), error instanceof Error && error.stack])).not.toMatch(/secret|pencil/)
    }
  })

  test('does not ask tenants that are suspended, and says so of one that becomes it', async () => {
    await fleet.tenantry.tenants.suspend('south')
    expect(new Set((await read('select 1 as one')).map(({ tenant }) => tenant))).toEqual(
      new Set(['acme', 'globex', 'north']),
    )
    await fleet.tenantry.tenants.activate('south')
    const rows = fleet.tenantry.fleet.query('a test', 'select generate_series(1, 1000)', { concurrency: 1 })
    const seen = new Set<unknown>()
    const reading = async () => {
      for await (const { tenant } of rows) {
        if (seen.size === 0) await fleet.tenantry.tenants.suspend('south')
        seen.add(tenant)
      }
    }
    await expect(reading()).rejects.toMatchObject({ code: 'FLEET_INCOMPLETE' })
    await fleet.tenantry.tenants.activate('south')
    expect(seen).toEqual(new Set(['acme', 'globex', 'north']))
    expect(rows.tenants).toMatchObject({ answered: 3, failed: [{ error: { code: 'TENANT_SUSPENDED' } }] })
  })
})
