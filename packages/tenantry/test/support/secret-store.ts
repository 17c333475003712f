// A local HTTP server that keeps the requests a credential sink sends and answers as it is told; and a check of AWS's
// Signature Version 4, written from its description apart from the code that it checks.
import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface StoredRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface SecretStore {
  readonly url: string
  readonly requests: StoredRequest[]
  answer: (request: StoredRequest) => { readonly status: number; readonly body?: object }
  close(): Promise<void>
}

export async function startSecretStore(): Promise<SecretStore> {
  const requests: StoredRequest[] = []
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const { method = '', url = '', headers } = incoming
      const request = { method, path: url, headers, body: Buffer.concat(chunks).toString() }
      requests.push(request)
      const { status, body } = store.answer(request)
      outgoing.writeHead(status, { 'content-type': 'application/json' })
      outgoing.end(body === undefined ? undefined : JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const store: SecretStore = {
    url: `http://127.0.0.1:${port}`,
    requests,
    answer: () => ({ status: 200 }),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
  return store
}

/** The signature that a request must carry, from what arrived of it. */
export function expectedSignature(request: StoredRequest, secret: string): string {
  const { authorization = '', 'x-amz-date': time } = request.headers
  const scope = /Credential=[^/]+\/([^,]+),/.exec(authorization)?.[1] ?? ''
  const names = /SignedHeaders=([^,]+),/.exec(authorization)?.[1] ?? ''
  const sha = (text: string) => createHash('sha256').update(text).digest('hex')
  let canonical = `${request.method}\n${request.path}\n\n`
  for (const name of names.split(';')) canonical += `${name}:${String(request.headers[name])}\n`
  canonical += `\n${names}\n${sha(request.body)}`
  let key = Buffer.from(`AWS4${secret}`)
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest()
  return createHmac('sha256', key)
    .update(`AWS4-HMAC-SHA256\n${String(time)}\n${scope}\n${sha(canonical)}`)
    .digest('hex')
}
