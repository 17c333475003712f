// Tokens: what is accepted, what is refused and with which code, and how the issuer's keys are kept.
import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTokenVerifier } from '../../src/features/resolution/jwt/token-verifier.ts'
import type { JwtSettings } from '../../src/features/resolution/settings.ts'
import { isTenantryError } from '../../src/kernel/errors.ts'
import { type Issuer, startIssuer } from '../support/issuer.ts'

let issuer: Issuer
let now: number

beforeEach(async () => {
  issuer = await startIssuer()
  now = Date.now()
})
afterEach(() => issuer.close())

const verifier = (settings: Partial<JwtSettings> = {}) =>
  createTokenVerifier({ ...issuer.settings, ...settings }, { now: () => now })

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'accepted',
    (error: unknown) => (isTenantryError(error) ? error.code : String(error)),
  )

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('a token', () => {
  test('of the issuer, for here, in time, is a user with its claims', async () => {
    const tokens = verifier()
    const claims = { email: 'anna@example.com', email_verified: true, tenant_id: 'acme', nested: { a: [1] } }
    const token = await issuer.sign({ claims })
    const verified = await tokens.verify(token)
    expect(verified.user).toEqual({ userId: 'anna', email: 'anna@example.com', emailVerified: true })
    expect(verified.claims).toMatchObject(claims)
    expect(tokens.peek(token)).toBe(verified)
    expect(Object.isFrozen(verified.claims['nested'])).toBe(true)
  })

  test('is kept for a minute and not past its end', async () => {
    const tokens = verifier()
    const [long, short] = [await issuer.sign(), await issuer.sign({ expiresIn: 20, claims: { sub: 'ben' } })]
    await tokens.verify(long)
    await tokens.verify(short)
    now += 21_000
    expect(tokens.peek(long)).toBeDefined()
    expect(tokens.peek(short)).toBeUndefined()
    now += 40_000
    expect(tokens.peek(long)).toBeUndefined()
    expect(await codeOf(tokens.verify(short))).toBe('TOKEN_EXPIRED')
  })

  test.each<[string, () => Promise<string>, string]>([
    ['that has expired', () => issuer.sign({ expiresIn: -60 }), 'TOKEN_EXPIRED'],
    ['that expired within the tolerance', () => issuer.sign({ expiresIn: -5 }), 'accepted'],
    ['without an end', () => issuer.sign({ expiresIn: null }), 'TOKEN_INVALID'],
    ['of another issuer', () => issuer.sign({ issuer: 'https://other.example' }), 'TOKEN_INVALID'],
    ['for another audience', () => issuer.sign({ audience: 'billing' }), 'TOKEN_INVALID'],
    [
      'that is not valid yet',
      () => issuer.sign({ claims: { nbf: Math.floor(Date.now() / 1000) + 60 } }),
      'TOKEN_INVALID',
    ],
    ['without a user', () => issuer.sign({ claims: { sub: '' } }), 'TOKEN_INVALID'],
    ['with an unknown key', () => issuer.sign({ kid: 'nobody' }), 'TOKEN_INVALID'],
    ['of 9,000 characters', () => issuer.sign({ claims: { pad: 'x'.repeat(9_000) } }), 'TOKEN_INVALID'],
    ['that is empty', async () => '', 'TOKEN_INVALID'],
    ['that is no token', async () => 'ey.ey.ey', 'TOKEN_INVALID'],
    ['with a changed claim', async () => swapClaims(await issuer.sign()), 'TOKEN_INVALID'],
    ['without a signature', async () => (await issuer.sign()).replace(/[^.]+$/, ''), 'TOKEN_INVALID'],
    [
      'with alg none',
      async () => `${encoded({ alg: 'none' })}.${(await issuer.sign()).split('.')[1]}.`,
      'TOKEN_INVALID',
    ],
  ])('%s is judged', async (_what, make, code) => {
    expect(await codeOf(verifier().verify(await make()))).toBe(code)
  })

  test('carries no claim into the message of its refusal', async () => {
    const token = await issuer.sign({ audience: 'secret-audience', claims: { sub: 'secret-user' } })
    const error = await verifier()
      .verify(token)
      .catch((caught: unknown) => caught)
    expect(JSON.stringify([String(error), error, (error as Error).cause])).not.toContain('secret')
  })
})

const swapClaims = (token: string) => {
  const [header, , signature] = token.split('.')
  const later = Math.floor(Date.now() / 1000) + 300
  return `${header}.${encoded({ sub: 'ben', iss: 'https://issuer.example', aud: 'notes', exp: later })}.${signature}`
}

describe('algorithms', () => {
  const claims = () => ({ sub: 'anna', iss: 'https://issuer.example', aud: 'notes', exp: Math.floor(now / 1000) + 300 })
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const expected = { issuer: 'https://issuer.example', audience: 'notes' }

  test('a public key never verifies what was signed with it as a shared secret', async () => {
    const head = `${encoded({ alg: 'HS256' })}.${encoded(claims())}`
    for (const secret of [pem, pem.trim(), publicKey.export({ type: 'spki', format: 'der' })]) {
      const token = `${head}.${createHmac('sha256', secret).update(head).digest('base64url')}`
      const tokens = createTokenVerifier({ ...expected, publicKey: pem }, { now: () => now })
      expect(await codeOf(tokens.verify(token))).toBe('TOKEN_INVALID')
    }
  })

  test('a shared secret verifies HS256 and nothing else', async () => {
    const secret = 'a-secret-of-32-bytes-and-some-more'
    const tokens = createTokenVerifier({ ...expected, secret }, { now: () => now })
    const signed = (alg: string, hash: string) => {
      const head = `${encoded({ alg })}.${encoded(claims())}`
      return `${head}.${createHmac(hash, secret).update(head).digest('base64url')}`
    }
    expect(await codeOf(tokens.verify(signed('HS256', 'sha256')))).toBe('accepted')
    expect(await codeOf(tokens.verify(signed('HS512', 'sha512')))).toBe('TOKEN_INVALID')
    expect(await codeOf(tokens.verify(await issuer.sign()))).toBe('TOKEN_INVALID')
  })

  test.each<[string, { readonly [K in keyof JwtSettings]?: JwtSettings[K] | undefined }]>([
    ['none', { algorithms: ['none'] }],
    ['shared-secret algorithms beside an issuer', { algorithms: ['RS256', 'HS256'] }],
    ['no algorithm', { algorithms: [] }],
    ['a public key as a secret', { jwksUrl: undefined, secret: pem }],
    ['a short secret', { jwksUrl: undefined, secret: 'short' }],
    ['two sources of keys', { publicKey: pem }],
    ['no issuer', { issuer: '' }],
    ['no audience', { audience: [] }],
    ['keys over plain http', { jwksUrl: 'http://issuer.example/jwks' }],
    ['keys from a file', { jwksUrl: 'file:///etc/keys' }],
    ['an hour of tolerance', { clockToleranceSeconds: 3600 }],
    ['a text that is no key', { jwksUrl: undefined, publicKey: 'hello' }],
  ])('%s cannot be configured', (_what, settings) => {
    expect(() => verifier(settings as Partial<JwtSettings>)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION_INVALID' }),
    )
  })

  test('a public key of its own verifies', async () => {
    const own = await startIssuer('RS256')
    try {
      const { keys } = (await (await fetch(own.settings.jwksUrl)).json()) as { keys: [Record<string, string>] }
      const spki = createPublicKey({ key: { ...keys[0] }, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
      const token = await own.sign()
      for (const source of [{ publicKey: spki.toString() }, { jwks: { keys: keys.map((key) => ({ ...key })) } }]) {
        const tokens = createTokenVerifier({ ...expected, ...source }, { now: () => now })
        expect(await codeOf(tokens.verify(token))).toBe('accepted')
      }
    } finally {
      await own.close()
    }
  })
})

describe('the keys of the issuer', () => {
  test('are fetched once for all who wait, and again once for a key that is not known', async () => {
    const tokens = verifier()
    const many = await Promise.all(Array.from({ length: 20 }, (_, n) => issuer.sign({ claims: { n } })))
    await Promise.all(many.map((token) => tokens.verify(token)))
    expect(issuer.requests).toBe(1)
    now += 31_000
    await issuer.rotate({ alone: true })
    const rotated = await Promise.all(Array.from({ length: 20 }, (_, n) => issuer.sign({ claims: { n } })))
    await Promise.all(rotated.map((token) => tokens.verify(token)))
    expect(issuer.requests).toBe(2)
    expect(await codeOf(tokens.verify(await issuer.sign({ kid: 'made-up' })))).toBe('TOKEN_INVALID')
    for (let n = 0; n < 10; n += 1) await codeOf(tokens.verify(await issuer.sign({ kid: `made-up-${n}` })))
    expect(issuer.requests).toBe(2)
  })

  test('stay in use where the issuer is away, for a bounded time, and nobody hammers it', async () => {
    const tokens = verifier({ jwksMaxAgeMs: 60_000, jwksMaxStaleMs: 120_000 })
    await tokens.verify(await issuer.sign())
    issuer.mode = 'fails'
    now += 61_000
    for (let n = 0; n < 5; n += 1) {
      expect(await codeOf(tokens.verify(await issuer.sign({ claims: { n }, expiresIn: 3_000 })))).toBe('accepted')
    }
    expect(issuer.requests).toBe(2)
    now += 120_000
    const late = await issuer.sign({ expiresIn: 3_000 })
    expect(await codeOf(tokens.verify(late))).toBe('KEYS_UNAVAILABLE')
    expect(await codeOf(tokens.verify(late))).toBe('KEYS_UNAVAILABLE')
    expect(issuer.requests).toBe(3)
    issuer.mode = 'answers'
    now += 1_000
    expect(await codeOf(tokens.verify(late))).toBe('accepted')
  })

  test.each(['hangs', 'fails', 'redirects', 'floods', 'garbage'] as const)(
    'cannot be had from an issuer that %s, and it says so in time',
    async (mode) => {
      issuer.mode = mode
      // Long enough that nothing but its size refuses the large answer.
      const tokens = verifier({ jwksTimeoutMs: mode === 'floods' ? 20_000 : 300 })
      const started = performance.now()
      const all = await Promise.all(Array.from({ length: 5 }, async () => codeOf(tokens.verify(await issuer.sign()))))
      expect(new Set(all)).toEqual(new Set(['KEYS_UNAVAILABLE']))
      expect(performance.now() - started).toBeLessThan(3_000)
      expect(issuer.requests).toBe(1)
    },
  )
})
