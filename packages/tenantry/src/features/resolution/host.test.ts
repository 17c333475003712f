import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isValidSlug } from '../../kernel/identifiers.ts'
import { hostName, hostOf, pathOf } from './host.ts'
import type { TenancyRequest } from './resolution.ts'
import { slugOfHost } from './resolvers/subdomain.ts'
import { trustedProxies } from './trusted-proxies.ts'

describe('the name of a host', () => {
  test.each([
    ['acme.example.com', 'acme.example.com'],
    ['ACME.Example.COM', 'acme.example.com'],
    ['acme.example.com:3000', 'acme.example.com'],
    ['acme.example.com.', 'acme.example.com'],
    ['acme.example.com.:443', 'acme.example.com'],
    ['localhost', 'localhost'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['1.example.com', '1.example.com'],
  ])('%s is %s', (text, name) => {
    expect(hostName(text)).toBe(name)
  })

  test.each([
    ...['', '.', '..', 'a..b', '.example.com', 'example.com..', '-a.example.com', 'a-.example.com', 'a_b.example.com'],
    ...['[::1]', '[::1]:3000', '::1', '[fe80::1%25eth0]', '127.0.0.1', '127.1', '0x7f.1', '2130706433', '1.2.3.4:80'],
    ...[
      'acme.example.com:',
      'acme.example.com:99999',
      'acme.example.com:80:80',
      'acme.example.com:x',
      'a b.example.com',
    ],
    ...['acme.example.com/', 'user@acme.example.com', 'acme.example.com?x', 'acme.example.com#x', 'a%2eb.example.com'],
    ...['acme\u0000.example.com', 'acme\n.example.com', '\u3002', `${'a'.repeat(64)}.example.com`],
    ...[`${'a.'.repeat(130)}com`, 'a'.repeat(100_000), '*.example.com', '{tenant}.example.com'],
  ])('%s is none', (text) => {
    expect(hostName(text)).toBeUndefined()
  })

  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string(),
    fc.domain(),
    fc.ipV4(),
    fc.ipV6(),
    fc.webAuthority({ withPort: true, withUserInfo: true, withIPv4: true, withIPv6: true }),
    fc.string({ unit: fc.constantFrom(...Array.from('aA0-_.:[]%@/\\ *{}\u00fc\u3002\uff21')), maxLength: 300 }),
  )

  test('never throws, is stable, and never gives a slug that no tenant can have', () => {
    const bases = { baseDomains: ['example.com', 'eu.example.com', 'localhost'], reserved: new Set(['api']) }
    const property = fc.property(
      texts,
      fc.constantFrom('', '.example.com', '.eu.example.com', '.localhost:3000'),
      (text, end) => {
        const name = hostName(text + end)
        if (name === undefined) return
        expect(hostName(name)).toBe(name)
        expect(name.length).toBeLessThanOrEqual(253)
        const slug = slugOfHost(name, bases)
        if (slug === undefined) return
        expect(isValidSlug(slug)).toBe(true)
        expect(['www', 'api', 'eu']).not.toContain(slug)
      },
    )
    fc.assert(property, { numRuns: 3_000 })
  })
})

describe('a subdomain', () => {
  const bases = { baseDomains: ['app.example.com', 'eu.app.example.com'], reserved: new Set(['api']) }
  test.each([
    ['acme.app.example.com', 'acme'],
    ['acme.eu.app.example.com', 'acme'],
    ['app.example.com', undefined],
    ['eu.app.example.com', undefined],
    ['www.app.example.com', undefined],
    ['api.app.example.com', undefined],
    ['www.acme.app.example.com', undefined],
    ['acmeapp.example.com', undefined],
    ['acme.app.example.com.evil.example', undefined],
    ['xn--bcher-kva.app.example.com', undefined],
    ['01890000-0000-7000-8000-000000000001.app.example.com', undefined],
    ['a.app.example.com', undefined],
  ])('of %s is %s', (host, slug) => {
    expect(slugOfHost(host, bases)).toBe(slug)
  })
})

interface Sent {
  readonly host?: string
  readonly forwarded?: string
  readonly target?: string
  readonly hasTwoHosts?: boolean
  readonly peer?: string
}

const sent = ({ host, forwarded, target = '/', hasTwoHosts = false, peer }: Sent): TenancyRequest => ({
  ...{ method: 'GET', target, hasTwoHosts, remoteAddress: peer, raw: undefined },
  header: (name) => ({ host, 'x-forwarded-host': forwarded })[name],
})

describe('the host of a request', () => {
  const isTrusted = trustedProxies(['loopback', '10.1.0.0/16', '2001:db8::7'])
  const host = 'acme.example.com'
  const forwarded = 'beta.example.com'

  test.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '10.1.2.3', '::ffff:10.1.2.3', '2001:db8::7'])(
    'is the forwarded one where the proxy %s says so',
    (peer) => {
      expect(hostOf(sent({ host, forwarded, peer }), isTrusted)).toBe(forwarded)
      expect(hostOf(sent({ host, peer }), isTrusted)).toBe(host)
      expect(hostOf(sent({ host, forwarded: 'not a host', peer }), isTrusted)).toBeUndefined()
    },
  )

  test.each([undefined, '10.2.0.1', '192.168.0.1', '2001:db8::8', '::ffff:10.2.0.1', 'unix:', ''])(
    'is its own where anybody else (%s) forwards one',
    (peer) => {
      expect(hostOf(sent({ host, forwarded, ...(peer === undefined ? {} : { peer }) }), isTrusted)).toBe(host)
    },
  )

  test.each<[string, Sent]>([
    ['two Host headers', { host, hasTwoHosts: true }],
    ['a target of another host', { host, target: 'http://beta.example.com/' }],
    ['a target of another host behind user information', { host, target: 'http://acme.example.com@beta.example.com/' }],
    ['a target without a host', { host, target: 'http:///notes' }],
    ['a target and no Host header', { target: 'http://acme.example.com/' }],
    ['two forwarded hosts', { host, forwarded: `${host}, ${forwarded}`, peer: '::1' }],
  ])("is nobody's with %s", (_what, parts) => {
    expect(() => hostOf(sent(parts), isTrusted)).toThrow(expect.objectContaining({ code: 'TENANT_CONFLICT' }))
  })

  test('may be in the target, too', () => {
    for (const target of [
      'http://acme.example.com/notes',
      'HTTPS://ACME.example.com:8443',
      'http://acme.example.com?x',
    ]) {
      expect(hostOf(sent({ host, target }), isTrusted)).toBe(host)
    }
    expect(hostOf(sent({ host: '[::1]:3000', target: 'http://[::1]:3000/' }), isTrusted)).toBeUndefined()
    expect(hostOf(sent({ host, target: '/go?to=http://beta.example.com/' }), isTrusted)).toBe(host)
  })

  test('has its path in any form of the target', () => {
    for (const target of ['/a/b', '/a/b?c', '/a/b#c', 'http://x/a/b', 'http://x/a/b?c=/d', 'HTTP://x:80/a/b']) {
      expect(pathOf(target)).toBe('/a/b')
    }
    for (const target of ['http://x', 'http://x?a', '/', '']) expect(pathOf(target)).toBe('/')
    expect(pathOf('*')).toBe('*')
  })
})

test.each(['everyone', '0.0.0.0/0', '::/0', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0.0/x', '300.1.1.1', ''])(
  'a range of proxies cannot be %s',
  (range) => {
    expect(() => trustedProxies([range])).toThrow(expect.objectContaining({ code: 'CONFIGURATION_INVALID' }))
  },
)
