// The point read in Prisma, with a client generated into a folder of its own. The documented pattern is an extension of the
// client that puts set_config and the query into a batch transaction.
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import { scopedPrisma } from 'tenantry/prisma'

const columns = 'id Int @id\n  body String\n  amount Decimal'
const SCHEMA = `generator client {
  provider = "prisma-client-js"
  output   = "client"
}
datasource db {
  provider = "postgresql"
}
model item {
  ${columns}
}
model plain_item {
  ${columns}
  tenant_id String @db.Uuid
}
model pattern_item {
  ${columns}
}`

/** Generated without the network: the engine that migrates is replaced by a program that does nothing. */
async function generate() {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tenantry-bench-prisma-'))
  // The client reads more of it with its first query.
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  await writeFile(path.join(folder, 'schema.prisma'), SCHEMA)
  await symlink(path.join(import.meta.dirname, '../../../node_modules'), path.join(folder, 'node_modules'), 'junction')
  const require = createRequire(import.meta.url)
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' }
  const command = [require.resolve('prisma/build/index.js'), 'generate', '--schema', 'schema.prisma']
  execFileSync(process.execPath, command, { cwd: folder, env, stdio: 'ignore' })
  return require(path.join(folder, 'client')).PrismaClient
}

let generating

export const prismaOrm = {
  name: 'prisma',
  async open({ pool, tenantry }, table) {
    generating ??= generate()
    const PrismaClient = await generating
    const prisma = tenantry
      ? scopedPrisma(PrismaPg, tenantry, { client: (adapter) => new PrismaClient({ adapter }) })
      : new PrismaClient({ adapter: new PrismaPg(pool) })
    const select = { id: true, body: true, amount: true }
    const forTenant = (tenant) =>
      prisma.$extends({
        query: {
          $allModels: {
            async $allOperations({ args, query }) {
              const set = prisma.$executeRaw`select set_config('app.tenant', ${tenant}, true)`
              return (await prisma.$transaction([set, query(args)]))[1]
            },
          },
        },
      })
    return {
      find: (id, tenant) =>
        prisma[table].findMany({ select, where: tenant === undefined ? { id } : { id, tenant_id: tenant } }),
      findInTransaction: (id, tenant) => forTenant(tenant)[table].findMany({ select, where: { id } }),
    }
  },
}
