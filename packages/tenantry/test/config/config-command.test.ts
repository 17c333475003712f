import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest'
import type { z } from 'zod'
import type { TenantrySettings } from '../../src/composition/settings.ts'
import { configVariables, routingVariables } from '../../src/surfaces/config/environment.ts'
import type { ConfigSchema } from '../../src/surfaces/config/schema.ts'
import { runCli } from '../support/cli.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenantry-config-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('tenantry config', () => {
  it('shows the settings in force without their secrets', async () => {
    await writeFile(
      join(folder, 'tenantry.config.mjs'),
      `export default { resolution: { session: { verify: () => undefined }, jwt: { issuer: 'i', audience: 'a', secret: 'hush-hush' } } }`,
    )
    const env = { DATABASE_ADMIN_URL: 'postgres://boss:hush@db.example:5432/app', TENANTRY_HEADERNAME: 'x' }
    const { code, stdout, stderr } = await runCli(['config'], { cwd: folder, env })
    expect(code).toBe(0)
    expect(stdout).toContain(`File: ${join(folder, 'tenantry.config.mjs')}`)
    expect(stdout).toContain('Overridden by: DATABASE_ADMIN_URL')
    expect(stdout).toContain('adminUrl = postgres://db.example:5432/app')
    expect(stdout).toContain('resolution.session.verify = (code)')
    expect(stdout).toContain('resolution.jwt.secret = (set)')
    expect(stdout + stderr).not.toContain('hush')
    expect(stderr).toContain('TENANTRY_HEADERNAME means nothing')
  })

  it('answers in JSON', async () => {
    await writeFile(join(folder, 'tenantry.yaml'), 'isolation: schema\n')
    const { stdout } = await runCli(['config', '--json'], { cwd: folder })
    expect(JSON.parse(stdout)).toEqual({
      file: join(folder, 'tenantry.yaml'),
      ...{ overriddenBy: [], unknownVariables: [], settings: { isolation: 'schema' } },
    })
  })

  it('lists every environment variable', async () => {
    const { stdout } = await runCli(['config', 'env', '--json'])
    const { items } = JSON.parse(stdout) as { items: { name: string }[] }
    expect(items.map(({ name }) => name)).toEqual([...configVariables, ...routingVariables].map(({ name }) => name))
    const table = await runCli(['config', 'env'])
    expect(table.stdout).toContain('TENANTRY_ROUTING_METHOD')
  })

  it('names the key that does not exist, and the one that is meant', async () => {
    await writeFile(join(folder, 'tenantry.yaml'), 'resolution:\n  resolver: [jwt]\n')
    const { code, stderr } = await runCli(['config'], { cwd: folder })
    expect(code).toBe(2)
    expect(stderr).toContain('resolution.resolver')
    expect(stderr).toContain('Did you mean resolution.resolvers?')
  })

  it('stops commands that would run with half of the settings', async () => {
    await writeFile(join(folder, 'tenantry.yaml'), 'purge_after_day: 3\n')
    const env = { DATABASE_ADMIN_URL: 'postgres://nobody@127.0.0.1:1/none' }
    const { code, stderr } = await runCli(['list'], { cwd: folder, env })
    expect(code).toBe(2)
    expect(stderr).toContain('purgeAfterDay')
  })

  it('refuses a view that does not exist', async () => {
    expect((await runCli(['config', 'all'])).code).toBe(2)
  })
})

describe('the configuration page', () => {
  it('lists the variables with their keys and meanings', async () => {
    const page = await readFile(new URL('../../../../docs/configuration.md', import.meta.url), 'utf8')
    for (const { name, path, meaning } of configVariables)
      expect(page).toContain(`| \`${name}\` | \`${path}\` | ${meaning} |`)
    for (const { name, meaning } of routingVariables) expect(page).toContain(`| \`${name}\` | ${meaning} |`)
    const listed = [...page.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, name]) => name)
    expect(listed).toHaveLength(configVariables.length + routingVariables.length)
  })
})

describe('the schema of the configuration', () => {
  // Checked by the compiler: a setting that the library gains must be added here.
  it('has every setting', () => {
    type Config = z.output<typeof ConfigSchema>
    expectTypeOf<Config>().toExtend<TenantrySettings>()
    expectTypeOf<keyof Config>().toEqualTypeOf<keyof TenantrySettings>()
    expectTypeOf<keyof NonNullable<Config['resolution']>>().toEqualTypeOf<
      keyof NonNullable<TenantrySettings['resolution']>
    >()
    expectTypeOf<keyof NonNullable<NonNullable<Config['resolution']>['jwt']>>().toEqualTypeOf<
      keyof NonNullable<NonNullable<TenantrySettings['resolution']>['jwt']>
    >()
  })
})
