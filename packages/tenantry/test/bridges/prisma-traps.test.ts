// What Prisma does beside the operations of the suite, and what happens where it is put together wrongly.
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { scopedPrisma } from '../../src/bridges/prisma.ts'
import { errorCodesOf } from '../../src/testing/index.ts'
import type { Tenant } from '../../src/tenants/tenant.ts'
import { type GeneratedClient, generatePrismaClient } from '../support/prisma-client.ts'
import { openStage, type Stage } from '../support/stage.ts'

interface Note {
  readonly id: number
  readonly body: string
  readonly mood?: string
}
interface Client {
  readonly note: {
    create(query: { data: Note }): PromiseLike<Note>
    updateMany(query: { data: { body: string } }): PromiseLike<{ count: number }>
    findUnique(query: { where: { id: number }; select?: object }): PromiseLike<Note | null>
    findUniqueOrThrow(query: { where: { id: number } }): PromiseLike<Note>
  }
  $transaction<T>(work: readonly PromiseLike<unknown>[] | ((tx: Client) => Promise<T>)): Promise<T>
  $queryRaw(strings: TemplateStringsArray, ...values: unknown[]): PromiseLike<Note[]>
  $extends(extension: object): Client
  $disconnect(): Promise<void>
}

const NOTE = `
model Note {
  id   Int    @id
  body String
  @@map("suite_note")
}`

let stage: Stage
let generated: GeneratedClient<Client>
let prisma: Client

const make = (adapter: PrismaPg) => new generated.PrismaClient({ adapter })

beforeAll(async () => {
  stage = await openStage()
  generated = await generatePrismaClient<Client>(NOTE)
  prisma = scopedPrisma(PrismaPg, stage.tenantry, { client: make })
})
beforeEach(() => stage.reset())
afterAll(async () => {
  await prisma.$disconnect()
  await generated.remove()
  await stage.close()
})

/** Runs the work in four tenants in one tick. */
const inEach = <T>(work: (tenant: Tenant) => PromiseLike<T>) =>
  Promise.all(stage.four.map((tenant) => stage.tenantry.run(tenant.slug, async () => await work(tenant))))

async function expectStored(...own: readonly (string | number)[]): Promise<void> {
  for (const tenant of stage.four) {
    const { notes } = await stage.stored(tenant)
    expect(notes.map(({ body }) => body)).toEqual(own.map((name) => `${tenant.slug}/${name}`))
  }
}

describe('Prisma', () => {
  it('writes the batch transactions that tenants send in one tick into their own rows', async () => {
    await inEach(({ slug }) =>
      prisma.$transaction([
        prisma.note.updateMany({ data: { body: `${slug}/changed` } }),
        prisma.note.create({ data: { id: 10, body: `${slug}/10` } }),
      ]),
    )
    await expectStored('changed', 'changed', 'changed', 10)
  })

  it('rolls a batch transaction back as one', async () => {
    const failed = await inEach(({ slug }) =>
      prisma
        .$transaction([
          prisma.note.create({ data: { id: 10, body: `${slug}/10` } }),
          prisma.note.create({ data: { id: 1, body: `${slug}/1` } }),
        ])
        .catch((error: unknown) => errorCodesOf(error)),
    )
    for (const codes of failed) expect(codes).toContain('P2002')
    await expectStored(1, 2, 3)
  })

  it('keeps apart what tenants ask for in one tick in different forms', async () => {
    const forms = [
      () => prisma.note.findUnique({ where: { id: 1 } }),
      () => prisma.note.findUnique({ where: { id: 1 }, select: { body: true } }),
      () => prisma.note.findUniqueOrThrow({ where: { id: 1 } }),
      () => prisma.note.findUnique({ where: { id: 1 }, select: { id: true, body: true } }),
    ]
    const notes = await inEach(
      (tenant) => forms[stage.four.indexOf(tenant)]?.() ?? Promise.reject(new Error('no form')),
    )
    expect(notes.map((note) => note?.body)).toEqual(stage.four.map(({ slug }) => `${slug}/1`))
  })

  it('still sends together what one tenant asks for in one tick', async () => {
    const sent: string[] = []
    const { tenantry } = stage
    const counted = new Proxy(tenantry.pool, {
      get(pool, property) {
        const value: unknown = Reflect.get(pool, property, pool)
        if (typeof value !== 'function') return value
        return (...args: unknown[]): unknown => {
          if (property === 'query') sent.push(JSON.stringify(args[0]))
          return Reflect.apply(value, pool, args)
        }
      },
    })
    const client = scopedPrisma(
      PrismaPg,
      { pool: counted, perScope: (made) => tenantry.perScope(made) },
      { client: make },
    )
    const [tenant] = stage.four
    await tenantry.run(tenant?.slug ?? '', () =>
      Promise.all([1, 2, 3].map(async (id) => await client.note.findUnique({ where: { id } }))),
    )
    expect(sent).toHaveLength(1)
  })

  it('keeps tenants apart in a client that was extended, and in one transaction each', async () => {
    const extended = prisma.$extends({
      result: { note: { mood: { needs: { body: true }, compute: ({ body }: Note) => `about ${body}` } } },
    })
    const moods = await inEach(() =>
      extended.$transaction(async (tx) => (await tx.note.findUniqueOrThrow({ where: { id: 2 } })).mood),
    )
    expect(moods).toEqual(stage.four.map(({ slug }) => `about ${slug}/2`))
  })

  it('passes values of a raw query as parameters, and scopes it', async () => {
    const rows = await inEach(() => prisma.$queryRaw`select body from suite_note where id = ${3}`)
    expect(rows).toEqual(stage.four.map(({ slug }) => [{ body: `${slug}/3` }]))
  })

  it('keeps a transaction to the tenant that began it', async () => {
    const [own, other] = stage.four
    const codes = await stage.tenantry
      .run(own?.slug ?? '', () =>
        prisma.$transaction((tx) =>
          stage.tenantry.run(other?.slug ?? '', { switch: true }, async () =>
            tx.note.create({ data: { id: 10, body: 'crossed' } }),
          ),
        ),
      )
      .catch((error: unknown) => errorCodesOf(error))
    expect(codes).toContain('CLIENT_SCOPE_MISMATCH')
    await expectStored(1, 2, 3)
  })
})

const FIX = 'Install prisma, @prisma/client and @prisma/adapter-pg 7.10 or newer of Prisma 7.'

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('Nothing was thrown.')
}

describe('Prisma put together wrongly is refused', () => {
  const inOne = (work: () => PromiseLike<unknown>) => stage.tenantry.run(stage.four[0]?.slug ?? '', work)

  it('where its adapter was handed the pool itself', async () => {
    const bare = make(new PrismaPg(stage.tenantry.pool))
    const failed = inOne(async () => await bare.note.findUnique({ where: { id: 1 } }))
    await expect(failed).rejects.toThrow(/make the client with scopedPrisma\(\)/)
    await expect(failed).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' })
  })

  it('where it brings another copy of pg', async () => {
    const other = await adapterWithOtherPg()
    const { PrismaPg: OtherPrismaPg } = other
    try {
      const refused = thrownBy(() => scopedPrisma(OtherPrismaPg, stage.tenantry, { client: make }))
      expect(refused).toMatchObject({ code: 'CONFIGURATION_INVALID' })
      expect(String(refused)).toContain('another copy of pg')
      // Without the bridge it would take the pool for settings, and connect as whoever the environment names.
      const bare = make(new OtherPrismaPg(stage.tenantry.pool))
      const failed = inOne(async () => await bare.note.findUnique({ where: { id: 1 } }))
      await expect(failed).rejects.toThrow(/taken for settings, by another copy of pg/)
    } finally {
      await other.remove()
    }
  })

  it.for(['6.19.0', '7.9.1', '8.0.0', undefined])('where its client is of version %s', (version) => {
    const other = { _clientVersion: version, _requestHandler: Reflect.get(prisma, '_requestHandler') as unknown }
    const refused = thrownBy(() => scopedPrisma(PrismaPg, stage.tenantry, { client: () => other }))
    expect(refused).toMatchObject({ code: 'CONFIGURATION_INVALID', fix: FIX })
  })

  it('where its client gathers in a way the bridge does not know', () => {
    const other = { _clientVersion: '7.99.0', _requestHandler: { dataloader: { request: () => {} } } }
    const refused = thrownBy(() => scopedPrisma(PrismaPg, stage.tenantry, { client: () => other }))
    expect(refused).toMatchObject({ code: 'CONFIGURATION_INVALID', fix: FIX })
  })
})

/** Prisma's adapter with the copy of pg that MikroORM brings. */
async function adapterWithOtherPg(): Promise<{ PrismaPg: typeof PrismaPg; remove(): Promise<void> }> {
  const modules = path.join(import.meta.dirname, '../../../../node_modules')
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tenantry-other-pg-'))
  const own = path.join(folder, 'node_modules')
  await mkdir(path.join(own, '@prisma'), { recursive: true })
  await cp(path.join(modules, '@prisma/adapter-pg'), path.join(own, '@prisma/adapter-pg'), { recursive: true })
  await symlink(path.join(modules, '@prisma/driver-adapter-utils'), path.join(own, '@prisma/driver-adapter-utils'))
  await symlink(path.join(modules, 'postgres-array'), path.join(own, 'postgres-array'))
  await symlink(path.join(modules, '@mikro-orm/postgresql/node_modules/pg'), path.join(own, 'pg'))
  const loaded = (await import(path.join(own, '@prisma/adapter-pg/dist/index.mjs'))) as { PrismaPg: typeof PrismaPg }
  return { ...loaded, remove: () => rm(folder, { recursive: true, force: true }) }
}
