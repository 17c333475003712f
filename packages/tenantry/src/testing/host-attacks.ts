// What the host suite claims of requests that lie: headers that nobody vouches for, hosts that come twice, targets in a form
// that names another host.
import assert from 'node:assert/strict'
import { assertIn, assertOutside, assertProblem, type HostCase } from './host-cases.ts'
import { memberOf } from './host-routes.ts'
import { baseDomain, tokenFor, userOf } from './host-stage.ts'

const spoofedHeaders: HostCase = async (play) => {
  const [own, other] = play.tenants
  const asOwn = ['X-Suite-User', userOf(own.slug)] as const
  const host = ['Host', `${own.slug}.${baseDomain}`] as const
  const ask = (...headers: readonly (readonly [string, string])[]) => play.ask({ target: '/notes', headers })
  assertProblem(play, await ask(asOwn, ['X-Tenant-ID', other.id]), [403, 'NOT_A_MEMBER'])
  assertProblem(play, await ask(asOwn, host, ['X-Tenant-ID', other.id]), [409, 'TENANT_CONFLICT'])
  const token = ['Authorization', `Bearer ${tokenFor({ sub: userOf(own.slug), tenant_id: own.id })}`] as const
  assertProblem(play, await ask(token, ['X-Tenant-Slug', other.slug]), [409, 'TENANT_CONFLICT'])
  assertProblem(play, await ask(token, ['Host', `${other.slug}.${baseDomain}`]), [409, 'TENANT_CONFLICT'])
  // Nobody is a proxy here.
  const forwarded = ['X-Forwarded-Host', `${other.slug}.${baseDomain}`] as const
  assertIn(own, await ask(asOwn, host, forwarded, ['X-Forwarded-For', '127.0.0.1']))
  assertProblem(play, await ask(asOwn, forwarded), [404, 'TENANT_NOT_RESOLVED'])
}

const headersTwice: HostCase = async (play) => {
  const [own, other] = play.tenants
  const asOwn = ['X-Suite-User', userOf(own.slug)] as const
  for (const name of ['X-Tenant-ID', 'X-Tenant-Slug'] as const) {
    const valueOf = ({ id, slug }: typeof own) => (name === 'X-Tenant-ID' ? id : slug)
    for (const [one, two] of [[own, other] as const, [other, own] as const]) {
      const headers = [asOwn, [name, valueOf(one)] as const, [name, valueOf(two)] as const]
      const response = await play.ask({ target: '/notes', headers })
      assert.ok([403, 404, 409].includes(response.status), `${name} twice: ${response.status}`)
      assertOutside(await play.ask({ target: '/open', headers }))
    }
  }
}

/** A host may refuse it before anybody is asked (400); it must not take one of the two. */
const twoHosts: HostCase = async (play) => {
  const [own, other] = play.tenants
  const hosts = [own, other].map(({ slug }) => ['Host', `${slug}.${baseDomain}`] as const)
  for (const pair of [hosts, hosts.toReversed()]) {
    const headers = [['X-Suite-User', userOf(own.slug)] as const, ...pair]
    const response = await play.ask({ target: '/notes', headers })
    if (response.status !== 400) assertProblem(play, response, [409, 'TENANT_CONFLICT'])
    const open = await play.ask({ target: '/open', headers })
    if (open.status !== 400) assertOutside(open)
  }
}

const absoluteTargets: HostCase = async (play) => {
  const [own, other] = play.tenants
  const asOwn = ['X-Suite-User', userOf(own.slug)] as const
  const targetOf = ({ slug }: typeof own, path: string) => `http://${slug}.${baseDomain}${path}`
  const hostOf = ({ slug }: typeof own) => ['Host', `${slug}.${baseDomain}`] as const
  const ask = (target: string, host: readonly [string, string]) => play.ask({ target, headers: [asOwn, host] })
  for (const [inTarget, inHost] of [[own, other] as const, [other, own] as const]) {
    const response = await ask(targetOf(inTarget, '/notes'), hostOf(inHost))
    if (response.status !== 400 && response.status !== 404) assertProblem(play, response, [409, 'TENANT_CONFLICT'])
    const open = await ask(targetOf(inTarget, '/open'), hostOf(inHost))
    if (open.status !== 400 && open.status !== 404) assertOutside(open)
  }
}

const namesInOtherCase: HostCase = async (play) => {
  const [own] = play.tenants
  const headers = [
    ['X-Suite-User', userOf(own.slug)] as const,
    ['hOsT', `${own.slug.toUpperCase()}.Suite.TEST.`] as const,
  ]
  assertIn(own, await play.ask({ target: '/notes', headers }))
  assertIn(
    own,
    await play.ask({ target: '/notes', headers: memberOf(own).map(([name, value]) => [name.toUpperCase(), value]) }),
  )
}

export const hostAttacks: Readonly<Record<string, HostCase>> = {
  'binds nothing that a header claims alone': spoofedHeaders,
  'binds nothing where a header comes twice': headersTwice,
  'binds nothing where there are two Host headers': twoHosts,
  'binds nothing where target and Host name two tenants': absoluteTargets,
  'reads names of hosts and headers in any case': namesInOtherCase,
}
