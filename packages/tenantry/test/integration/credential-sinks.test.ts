// The sinks of examples/, against a local server that checks the requests which Vault and Secrets Manager document.
// Neither product is run here.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { CredentialSink } from '../../src/index.ts'
import { createTenantry } from '../../src/tenantry.ts'
import { type CredentialFixture, failure, openCredentialFixture } from '../support/credential-fixture.ts'
import { expectedSignature, type SecretStore, startSecretStore, type StoredRequest } from '../support/secret-store.ts'

interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

interface Examples {
  vaultSink(options: { url: string; token: string; mount?: string; namespace?: string }): CredentialSink
  secretsManagerSink(options: Keys & { region: string; endpoint?: string }): CredentialSink
  sign(request: object): Record<string, string>
}

let fixture: CredentialFixture
let store: SecretStore
let examples: Examples
let tenantId: string

beforeAll(async () => {
  fixture = await openCredentialFixture()
  store = await startSecretStore()
  const load = async (name: string) => (await import(new URL(`../../examples/${name}`, import.meta.url).href)) as object
  examples = { ...(await load('vault-sink.mjs')), ...(await load('aws-secrets-manager-sink.mjs')) } as Examples
  tenantId = (await fixture.tenantry.tenants.get('acme')).id
})

beforeEach(() => {
  store.requests.length = 0
  store.answer = () => ({ status: 200 })
})

afterAll(async () => {
  await store.close()
  await fixture.close()
})

const instanceWith = (sink: CredentialSink) =>
  createTenantry({ adminUrl: fixture.database.adminUrl, migrations: '/nonexistent', credentials: { sink } })

const bodyOf = (request: StoredRequest | undefined) => JSON.parse(request?.body ?? 'null') as Record<string, unknown>

describe('the sink for Vault', () => {
  test('writes a version of the secret with each login, and deletes it with the last', async () => {
    await using filed = instanceWith(examples.vaultSink({ url: store.url, token: 'hvs.token', namespace: 'team' }))
    const first = await filed.credentials.create('acme', { username: 'vaulted' })
    const second = await filed.credentials.rotate('acme', { graceSeconds: 0 })
    await filed.credentials.revoke('acme')
    const secret = `tenants/${tenantId}/vaulted`
    expect(store.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `POST /v1/secret/data/${secret}`,
      `POST /v1/secret/data/${secret}`,
      `DELETE /v1/secret/metadata/${secret}`,
    ])
    for (const { headers } of store.requests) {
      expect(headers).toMatchObject({ 'x-vault-token': 'hvs.token', 'x-vault-namespace': 'team' })
    }
    for (const [index, { username, password, connectionString, schemaName }] of [first, second].entries()) {
      expect(store.requests[index]?.headers['content-type']).toBe('application/json')
      expect(bodyOf(store.requests[index])).toEqual({ data: { username, password, connectionString, schemaName } })
    }
    await fixture.clear('acme')
  })

  test('leaves no login where Vault refuses', async () => {
    store.answer = () => ({ status: 403, body: { errors: ['permission denied'] } })
    await using filed = instanceWith(examples.vaultSink({ url: store.url, token: 'hvs.token' }))
    expect(await failure(filed.credentials.create('acme', { username: 'refused' }))).toMatchObject({
      code: 'CREDENTIAL_SINK_FAILED',
    })
    expect(await fixture.roleExists('refused')).toBe(false)
  })
})

describe('the sink for Secrets Manager', () => {
  // The key and the request of AWS's own examples of the signature.
  const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
  const signatureOf = (request: Pick<StoredRequest, 'headers'>) =>
    /Signature=([0-9a-f]{64})$/.exec(request.headers.authorization ?? '')?.[1]

  test('signs, and is checked, as the published example is', () => {
    const at = new Date('2015-08-30T12:36:00Z')
    const url = new URL('https://example.amazonaws.com/')
    const request = { method: 'POST', url, headers: {}, body: '', region: 'us-east-1', service: 'service', keys, at }
    const headers = examples.sign(request)
    const published = '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'
    expect(signatureOf({ headers })).toBe(published)
    const arrived = { method: 'POST', path: '/', headers: { ...headers, host: url.host }, body: '' }
    expect(expectedSignature(arrived, keys.secretAccessKey)).toBe(published)
  })

  test('creates the secret, puts a version with each rotation, deletes it with the last login', async () => {
    let exists = false
    store.answer = ({ headers }) => {
      const action = String(headers['x-amz-target']).replace('secretsmanager.', '')
      if (action === 'CreateSecret') exists = true
      return action === 'PutSecretValue' && !exists
        ? { status: 400, body: { __type: 'ResourceNotFoundException', Message: 'none' } }
        : { status: 200, body: {} }
    }
    const options = { ...keys, sessionToken: 'session', region: 'eu-central-1', endpoint: store.url }
    await using filed = instanceWith(examples.secretsManagerSink(options))
    const first = await filed.credentials.create('acme', { username: 'managed' })
    const second = await filed.credentials.rotate('acme', { graceSeconds: 0 })
    await filed.credentials.drop('acme', { username: second.username })
    expect(store.requests.map(({ headers }) => headers['x-amz-target'])).toEqual(
      ['PutSecretValue', 'CreateSecret', 'PutSecretValue', 'DeleteSecret'].map((name) => `secretsmanager.${name}`),
    )
    for (const request of store.requests) {
      expect(request).toMatchObject({ method: 'POST', path: '/' })
      expect(request.headers).toMatchObject({
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-security-token': 'session',
      })
      expect(request.headers.authorization).toMatch(
        /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/secretsmanager\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, /,
      )
      expect(signatureOf(request)).toBe(expectedSignature(request, keys.secretAccessKey))
    }
    const name = `tenants/${tenantId}/managed`
    const [, created, put, deleted] = store.requests.map(bodyOf)
    expect(created).toMatchObject({ Name: name, ClientRequestToken: expect.stringMatching(/^.{36}$/) as string })
    expect(JSON.parse(String(created?.['SecretString']))).toMatchObject({ password: first.password })
    expect(put).toMatchObject({ SecretId: name })
    expect(JSON.parse(String(put?.['SecretString']))).toMatchObject({ username: second.username })
    expect(put?.['ClientRequestToken']).not.toBe(created?.['ClientRequestToken'])
    expect(deleted).toEqual({ SecretId: name, ForceDeleteWithoutRecovery: true })
    await fixture.clear('acme')
  })

  test('leaves no login where AWS refuses', async () => {
    store.answer = () => ({ status: 400, body: { __type: 'AccessDeniedException' } })
    await using filed = instanceWith(examples.secretsManagerSink({ ...keys, region: 'us-east-1', endpoint: store.url }))
    expect(await failure(filed.credentials.create('acme', { username: 'denied' }))).toMatchObject({
      code: 'CREDENTIAL_SINK_FAILED',
    })
    expect(await fixture.roleExists('denied')).toBe(false)
  })
})
