// Prisma, whose client gathers for each scope by itself.
import { PrismaPg } from '@prisma/adapter-pg'
import { afterAll, beforeAll } from 'vitest'
import { scopedPrisma } from '../../src/bridges/prisma.ts'
import type { Bridge, BridgeOperations, SuiteComment, SuiteNote, SuiteThread } from '../../src/testing/index.ts'
import { describeBridge } from '../support/bridge-tests.ts'
import { type GeneratedClient, generatePrismaClient } from '../support/prisma-client.ts'

const MODELS = `
model Note {
  id       Int       @id
  parentId Int?      @map("parent_id")
  body     String
  comments Comment[]
  @@map("suite_note")
}
model Comment {
  id     Int    @id
  noteId Int    @map("note_id")
  text   String
  note   Note   @relation(fields: [noteId], references: [id])
  @@map("suite_comment")
}`

interface Counted {
  readonly count: number
}

/** What the test uses of the generated client. */
interface Operations {
  readonly note: {
    create(query: {
      data: SuiteNote & { comments?: { create: readonly Omit<SuiteComment, 'noteId'>[] } }
    }): Promise<SuiteNote>
    findMany(query?: { include: { comments: true } }): Promise<SuiteThread[]>
    findUnique(query: { where: { id: number } }): Promise<SuiteNote | null>
    updateMany(query: { data: { body: string } }): Promise<Counted>
    deleteMany(query?: { where: { id: number } }): Promise<Counted>
  }
  $queryRawUnsafe(sql: string, ...values: readonly unknown[]): Promise<Record<string, unknown>[]>
  $executeRawUnsafe(sql: string, ...values: readonly unknown[]): Promise<number>
}
interface Client extends Operations {
  $transaction<T>(run: (tx: Operations) => Promise<T>, options: { maxWait: number; timeout: number }): Promise<T>
  $disconnect(): Promise<void>
}

// Prisma ends a transaction after five seconds by itself, which a busy machine may need.
const PATIENCE = { maxWait: 30_000, timeout: 30_000 }

const operationsOf = (prisma: Operations): BridgeOperations => ({
  insert: (row) => prisma.note.create({ data: row }),
  insertAs: (tenantId, { id, body }) =>
    prisma.$executeRawUnsafe(
      'insert into suite_note (tenant_id, id, body) values ($1::uuid, $2, $3)',
      ...[tenantId, id, body],
    ),
  list: () => prisma.note.findMany(),
  find: (id) => prisma.note.findUnique({ where: { id } }),
  updateAll: async (body) => (await prisma.note.updateMany({ data: { body } })).count,
  remove: async (id) => (await prisma.note.deleteMany({ where: { id } })).count,
  removeAll: async () => (await prisma.note.deleteMany()).count,
  raw: (sql, values) => prisma.$queryRawUnsafe(sql, ...values),
  nestedInsert: (row, comments) =>
    prisma.note.create({ data: { ...row, comments: { create: comments.map(({ id, text }) => ({ id, text })) } } }),
  listThreads: () => prisma.note.findMany({ include: { comments: true } }),
})

let generated: GeneratedClient<Client>
beforeAll(async () => {
  generated = await generatePrismaClient<Client>(MODELS)
})
afterAll(() => generated.remove())

const bridge: Bridge = {
  name: 'Prisma',
  open: async (_, tenantry) => {
    const prisma = scopedPrisma(PrismaPg, tenantry, { client: (adapter) => new generated.PrismaClient({ adapter }) })
    return {
      ...operationsOf(prisma),
      transaction: (run) => prisma.$transaction((tx) => run(operationsOf(tx)), PATIENCE),
      lazyList: () => prisma.note.findMany(),
      close: () => prisma.$disconnect(),
    }
  },
}

describeBridge(bridge)
