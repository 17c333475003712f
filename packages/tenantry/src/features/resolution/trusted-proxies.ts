// Whose X-Forwarded-Host is believed: peers in the ranges that the settings name.
import { BlockList, isIP } from 'node:net'
import { TenantryError } from '../../kernel/errors.ts'

const named: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/**
 * Tells whether an address belongs to one of these ranges: CIDR, single addresses, `loopback`, `private`.
 * Throws CONFIGURATION_INVALID for anything else.
 */
export function trustedProxies(ranges: readonly string[] = []): (address: string) => boolean {
  if (ranges.length === 0) return () => false
  const list = new BlockList()
  for (const range of ranges.flatMap((each) => named[each] ?? [each])) addRange(list, range)
  return (address) => {
    // Without the zone of a link-local address; an IPv4 peer of a dual-stack socket is known by its IPv4 address.
    const plain = address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '')
    const family = isIP(plain)
    return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6')
  }
}

function addRange(list: BlockList, range: string): void {
  const [address = '', bits, ...more] = range.split('/')
  const family = isIP(address)
  const most = family === 4 ? 32 : 128
  const length = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : -1
  // A range of everybody would make every client a proxy.
  if (family === 0 || more.length > 0 || length < 1 || length > most) {
    throw new TenantryError(
      'CONFIGURATION_INVALID',
      '"trustedProxies" holds something that is no range of addresses.',
      {
        field: 'resolution.trustedProxies',
        fix: 'Name addresses, ranges such as 10.0.0.0/8, "loopback" or "private".',
      },
    )
  }
  list.addSubnet(address, length, family === 4 ? 'ipv4' : 'ipv6')
}
