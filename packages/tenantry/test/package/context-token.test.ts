// The vectors of docs/context-token.md, computed again by the rules of that page alone, and by the library's signer.
import { spawnSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { signContext } from '../../src/engine/context/context-token.ts'
import { skipUnless } from '../harness/skip.ts'

interface Vector {
  readonly name: string
  readonly keyId: string
  readonly tenant: string
  readonly expiry: number
  readonly user: string
  readonly role: string
  readonly token: string
}

const page = readFileSync(new URL('../../../../docs/context-token.md', import.meta.url), 'utf8')
const block = /```json\n([\s\S]+?)```/.exec(page)?.[1] ?? ''
const { key, vectors } = JSON.parse(block) as { key: string; vectors: readonly Vector[] }

const hex = (text: string): string => Buffer.from(text, 'utf8').toString('hex')

describe('the test vectors of the context token', () => {
  it('are at least three', () => {
    expect(vectors.length).toBeGreaterThanOrEqual(3)
  })

  it.each(vectors)('sign $name', ({ keyId, tenant, expiry, user, role, token }) => {
    const claims = [keyId, tenant, String(expiry).padStart(10, '0'), hex(user), hex(role)].join('.')
    const mac = createHmac('sha256', Buffer.from(key, 'hex')).update(claims).digest('hex')
    expect(token).toBe(`${mac}.${claims}`)
  })

  it.each(vectors)('are what the library signs for $name', ({ keyId, tenant, expiry, user, role, token }) => {
    const signed = signContext(
      { id: keyId, secret: Buffer.from(key, 'hex') },
      { tenantId: tenant, userId: user, role, expiresAt: expiry },
    )
    expect(signed).toBe(token)
  })

  it.each(vectors)('keep the fixed offsets for $name', ({ keyId, tenant, expiry, token }) => {
    expect(token.slice(65, 69)).toBe(keyId)
    expect(token.slice(70, 106)).toBe(tenant)
    expect(token.slice(107, 117)).toBe(String(expiry).padStart(10, '0'))
  })

  it('are what the Python of the page signs', (context) => {
    const signer = /```python\n([\s\S]+?)```/.exec(page)?.[1] ?? ''
    const call = `
import json, sys
doc = json.load(sys.stdin)
for v in doc["vectors"]:
    print(sign(bytes.fromhex(doc["key"]), v["keyId"], v["tenant"], v["expiry"], v["user"], v["role"]))`
    const { status, stdout, stderr, error } = spawnSync('python3', ['-c', signer + call], {
      input: block,
      encoding: 'utf8',
    })
    skipUnless(context, error === undefined, 'python3 is not installed')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout.trim().split('\n')).toEqual(vectors.map(({ token }) => token))
  })
})
