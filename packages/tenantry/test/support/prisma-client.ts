// Generates a Prisma client into a folder of its own, without the network: the schema engine, which only migrations need,
// is replaced by a program that does nothing.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import type { PrismaPg } from '@prisma/adapter-pg'

const run = promisify(execFile)
const modules = path.join(import.meta.dirname, '../../../../node_modules')
const prisma = createRequire(import.meta.url).resolve('prisma/build/index.js')

export interface GeneratedClient<Client> {
  /** The class that the generator made. */
  readonly PrismaClient: new (options: {
    adapter: PrismaPg
  }) => Client
  remove(): Promise<void>
}

/** The client for these models; `Client` is what the test uses of it. */
export async function generatePrismaClient<Client>(models: string): Promise<GeneratedClient<Client>> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tenantry-prisma-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    const schema = path.join(folder, 'schema.prisma')
    await writeFile(schema, `${GENERATOR}\n${models}`)
    // The generated code imports the packages of this repository.
    await symlink(modules, path.join(folder, 'node_modules'), 'junction')
    const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' }
    await run(process.execPath, [prisma, 'generate', '--schema', schema], { env, cwd: folder })
    const { PrismaClient } = (await import(path.join(folder, 'client/client.ts'))) as GeneratedClient<Client>
    return { PrismaClient, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

const GENERATOR = `
generator client {
  provider = "prisma-client"
  output   = "client"
}
datasource db {
  provider = "postgresql"
}`
