// Operators, support accesses and modes over HTTP and the command line; and that an elevation is one request's (L18).
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, createApp } from '../../src/surfaces/http/app.ts'
import type { Tenantry } from '../../src/tenantry.ts'
import { runCli } from '../support/cli.ts'
import { type NoteTenants, openNoteTenants } from '../support/note-tenants.ts'

let stage: NoteTenants
let tenantry: Tenantry
let app: App
let admin: string

beforeAll(async () => {
  stage = await openNoteTenants()
  tenantry = stage.tenantry
  admin = (await tenantry.keys.ensure()).key ?? ''
  // A token is the id of its user.
  const users = { verify: async (token: string) => ({ userId: token.split('.')[1] ?? '' }) }
  app = createApp(tenantry, { users })
  await tenantry.operators.set({ userId: 'ada', role: 'super-admin' })
  await tenantry.operators.set({ userId: 'sam', role: 'support' })
  await tenantry.asCentral('an owner', (db) =>
    db.query(`insert into tenantry.member (tenant_id, user_id, role, state) values ($1, 'olga', 'owner', 'active')`, [
      stage.ids.acme,
    ]),
  )
})

afterAll(() => stage.close())

const tokenOf = (userId: string) => `x.${userId}.x`

async function call(method: string, path: string, { token, body }: { token: string; body?: object }) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const response = await app.request(path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const elevate = (userId: string, token: string) =>
  call('POST', `/api/operators/${userId}/elevations`, { token, body: { reason: 'ticket 4711' } })

describe('over HTTP', () => {
  it('operators are set, listed and removed by central power alone', async () => {
    const put = await call('PUT', '/api/operators/eve', { token: admin, body: { role: 'support' } })
    expect(put).toMatchObject({ status: 200, body: { userId: 'eve', role: 'support' } })
    expect((await call('GET', '/api/operators', { token: admin })).body).toMatchObject({ total: 3 })
    expect(await call('DELETE', '/api/operators/eve', { token: admin })).toMatchObject({ status: 200 })
    expect(await call('DELETE', '/api/operators/eve', { token: admin })).toMatchObject({ status: 404 })
    expect(
      await call('PUT', '/api/operators/olga', { token: tokenOf('olga'), body: { role: 'super-admin' } }),
    ).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
  })

  it('an elevation is asked for with the admin key or by the operator, never by an elevation', async () => {
    expect(await elevate('ada', admin)).toMatchObject({ status: 201 })
    const own = await elevate('ada', tokenOf('ada'))
    expect(own).toMatchObject({ status: 201, body: { userId: 'ada', reason: 'ticket 4711' } })
    expect(await elevate('ada', String(own.body['token']))).toMatchObject({ status: 403 })
    expect(await elevate('ada', tokenOf('sam'))).toMatchObject({ status: 403 })
    expect(await elevate('sam', tokenOf('sam'))).toMatchObject({ status: 403, body: { code: 'OPERATOR_REQUIRED' } })
    const { key } = await tenantry.keys.create(null, { name: 'wide', permissions: ['*'] })
    expect(await elevate('ada', key)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    const missing = await call('POST', '/api/operators/ada/elevations', { token: admin, body: {} })
    expect(missing).toMatchObject({ status: 400, body: { code: 'REASON_REQUIRED' } })
  })

  it('each act under an elevation carries the operator’s name, until it is released', async () => {
    const { body } = await elevate('ada', tokenOf('ada'))
    const token = String(body['token'])
    const made = await call('POST', '/api/tenants', { token, body: { name: 'By Ada', slug: 'by-ada' } })
    expect(made.status).toBe(201)
    const rows = await tenantry.asCentral('who was it', (db) =>
      db.query(`select distinct actor from tenantry.audit_entry where tenant_id = $1`, [made.body['id']]),
    )
    expect(rows.rows).toEqual([{ actor: 'operator:ada' }])
    expect(await call('POST', `/api/elevations/${String(body['id'])}/release`, { token })).toMatchObject({
      status: 200,
    })
    expect(await call('GET', '/api/tenants', { token })).toMatchObject({ status: 401 })
    const listed = await call('GET', '/api/elevations?limit=1', { token: admin })
    expect(JSON.stringify(listed.body)).not.toContain(token)
  })

  it('L18: the elevation of one request never widens another that runs beside it', async () => {
    const { body } = await elevate('ada', tokenOf('ada'))
    const elevated = String(body['token'])
    const asked = Array.from({ length: 60 }, (_, index) => index)
    const answers = await Promise.all(
      asked.map((index) => call('GET', '/api/operators', { token: index % 2 === 0 ? elevated : tokenOf('ada') })),
    )
    expect(answers.map(({ status }) => status)).toEqual(asked.map((index) => (index % 2 === 0 ? 200 : 403)))
    // The same super-admin, in the same process, without the token.
    expect(await call('GET', '/api/tenants/globex', { token: tokenOf('ada') })).toMatchObject({ status: 404 })
  })

  it('a support access is opened from above, seen and ended by the tenant, and reads', async () => {
    const input = { userId: 'sam', reason: 'ticket 4711', minutes: 5 }
    const path = '/api/tenants/acme/support'
    expect(await call('POST', path, { token: tokenOf('olga'), body: input })).toMatchObject({ status: 403 })
    const opened = await call('POST', path, { token: admin, body: input })
    expect(opened).toMatchObject({ status: 201, body: { userId: 'sam', mayWrite: false } })
    const id = String(opened.body['id'])
    expect(await call('GET', '/api/tenants/acme', { token: tokenOf('sam') })).toMatchObject({ status: 200 })
    const seen = await call('GET', `${path}?open=true`, { token: tokenOf('olga') })
    expect(seen.body).toMatchObject({ total: 1, items: [{ id, reason: 'ticket 4711' }] })
    expect(await call('POST', `${path}/${id}/end`, { token: tokenOf('sam') })).toMatchObject({ status: 403 })
    expect(await call('POST', `/api/tenants/globex/support/${id}/end`, { token: admin })).toMatchObject({ status: 404 })
    expect(await call('POST', `${path}/${id}/end`, { token: tokenOf('olga') })).toMatchObject({ status: 200 })
    expect(await call('GET', '/api/tenants/acme', { token: tokenOf('sam') })).toMatchObject({ status: 404 })
  })

  it('the mode is set and shown; under maintenance members hear so, and named users enter', async () => {
    const body = { mode: 'maintenance', reason: 'new disks', operators: ['ops'] }
    const set = await call('POST', '/api/tenants/acme/mode', { token: admin, body })
    expect(set.body).toMatchObject({ mode: 'maintenance', modeReason: 'new disks', modeOperators: ['ops'] })
    const member = await call('GET', '/api/tenants/acme', { token: tokenOf('olga') })
    expect(member).toMatchObject({ status: 503, body: { code: 'TENANT_MAINTENANCE', retryable: true } })
    await call('POST', '/api/tenants/acme/mode', { token: admin, body: { mode: 'maintenance', operators: ['olga'] } })
    expect(await call('GET', '/api/tenants/acme', { token: tokenOf('olga') })).toMatchObject({ status: 200 })
    const normal = await call('POST', '/api/tenants/acme/mode', { token: admin, body: { mode: 'normal' } })
    expect(normal.body).toMatchObject({ mode: 'normal', modeReason: null, modeOperators: [] })
    expect(await call('POST', '/api/tenants/acme/mode', { token: admin, body: { mode: 'off' } })).toMatchObject({
      status: 400,
    })
  })
})

describe('the mode of a tenant', () => {
  it('has its event, repeats without one, and leaves with the tenant', async () => {
    const read = async () => (await tenantry.tenants.events({ type: 'tenant.mode_changed', tenant: 'globex' })).items
    await tenantry.tenants.setMode('globex', { mode: 'read_only', reason: 'why', operators: ['b', 'a', 'b'] })
    const set = await tenantry.tenants.setMode('globex', { mode: 'read_only' })
    expect(set).toMatchObject({ modeReason: 'why', modeOperators: ['a', 'b'] })
    const detail = { mode: 'read_only', before: 'normal', operators: ['a', 'b'], reason: 'why' }
    expect(await read()).toMatchObject([{ payload: detail }])
    await tenantry.operators.set({ userId: 'a', role: 'support' })
    await tenantry.operators.remove('a')
    expect(await tenantry.tenants.get('globex')).toMatchObject({ mode: 'read_only', modeOperators: ['b'] })
    await tenantry.tenants.setMode('globex', { mode: 'normal', reason: 'done' })
    await tenantry.tenants.setMode('globex', { mode: 'normal' })
    expect(await read()).toHaveLength(2)
    await expect(tenantry.tenants.setMode('globex', { mode: 'normal', operators: ['a'] })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
  })

  it('reaches other processes by notification', async () => {
    await using second = stage.open()
    await second.scope('initech').query('select 1')
    await tenantry.tenants.setMode('initech', { mode: 'maintenance' })
    await expect
      .poll(() =>
        second
          .scope('initech')
          .query('select 1')
          .then(String, (error: unknown) => (error as { code: string }).code),
      )
      .toBe('TENANT_MAINTENANCE')
    await tenantry.tenants.setMode('initech', { mode: 'normal' })
  })
})

describe('on the command line', () => {
  const cli = (...args: string[]) => runCli(args, { env: { DATABASE_ADMIN_URL: stage.database.adminUrl } })

  it('operators are set, elevated and released', async () => {
    expect((await cli('operator', 'set', 'cleo', '--role', 'super-admin')).stdout).toContain('Operator set: cleo')
    const elevated = await cli('operator', 'elevate', 'cleo', '--reason', 'ticket', '--minutes', '5', '--json')
    const { id, token } = JSON.parse(elevated.stdout) as { id: string; token: string }
    expect(await tenantry.operators.authenticate(token)).toMatchObject({ userId: 'cleo' })
    expect((await cli('operator', 'release', id)).stdout).toContain('Elevation ended')
    expect((await cli('operator', 'elevations')).stdout).toContain('cleo')
    expect((await cli('operator', 'elevate', 'cleo')).stderr).toContain('reason')
    expect((await cli('operator', 'list')).stdout).toContain('super-admin')
    expect((await cli('operator', 'remove', 'cleo')).stdout).toContain('Operator removed')
  })

  it('support accesses are opened, listed and ended', async () => {
    const opened = await cli('support', 'open', 'acme', '--user', 'sam', '--reason', 'ticket 12', '--json')
    const { id } = JSON.parse(opened.stdout) as { id: string }
    expect((await cli('support', 'list', 'acme')).stdout).toContain('ticket 12')
    expect((await cli('support', 'end', 'acme', id)).stdout).toContain('Support access ended')
  })

  it('modes are set and shown', async () => {
    const set = await cli('mode', 'acme', 'read-only', '--reason', 'new disks', '--operator', 'x', '--operator', 'y')
    expect(set.stdout).toContain('Mode of acme: read-only (new disks)')
    expect((await cli('show', 'acme')).stdout).toMatch(/Mode: +read-only \(new disks\)/)
    expect((await cli('show', 'acme')).stdout).toContain('x, y')
    expect((await cli('list')).stdout).toContain('active, read-only')
    expect((await cli('mode', 'acme', 'normal')).stdout).toContain('Mode of acme: normal')
    expect((await cli('mode', 'acme', 'closed')).code).toBe(2)
  })
})

describe('central power', () => {
  it('L18: has no switch in the process: nothing there is set that a later request could find', () => {
    const folder = new URL('../../src/', import.meta.url)
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
    const texts = files.map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }))
    // No variable of a module that is reassigned and named after power, and no global.
    const ambient = /^(export )?let \w*(admin|elevat|central|bypass|operator|privileg|super)\w*/im
    const global = /\bglobalThis\.\w*(admin|elevat|central|bypass|operator|super)\w*\s*=/i
    expect(texts.filter(({ text }) => ambient.test(text) || global.test(text)).map(({ name }) => name)).toEqual([])
    // Nothing in SQL asks a setting who has power: what any statement may set decides nothing.
    const control = new URL('../../sql/control/', import.meta.url)
    const asked = readdirSync(control).flatMap((name) =>
      [...readFileSync(new URL(name, control), 'utf8').matchAll(/current_setting\(\s*'([^']+)'/g)].map(([, it]) => it),
    )
    const known = ['tenantry.context', 'transaction_read_only', 'request.jwt.claims', 'hasura.user']
    expect([...new Set(asked)].filter((name) => !known.includes(name ?? ''))).toEqual([])
  })

  it('L18: is not to be had by anything that SQL of a tenant can set', async () => {
    const names = ['tenantry.is_admin', 'tenantry.central', 'tenantry.operator', 'app.is_super_admin', 'row_security']
    for (const name of names) {
      const rows = await tenantry
        .scope('acme')
        .transaction(async (tx) => {
          const value = name === 'row_security' ? 'off' : 'true'
          await tx.query('select set_config($1, $2, true)', [name, value])
          return (await tx.query('select text from note')).rows
        })
        .catch((error: unknown) => (error as { code: string }).code)
      expect(rows).toEqual(name === 'row_security' ? '42501' : [{ text: 'acme' }])
    }
  })
})
