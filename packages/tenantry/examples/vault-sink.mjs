// A credential sink for HashiCorp Vault's key-value engine, version 2: one secret per tenant and credential name, a new
// version of it with each rotation. Needs nothing but fetch. Pass it as credentials.sink to createTenantry.

/**
 * @param {{ url: string, token: string, mount?: string, namespace?: string }} options
 *   The server, a token that may create, update and delete below `tenants/`, and the engine's mount (default `secret`).
 */
export function vaultSink({ url, token, mount = 'secret', namespace }) {
  const headers = { 'x-vault-token': token, ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }) }
  const call = async (kind, { tenantId, name }, request) => {
    const path = `v1/${mount}/${kind}/tenants/${tenantId}/${name}`
    // A redirect would carry the token to wherever it points.
    const response = await fetch(new URL(path, withSlash(url)), { redirect: 'error', ...request })
    await response.body?.cancel()
    if (!response.ok) throw new Error(`Vault answered ${request.method} with HTTP ${response.status}`)
  }
  return {
    put: ({ username, password, connectionString, schemaName }, meta, signal) =>
      call('data', meta, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ data: { username, password, connectionString, schemaName } }),
        signal,
      }),
    // The metadata and with it every version: none of these logins works any more.
    remove: (meta, signal) => call('metadata', meta, { method: 'DELETE', headers, signal }),
  }
}

const withSlash = (url) => (url.endsWith('/') ? url : `${url}/`)
