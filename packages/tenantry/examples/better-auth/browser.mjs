// What a user's browser and authenticator app do: keep cookies, and make codes out of a secret.
import { createHmac } from 'node:crypto'
import { baseURL } from './auth.mjs'

export class Browser {
  cookies = new Map()
  #url
  #headers

  constructor(url, headers = {}) {
    this.#url = url
    this.#headers = headers
  }

  /** A thief's browser: with the same cookies, while the answers to it change nothing in this one. */
  copy() {
    const other = new Browser(this.#url)
    other.cookies = new Map(this.cookies)
    return other
  }

  async send(tenant, path, body) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(`${this.#url}/${tenant}/api/auth/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        origin: baseURL,
        ...(cookie === '' ? {} : { cookie }),
        'content-type': 'application/json',
        ...this.#headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
      if (value === '') this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return { status: response.status, token: response.headers.get('set-auth-token'), body: await response.json() }
  }
}

/** The six digits of RFC 6238 for the secret of an otpauth URI. */
export function codeFor(uri) {
  const bits = [...new URL(uri).searchParams.get('secret').replaceAll('=', '')]
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
    .join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)))
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)))
  const digest = createHmac('sha1', key).update(step).digest()
  const number = digest.readUInt32BE(digest[19] & 0xf) & 0x7fffffff
  return String(number % 1_000_000).padStart(6, '0')
}
