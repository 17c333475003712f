// A credential sink for AWS Secrets Manager: one secret per tenant and credential name, a new version of it with each
// rotation. Signs its requests itself (Signature Version 4), so it needs no SDK; where yours has one, use that instead.
// Pass it as credentials.sink to createTenantry.
import { createHash, createHmac, randomUUID } from 'node:crypto'

const ALGORITHM = 'AWS4-HMAC-SHA256'
const SERVICE = 'secretsmanager'

/**
 * @param {{ region: string, accessKeyId: string, secretAccessKey: string, sessionToken?: string, endpoint?: string,
 *   prefix?: string }} options  The endpoint defaults to the region's own, the names' prefix to `tenants/`.
 */
export function secretsManagerSink({ region, endpoint, prefix = 'tenants/', ...keys }) {
  const url = new URL(endpoint ?? `https://${SERVICE}.${region}.amazonaws.com/`)
  const call = async (action, input, signal) => {
    const body = JSON.stringify(input)
    const headers = sign({
      ...{ method: 'POST', url, body, region, service: SERVICE, keys, at: new Date() },
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `${SERVICE}.${action}` },
    })
    const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'error' })
    const text = await response.text()
    return response.ok ? undefined : failureOf(text, response.status)
  }
  const nameOf = ({ tenantId, name }) => `${prefix}${tenantId}/${name}`
  return {
    async put({ username, password, connectionString, schemaName }, meta, signal) {
      const value = {
        SecretString: JSON.stringify({ username, password, connectionString, schemaName }),
        // Required of whoever speaks HTTP without an SDK; it becomes the id of the version.
        ClientRequestToken: randomUUID(),
      }
      let failure = await call('PutSecretValue', { SecretId: nameOf(meta), ...value }, signal)
      if (failure === 'ResourceNotFoundException') {
        failure = await call('CreateSecret', { Name: nameOf(meta), ...value }, signal)
      }
      if (failure !== undefined) throw new Error(`Secrets Manager refused: ${failure}`)
    },
    // At once: none of these logins works any more, and a name that waits for its deletion cannot be used again.
    async remove(meta, signal) {
      const input = { SecretId: nameOf(meta), ForceDeleteWithoutRecovery: true }
      const failure = await call('DeleteSecret', input, signal)
      if (failure !== undefined && failure !== 'ResourceNotFoundException') {
        throw new Error(`Secrets Manager refused: ${failure}`)
      }
    },
  }
}

/** The name of the error and never its text. */
function failureOf(text, status) {
  try {
    return String(JSON.parse(text).__type ?? `HTTP ${status}`).replace(/^.*#/, '')
  } catch {
    return `HTTP ${status}`
  }
}

/** The headers of a request with its signature, for a path without anything to encode and no query. */
export function sign({ method, url, headers, body, region, service, keys, at }) {
  const time = at.toISOString().replace(/[-:]|\.\d{3}/g, '')
  const date = time.slice(0, 8)
  const token = keys.sessionToken === undefined ? {} : { 'x-amz-security-token': keys.sessionToken }
  const signed = { ...headers, 'x-amz-date': time, ...token }
  const all = Object.entries({ ...signed, host: url.host }).sort(([a], [b]) => (a < b ? -1 : 1))
  const names = all.map(([name]) => name).join(';')
  const lines = all.map(([name, value]) => `${name}:${value.trim()}\n`).join('')
  const request = [method, url.pathname, '', lines, names, sha256(body)].join('\n')
  const scope = `${date}/${region}/${service}/aws4_request`
  const text = [ALGORITHM, time, scope, sha256(request)].join('\n')
  const key = [date, region, service, 'aws4_request'].reduce(hmac, `AWS4${keys.secretAccessKey}`)
  const signature = hmac(key, text).toString('hex')
  const credential = `${keys.accessKeyId}/${scope}`
  return {
    ...signed,
    authorization: `${ALGORITHM} Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`,
  }
}

const sha256 = (text) => createHash('sha256').update(text).digest('hex')
const hmac = (key, text) => createHmac('sha256', key).update(text).digest()
