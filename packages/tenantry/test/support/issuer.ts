// An issuer of tokens with a real endpoint for its keys, which can rotate, hang, redirect, grow or go away.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, type CryptoKey } from 'jose'

export type IssuerMode = 'answers' | 'hangs' | 'fails' | 'redirects' | 'floods' | 'garbage'

export interface SignOptions {
  readonly claims?: JWTPayload
  readonly kid?: string
  /** Seconds from now; default 300. */
  readonly expiresIn?: number | null
  readonly issuer?: string
  readonly audience?: string
}

export interface Issuer {
  readonly url: string
  readonly settings: { readonly issuer: string; readonly audience: string; readonly jwksUrl: string }
  mode: IssuerMode
  /** How often the keys were asked for. */
  requests: number
  /** A new key pair, published beside the others, or alone. Later tokens are signed with it. */
  rotate(options?: { readonly alone?: boolean }): Promise<void>
  sign(options?: SignOptions): Promise<string>
  close(): Promise<void>
}

const ISSUER = 'https://issuer.example'
const AUDIENCE = 'notes'

export async function startIssuer(alg = 'ES256'): Promise<Issuer> {
  let published: Record<string, unknown>[] = []
  let current: { readonly kid: string; readonly privateKey: CryptoKey } | undefined
  const server = createServer((request, response) => {
    issuer.requests += 1
    const document = JSON.stringify({ keys: published })
    if (issuer.mode === 'hangs') return
    if (issuer.mode === 'fails') return void response.writeHead(500).end()
    if (issuer.mode === 'garbage') return void response.end('<html>')
    if (issuer.mode === 'redirects' && request.url === '/jwks') {
      return void response.writeHead(302, { location: '/elsewhere' }).end()
    }
    if (issuer.mode === 'floods') return flood(response, document)
    response.writeHead(200, { 'content-type': 'application/json' }).end(document)
  })
  const url = await listening(server)
  const issuer: Issuer = {
    ...{ url, mode: 'answers', requests: 0 },
    settings: { issuer: ISSUER, audience: AUDIENCE, jwksUrl: `${url}/jwks` },
    async rotate({ alone = false } = {}) {
      const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
      const kid = `key-${published.length + 1}-${Date.now()}`
      const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
      published = alone ? [jwk] : [...published, jwk]
      current = { kid, privateKey }
    },
    async sign({ claims = {}, kid, expiresIn = 300, issuer: iss = ISSUER, audience = AUDIENCE } = {}) {
      if (current === undefined) throw new Error('no key')
      const token = new SignJWT({ sub: 'anna', ...claims }).setProtectedHeader({ alg, kid: kid ?? current.kid })
      token.setIssuer(iss).setAudience(audience).setIssuedAt()
      if (expiresIn !== null) token.setExpirationTime(Math.floor(Date.now() / 1000) + expiresIn)
      return token.sign(current.privateKey)
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  await issuer.rotate()
  return issuer
}

/** Ten megabytes in front of keys that would do, as far as the other side takes them. */
function flood(response: NodeJS.WritableStream, document: string): void {
  const chunk = Buffer.alloc(64 * 1024, ' ')
  let left = 160
  const write = (): void => {
    while (left > 0) {
      left -= 1
      if (!response.write(chunk)) return void response.once('drain', write)
    }
    response.end(document)
  }
  write()
}

function listening(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  })
}
