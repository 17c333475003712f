// The routes that the host suite serves, and what a case needs to talk to them.
import { setImmediate as turn } from 'node:timers/promises'
import { isTenantryError } from '../kernel/errors.ts'
import type { Tenantry } from '../tenantry.ts'
import type { Tenant } from '../tenants/tenant.ts'
import type { HostCall, HostRoute, HostServer } from './host.ts'
import { HostConnection, type RawRequest, type RawResponse } from './host-client.ts'
import { type HostStage, userOf } from './host-stage.ts'

/** What a route says of the tenant it runs in. */
export interface Seen {
  /** The scope that the code is in. */
  readonly tenantId: string | null
  readonly userId: string | null
  readonly role: string | null
  /** What the middleware attached. */
  readonly slug: string | null
  readonly resolver: string | null
  readonly trust: string | null
  readonly refusal: string | null
  /** The notes, or the code of the error where there is no scope to read them in. */
  readonly notes: readonly string[] | string
}

/** Resumes everybody who waits for it in one go. */
export class Gate {
  /** A request has come here. */
  readonly reached: Promise<void>
  readonly opened: Promise<void>
  reach: () => void = () => {}
  open: () => void = () => {}

  constructor() {
    this.reached = new Promise((resolve) => {
      this.reach = resolve
    })
    this.opened = new Promise((resolve) => {
      this.open = resolve
    })
  }

  async pass(): Promise<void> {
    this.reach()
    await this.opened
  }
}

/** A server under test with everything around it. */
export class HostPlay {
  readonly tenantry: Tenantry
  readonly stage: HostStage
  server: HostServer | undefined
  /** Where `/waits` and `/streams` wait. */
  gate = new Gate()
  /** What `/waits` came to, after its second look. */
  ended: Promise<Partial<Seen>> | undefined
  /** What `/later` left behind. */
  later: (() => Promise<Seen['notes']>) | undefined

  /** Codes and messages that were logged as warnings and errors. */
  readonly log: string[]

  constructor({ tenantry, stage, log }: Pick<HostPlay, 'tenantry' | 'stage' | 'log'>) {
    this.tenantry = tenantry
    this.stage = stage
    this.log = log
  }

  /** Everything back to how each case finds it. */
  async reset(): Promise<void> {
    this.gate = new Gate()
    this.stage.isOut = false
    this.log.length = 0
    await this.stage.reset(this.tenantry)
  }

  get tenants(): readonly [Tenant, Tenant, Tenant, ...Tenant[]] {
    const [first, second, third, ...rest] = this.stage.tenants
    if (!first || !second || !third) throw new Error('The stage has too few tenants.')
    return [first, second, third, ...rest]
  }

  connect(): Promise<HostConnection> {
    if (this.server === undefined) throw new Error('The host is not serving.')
    return HostConnection.open(this.server.port)
  }

  /** One request on a connection of its own. */
  async ask(request: RawRequest): Promise<RawResponse> {
    const connection = await this.connect()
    try {
      return await connection.ask(request)
    } finally {
      connection.destroy()
    }
  }

  async seen({ tenancy }: Pick<HostCall, 'tenancy'>): Promise<Partial<Seen>> {
    const { tenantId, userId, role } = this.tenantry.current() ?? {}
    const { tenant, resolver, trust, refusal } = tenancy ?? {}
    const attached = { slug: tenant?.slug, resolver, trust, refusal: refusal?.code }
    return definedOf({ tenantId, userId, role, ...attached, notes: await this.notes() })
  }

  async notes(): Promise<Seen['notes']> {
    try {
      const { rows } = await this.tenantry.pool.query<{ body: string }>('select body from suite_host_note order by id')
      return rows.map(({ body }) => body)
    } catch (error) {
      if (isTenantryError(error)) return error.code
      throw error
    }
  }
}

/** The headers of a member of this tenant who names it. */
export const memberOf = ({ slug }: Tenant, role?: string): readonly (readonly [string, string])[] => [
  ['X-Tenant-Slug', slug],
  ['X-Suite-User', userOf(slug, role)],
]

const nothing: Omit<Seen, 'notes'> = {
  ...{ tenantId: null, userId: null, role: null },
  ...{ slug: null, resolver: null, trust: null, refusal: null },
}

export const seenIn = ({ text }: RawResponse): Seen => ({ ...nothing, ...(JSON.parse(text) as Pick<Seen, 'notes'>) })

/** As JSON would have it: without what is undefined. */
function definedOf<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }
}

export function hostRoutes(play: HostPlay): readonly HostRoute[] {
  const look = async (call: HostCall) => ({ json: await play.seen(call) })
  const get = (path: string, guard?: HostRoute['guard'], handle: HostRoute['handle'] = look): HostRoute =>
    guard === undefined ? { method: 'GET', path, handle } : { method: 'GET', path, guard, handle }
  const tenant = { name: 'requireTenant' } as const
  return [
    get('/open'),
    get('/public/notes'),
    get('/notes', tenant),
    ...play.stage.tenants.map(({ slug }) => get(`/tenants/${slug}/notes`, tenant)),
    get('/member', { name: 'requireMember' }),
    get('/admin', { name: 'requireRole', roles: ['owner', 'admin'] }),
    get('/write', { name: 'requirePermission', permissions: ['notes:write'] }),
    get('/read', { name: 'requirePermission', permissions: ['notes:read'] }),
    get('/page', { name: 'requireTenant', options: { loginUrl: '/login' } }),
    { method: 'POST', path: '/notes', guard: tenant, handle: (call) => insert(play, call) },
    { method: 'POST', path: '/open', handle: look },
    get('/fails', tenant, () => failAfterRead(play)),
    get('/waits', tenant, (call) => lookTwice(play, call)),
    get('/streams', tenant, () => Promise.resolve({ stream: (write) => writeThrice(play, write) })),
    get('/left-open', tenant, () => leaveOpen(play)),
    get('/later', tenant, async () => {
      play.later = () => play.notes()
      return { json: null }
    }),
  ]
}

async function insert(play: HostPlay, { body }: HostCall) {
  const { id, text } = body as { readonly id: number; readonly text: string }
  await turn()
  try {
    await play.tenantry.pool.query('insert into suite_host_note (id, body) values ($1, $2)', [id, text])
  } catch (error) {
    if (isTenantryError(error)) return { json: { notes: error.code } }
    throw error
  }
  return { json: { notes: await play.notes() } }
}

async function failAfterRead(play: HostPlay): Promise<never> {
  await play.notes()
  throw new Error('a handler that fails')
}

/** Looks, waits for the gate, and looks again: as often as it takes somebody to give up on the answer. */
async function lookTwice(play: HostPlay, call: HostCall) {
  await play.notes()
  await play.gate.pass()
  await turn()
  play.ended = play.seen(call)
  return { json: await play.ended }
}

async function writeThrice(play: HostPlay, write: (text: string) => Promise<void>): Promise<void> {
  await write(`${JSON.stringify(await play.notes())}\n`)
  await play.gate.pass()
  await write(`${JSON.stringify(await play.notes())}\n`)
  await turn()
  await write(`${JSON.stringify(await play.notes())}\n`)
}

async function leaveOpen(play: HostPlay) {
  const client = await play.tenantry.pool.connect()
  await client.query('begin')
  await client.query("insert into suite_host_note (id, body) values (99, 'left open')")
  return { json: null }
}
