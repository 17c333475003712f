import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig, readConfig } from '../../src/surfaces/config/load-config.ts'
import { isTenantryError } from '../../src/kernel/errors.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenantry-config-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const write = (name: string, text: string) => writeFile(join(folder, name), text)
const load = (env: Readonly<Record<string, string | undefined>> = {}) => loadConfig({ cwd: folder, env })

async function refusal(promise: Promise<unknown>) {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (isTenantryError(error)) return error
  throw new Error('nothing was refused as it should be', { cause: error })
}

describe('the configuration file', () => {
  it('is empty where there is none', async () => {
    expect(await load()).toEqual({})
  })

  it('is TypeScript with a default export', async () => {
    await write(
      'tenantry.config.ts',
      `const days: number = 7
       export default { isolation: 'schema', purgeAfterDays: days, resolution: { customDomain: { lookup: async (host: string) => host } } }`,
    )
    const settings = await load()
    expect(settings).toMatchObject({ isolation: 'schema', purgeAfterDays: 7 })
    expect(await settings.resolution?.customDomain?.lookup('shop.example')).toBe('shop.example')
  })

  it('is YAML, with keys as YAML writes them', async () => {
    await write(
      'tenantry.yaml',
      'resolution:\n  resolvers: [jwt, header]\n  header_name: x-org\n  validator_cache_ttl: 60\n',
    )
    expect(await load()).toEqual({
      resolution: { resolvers: ['jwt', 'header'], headerName: 'x-org', validatorCacheTtl: 60 },
    })
  })

  it('is one file: two are refused by their names', async () => {
    await write('tenantry.yaml', 'isolation: row\n')
    await write('tenantry.config.mjs', 'export default {}')
    const error = await refusal(load())
    expect(error.code).toBe('CONFIGURATION_INVALID')
    expect(error.message).toContain('tenantry.config.mjs and tenantry.yaml')
  })

  it('may have another name', async () => {
    await write('other.yml', 'isolation: schema\n')
    expect(await loadConfig({ cwd: folder, file: 'other.yml', env: {} })).toEqual({ isolation: 'schema' })
    expect(await load({ TENANTRY_CONFIG: 'other.yml' })).toEqual({ isolation: 'schema' })
    expect((await refusal(load({ TENANTRY_CONFIG: 'gone.yml' }))).code).toBe('CONFIGURATION_INVALID')
  })

  it('means folders from where it is', async () => {
    await write('tenantry.yaml', 'migrations: db\n')
    expect(await load()).toEqual({ migrations: join(folder, 'db') })
  })

  it.each([
    ['resolution:\n  headername: x-org\n', 'resolution.headername', 'Did you mean resolution.headerName?'],
    ['isolatoin: row\n', 'isolatoin', 'Did you mean isolation?'],
    [
      'resolution:\n  jwt:\n    jwks_uri: https://issuer.example/keys\n',
      'resolution.jwt.jwksUri',
      'Did you mean resolution.jwt.jwksUrl?',
    ],
  ])('refuses a key that does not exist, and says which one is meant: %j', async (text, field, fix) => {
    await write('tenantry.yaml', text)
    const error = await refusal(load())
    expect(error).toMatchObject({ code: 'UNKNOWN_FIELD', field, fix })
    expect(error.message).toContain('tenantry.yaml')
  })

  it.each([
    ['isolation: sideways-secret\n', 'isolation'],
    ['purgeAfterDays: -1\n', 'purgeAfterDays'],
    ['resolution: jwt\n', 'resolution'],
    ['- a list\n', ''],
    ['just text\n', ''],
  ])('refuses a value that is not valid without repeating it: %j', async (text, field) => {
    await write('tenantry.yaml', text)
    const error = await refusal(load())
    expect(error).toMatchObject({ code: 'CONFIGURATION_INVALID', field })
    expect(error.message).not.toContain('sideways')
  })

  it('refuses broken YAML, a key given twice, and a bomb of aliases', async () => {
    await write('tenantry.yaml', 'isolation: [row\n')
    expect((await refusal(load())).message).toMatch(/not valid YAML \(line \d+/)
    await write('tenantry.yaml', 'isolation: row\nisolation: schema\n')
    expect((await refusal(load())).code).toBe('CONFIGURATION_INVALID')
    await write('tenantry.yaml', 'resolution:\n  header_name: a\n  headerName: b\n')
    expect((await refusal(load())).message).toContain('headerName')
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefg'
        .split('')
        .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[index]}`).join(',')}]`),
    ]
    await write('tenantry.yaml', bomb.join('\n'))
    expect((await refusal(load())).code).toBe('CONFIGURATION_INVALID')
  })

  it('takes __proto__ for a key like any other, which does not exist', async () => {
    await write('tenantry.yaml', '__proto__:\n  isolation: schema\n')
    expect((await refusal(load())).code).toBe('UNKNOWN_FIELD')
  })

  it('refuses text where only code will do', async () => {
    await write('tenantry.yaml', 'resolution:\n  customDomain:\n    lookup: findTenant\n')
    expect(await refusal(load())).toMatchObject({
      code: 'CONFIGURATION_INVALID',
      field: 'resolution.customDomain.lookup',
    })
  })

  it('says that a file failed while it was loaded, and keeps the cause', async () => {
    await write('tenantry.config.ts', `throw new Error('no such secret')`)
    const error = await refusal(load())
    expect(error.message).not.toContain('secret')
    expect((error.cause as Error).message).toContain('no such secret')
  })
})

describe('the environment', () => {
  it('overrides the file, key by key', async () => {
    await write('tenantry.yaml', 'isolation: row\nresolution:\n  headerName: x-org\n  pathPattern: /t/{tenant}/\n')
    const { settings, overriddenBy } = await readConfig({
      cwd: folder,
      env: {
        ...{ TENANTRY_ISOLATION: 'schema', TENANTRY_HEADER_NAME: 'x-company', TENANTRY_RESOLVERS: 'jwt, header' },
        ...{
          TENANTRY_MAX_CLIENTS: '20',
          TENANTRY_AUTO_PROVISION: 'false',
          DATABASE_ADMIN_URL: 'postgres://db.example/app',
        },
      },
    })
    expect(settings).toEqual({
      ...{ isolation: 'schema', maxClients: 20, autoProvision: false, adminUrl: 'postgres://db.example/app' },
      resolution: { headerName: 'x-company', pathPattern: '/t/{tenant}/', resolvers: ['jwt', 'header'] },
    })
    expect(overriddenBy).toHaveLength(6)
  })

  it('leaves an empty variable out', async () => {
    expect(await load({ TENANTRY_ISOLATION: '', TENANTRY_MAX_CLIENTS: '' })).toEqual({})
  })

  it.each([
    { TENANTRY_MAX_CLIENTS: 'many' },
    { TENANTRY_AUTO_PROVISION: 'yes' },
    { TENANTRY_ISOLATION: 'sideways' },
    { TENANTRY_ROUTING_METHOD: 'magic' },
    { TENANTRY_ROUTING_METHOD: 'subdomain', TENANTRY_SUBDOMAIN_WILDCARD: 'false' },
  ])('refuses a value that is not valid: %j', async (env) => {
    expect((await refusal(load({ ...env }))).code).toBe('CONFIGURATION_INVALID')
  })

  it.each([
    [{ TENANTRY_ROUTING_METHOD: 'subdomain' }, ['jwt', 'header', 'subdomain']],
    [{ TENANTRY_ROUTING_METHOD: 'custom_domain' }, ['jwt', 'header', 'customDomain']],
    [{ TENANTRY_ROUTING_METHOD: 'both' }, ['jwt', 'header', 'subdomain', 'customDomain']],
    [{ TENANTRY_ROUTING_METHOD: 'both', TENANTRY_SUBDOMAIN_WILDCARD: 'false' }, ['jwt', 'header', 'customDomain']],
    [{ TENANTRY_SUBDOMAIN_WILDCARD: 'false' }, ['jwt', 'header']],
    [{ TENANTRY_SUBDOMAIN_WILDCARD: 'true' }, ['jwt', 'header', 'subdomain']],
  ])('chooses the resolvers of hosts: %j', async (env, resolvers) => {
    await write('tenantry.yaml', 'resolution:\n  resolvers: [jwt, header, subdomain]\n')
    expect((await load({ ...env })).resolution?.resolvers).toEqual(resolvers)
  })

  it('names variables that look like ours and mean nothing', async () => {
    const env = { TENANTRY_RESOLVER: 'jwt', TENANTRY_KEY: 'x', TENANTRY_PORT_3000_TCP: 'tcp://10.0.0.1:3000' }
    expect((await readConfig({ cwd: folder, env })).unknownVariables).toEqual(['TENANTRY_RESOLVER'])
  })
})
