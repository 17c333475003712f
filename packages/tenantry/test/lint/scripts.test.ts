// What the script rules see through: how libraries are imported, where text is put together, and what only looks alike.
import { describe, expect, it } from 'vitest'
import { lintScript } from '../../src/features/lint/script/lint-script.ts'

const found = (text: string, path = 'a.ts'): string[] => lintScript(path, text).remarks.map(({ rule }) => rule)

describe('a connection beside the scoped pool', () => {
  it.each([
    `import pg from 'pg'; new pg.Pool()`,
    `import * as pg from 'pg'; new pg.Client(url)`,
    `import { Pool as P } from 'pg'; export const pool = new P({})`,
    `const { Pool } = require('pg'); new Pool()`,
    `const pg = require('pg'); new pg.Pool()`,
    `const { Client } = await import('pg'); new Client()`,
    `import Pool from 'pg-pool'; new Pool()`,
    `import postgres from 'postgres'; const sql = postgres(process.env.DATABASE_URL!)`,
    `import { createPool } from 'slonik'; await createPool('postgres://')`,
    `import { PrismaClient } from '@prisma/client'; new PrismaClient()`,
    `import { PrismaClient } from './generated/prisma/client.js'; new PrismaClient({ log: ['query'] })`,
    `import { PrismaPg } from '@prisma/adapter-pg'; new PrismaPg({ connectionString: url })`,
    `import { drizzle } from 'drizzle-orm/node-postgres'; drizzle(process.env.DATABASE_URL!)`,
    `import { drizzle } from 'drizzle-orm/node-postgres'; drizzle(process.env['URL'] ?? '')`,
    `import { drizzle } from 'drizzle-orm/postgres-js'; drizzle({ connection: { url } })`,
    `import knex from 'knex'; knex({ client: 'pg', connection: process.env.URL })`,
    `import { knex } from 'knex'; const config = { client: 'pg', connection: { host: 'db' } }; knex(config)`,
    `import { Sequelize } from 'sequelize'; new Sequelize(process.env.URL, { dialect: 'postgres' })`,
    `import { DataSource } from 'typeorm'; new DataSource({ type: 'postgres', url: 'postgres://' })`,
    `import { MikroORM } from '@mikro-orm/postgresql'; await MikroORM.init({ clientUrl: 'postgres://' })`,
  ])('is %s', (text) => {
    expect(found(text)).toEqual(['raw-connection'])
  })

  it.each([
    `import type { Pool } from 'pg'; let pool: Pool`,
    `import { Pool } from './pool.js'; new Pool()`,
    `import { Pool } from 'pg'; const isPool = (x: unknown) => x instanceof Pool`,
    `import { drizzle } from 'drizzle-orm/node-postgres'; drizzle(tenantry.pool); drizzle({ client: tenantry.pool })`,
    `import { PrismaClient } from '@prisma/client'; new PrismaClient({ adapter }); new PrismaClient(options)`,
    `import { PrismaPg } from '@prisma/adapter-pg'; new PrismaPg(tenantry.pool)`,
    `import { drizzle } from 'drizzle-orm/better-sqlite3'; drizzle('local.db')`,
    `import knex from 'knex'; knex({ client: 'pg', connectionPool }); knex({ client: 'mysql', connection: { host: 'a' } })`,
    `import { DataSource } from 'typeorm'; new DataSource({ type: 'sqlite', database: ':memory:' })`,
    `import { Sequelize } from 'sequelize'; new Sequelize({ dialect: 'sqlite' }); scopedSequelize(Sequelize, pool)`,
    `import { MikroORM } from '@mikro-orm/sqlite'; MikroORM.init({ dbName: ':memory:' })`,
    `import knex from 'knex'; knex({ client: TenantryClient, connection: {} }); knex({ client: 'pg' })`,
    `import { Sequelize } from 'sequelize'; new Sequelize({ dialect: 'postgres', dialectModule })`,
    `import { DataSource } from 'typeorm'; new DataSource({ type: 'postgres', driver }); new DataSource({ ...options })`,
  ])('is not %s', (text) => {
    expect(found(text)).toEqual([])
  })
})

describe('SQL that is put together', () => {
  it.each([
    'pool.query(`select ${a}`)',
    "pool.query('select ' + a)",
    "client.query({ text: 'select * from t where a = ' + a, values: [] })",
    'const text = `delete from t where id = ${id}`; pool.query(text)',
    'scope.batch(["select 1", { text: `select ${a}` }])',
    'tx.execute(`update t set a = ${a}` as string)',
    'prisma.$queryRawUnsafe(`select ${a}`)',
    'await knex.raw(`select ${a}`)',
    'sql.raw(column)',
    'Prisma.raw(`order by ${column}`)',
    'db.execute(sql`select ${sql.raw(column)}`)',
    "tenantry.pool?.query('select ' + a)",
    'pool.query("select " + (a + b) + " from t")',
    'let table = "a"; pool.query(`select * from ${table}`)',
  ])('is %s', (text) => {
    expect(found(text)).toEqual(['built-sql'])
  })

  it.each([
    'pool.query("select 1" + " from t")',
    'const table = "t"; const columns = ["a"]; pool.query(`select a from ${table}`)',
    'const limit = 10; pool.query(`select 1 limit ${limit}`)',
    'sql`select ${a}`; db.execute(sql`select ${a}`); prisma.$queryRaw`select ${a}`',
    'sql.raw("now()")',
    'router.query(`/users/${id}`)',
    'pool.query(text, values)',
    'pool.query(`select * from ${pg.escapeIdentifier(table)} where a = ${quoteLiteral(a)}`)',
    'cache.execute(`flush ${key}`)',
    'String.raw`select ${a}`',
  ])('is not %s', (text) => {
    expect(found(text)).toEqual([])
  })

  it('is found through a sum of 2,000 parts, and a chain of as many calls does not stop the walk', () => {
    expect(found(`pool.query('select ' + ${Array(2_000).fill('a').join(' + ')})`)).toEqual(['built-sql'])
    expect(found(`a${'.b()'.repeat(2_000)}`)).toEqual([])
  })
})

describe('statements that change who acts', () => {
  it.each([
    ['pool.query("set role app")', 'forged-context'],
    ['tx.query("SET LOCAL ROLE app")', 'forged-context'],
    ['tx.query("reset role")', 'forged-context'],
    ["sql`select set_config('role', ${role}, true)`", 'forged-context'],
    ['pool.query("set local tenantry.context = \'x\'")', 'forged-context'],
    ['pool.query("set search_path to a")', 'session-setting'],
    ['pool.query("select set_config(\'app.user\', $1, false)")', 'session-setting'],
  ])('%s is %s', (text, rule) => {
    expect(found(text)).toEqual([rule])
  })

  it.each([
    'pool.query("update roles set role = $1")',
    'pool.query("set local statement_timeout = 5")',
    'tx.query("select set_config(\'app.user\', $1, true)")',
    'log("Set role to admin")',
    'pool.query("set transaction isolation level serializable")',
  ])('%s is fine', (text) => {
    expect(found(text)).toEqual([])
  })
})

describe('scopes', () => {
  it.each([
    ['const app = createTenantry({}); app.run("a", () => db.select().from(t).where(x))', ['lazy-in-run']],
    ['tenantry.run("a", () => prisma.user.findMany())', ['lazy-in-run']],
    ['tenantry.run("a", { userId }, function () { return knex("t").select("a").where("b", 1) })', ['lazy-in-run']],
    ['tenantry.scope("a").run(() => db.select().from(t))', ['lazy-in-run']],
    ['tenantry.run("a", () => db.selectFrom("t").select("a").execute())', []],
    ['tenantry.run("a", async () => db.select().from(t))', []],
    ['tenantry.run("a", () => tenantry.pool.query("select 1"))', []],
    ['storage.run("a", () => db.select().from(t))', []],
    ['tenantry.asCentral(" ", fn)', ['central-without-reason']],
    ['tenantry.asCentral(reason, fn)', []],
    ['tenantry.scope("a", { switch: true })', ['scope-switch']],
    ['tenantry.scope("a", { switch: false })', []],
  ])('%s: %j', (text, expected) => {
    expect(found(text)).toEqual(expected)
  })
})

describe('the languages of scripts', () => {
  it.each([
    ['a.tsx', 'const a = <T,>(x: T) => <b>{x}</b>; pool.query(`select ${a}`)'],
    ['a.jsx', 'const a = <b />; pool.query(`select ${a}`)'],
    ['a.js', 'pool.query(`select ${a}`)'],
    ['a.cjs', 'const { b } = require("b"); module.exports = pool.query(`select ${a}`)'],
    ['a.mts', 'const a = <string>b; await pool.query(`select ${a}`)'],
    ['a.ts', '@Entity() class A { @Column() accessor x = pool.query(`select ${a}`) }'],
    ['a.ts', 'class A { constructor(@Inject() private b: B) { pool.query(`select ${a}`) } }'],
    ['a.ts', 'export @sealed class A { b = pool.query(`select ${a}`) }'],
    ['a.ts', '#!/usr/bin/env node\nusing x = y; enum E { A }; pool.query(`select ${a}`)'],
  ])('are read: %s %s', (path, text) => {
    expect(found(text, path)).toEqual(['built-sql'])
  })

  it('say line and column', () => {
    expect(lintScript('a.ts', 'const a = 1\n  sql.raw(b)').remarks).toMatchObject([{ line: 2, column: 3 }])
  })
})
