// The folders that Drizzle Kit, Prisma Migrate, Kysely and Knex write, unchanged, as the migrations of schema tenants.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { readMigrationFiles } from '../../src/features/migrations/migration-files.ts'
import { errorOf, migrationStage, type Texts } from './fixture.ts'

const stage = migrationStage()
const run = promisify(execFile)

/** Schemas of the tables that the tenant's foreign keys, defaults and columns lead to. */
const schemasReached = (slug: string) =>
  stage.rows(
    `select distinct n.nspname as schema from pg_depend d
       join pg_constraint f on d.classid = 'pg_constraint'::regclass and d.objid = f.oid and f.contype = 'f'
       join pg_class c on d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid
       join pg_namespace n on n.oid = c.relnamespace
      where f.connamespace = $1::regnamespace
     union
     select distinct n.nspname from pg_attribute a join pg_class c on c.oid = a.attrelid
       join pg_type t on t.oid = a.atttypid join pg_namespace n on n.oid = t.typnamespace
      where c.relnamespace = $1::regnamespace and t.typtype = 'e'`,
    [`tenant_${slug}`],
  )

const tables = async (slug: string) =>
  (
    await stage.rows(
      `select relname as name from pg_class where relnamespace = $1::regnamespace and relkind = 'r' and relrowsecurity order by 1`,
      [`tenant_${slug}`],
    )
  ).map(({ name }) => name)

const names = async () => (await readMigrationFiles(join(stage.folder(), 'migrations'))).tenant.map(({ name }) => name)

describe('Drizzle Kit', () => {
  const schema = (more = '') => `
import { index, integer, pgEnum, pgTable, pgView, serial, text } from 'drizzle-orm/pg-core'
export const status = pgEnum('status', ['open', 'paid'])
export const customers = pgTable('customers', { id: serial().primaryKey(), name: text().notNull(), parent: integer() })
export const invoices = pgTable('invoices', {
  id: serial().primaryKey(),
  customer: integer().notNull().references(() => customers.id),
  status: status().notNull().default('open'),
  ${more}
}, (t) => [index('by_customer').on(t.customer)])
export const open = pgView('open').as((qb) => qb.select().from(invoices))
`
  const generate = async (name: string) => {
    const cli = join('node_modules', 'drizzle-kit', 'bin.cjs')
    const flags = ['--dialect', 'postgresql', '--schema', './schema.ts', '--out', './migrations/tenant', '--name', name]
    await run(process.execPath, [cli, 'generate', ...flags], { cwd: stage.folder() })
  }

  test('generates what runs in each tenant’s schema, names of "public" included, first and later', async () => {
    await stage.write({ 'schema.ts': schema() })
    await generate('init')
    const files = await readMigrationFiles(join(stage.folder(), 'migrations'))
    expect(files.tenant[0]?.text).toContain('"public"."customers"')
    expect(files.tenant[0]?.format).toBe('drizzle')
    await stage.tenant('drizzled', {})
    await stage.tenant('drizzled-two', {})
    await stage.write({ 'schema.ts': schema('note: text(),').replace("'paid']", "'paid', 'void']") })
    await generate('note')
    const { migrations } = await stage.load()
    expect(await migrations.migrateTenant(stage.fixture().admin, 'drizzled')).toEqual(['0001_note.sql'])
    expect(await tables('drizzled')).toEqual(['customers', 'invoices'])
    expect(await schemasReached('drizzled')).toEqual([{ schema: 'tenant_drizzled' }])
    expect(await schemasReached('drizzled_two')).toEqual([{ schema: 'tenant_drizzled_two' }])
    expect(await stage.rows(`select enum_range(null::tenant_drizzled.status)::text as values`)).toEqual([
      { values: '{open,paid,void}' },
    ])
  })

  test('of older versions, which wrote DO around statements, is read as well', async () => {
    const journal = {
      version: '6',
      dialect: 'postgresql',
      entries: [{ idx: 0, version: '6', when: 1, tag: '0000_old', breakpoints: true }],
    }
    await stage.tenant('older', {
      'migrations/tenant/meta/_journal.json': JSON.stringify(journal),
      'migrations/tenant/0000_old.sql': `DO $$ BEGIN
 CREATE TYPE "public"."status" AS ENUM('open');
EXCEPTION
 WHEN duplicate_object THEN null;
END $$;
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS "customers" ("id" serial PRIMARY KEY NOT NULL, "status" "public"."status", "said" text DEFAULT 'public.x');
--> statement-breakpoint
DO $$ BEGIN
 ALTER TABLE "customers" ADD CONSTRAINT "own" FOREIGN KEY ("id") REFERENCES "public"."customers"("id");
EXCEPTION
 WHEN duplicate_object THEN null;
END $$;
`,
    })
    expect(await schemasReached('older')).toEqual([{ schema: 'tenant_older' }])
    expect(await stage.rows('insert into tenant_older.customers default values returning said')).toEqual([
      { said: 'public.x' },
    ])
  })

  const bad: readonly (readonly [string, Texts, RegExp])[] = [
    ['a journal that is no JSON', { 'meta/_journal.json': '{' }, /_journal\.json is not JSON/],
    ['a journal of something else', { 'meta/_journal.json': '{"entries":[{}]}' }, /not a journal of Drizzle Kit/],
    [
      'a path in its journal',
      { 'meta/_journal.json': '{"dialect":"postgresql","entries":[{"tag":"../x"}]}' },
      /not a journal/,
    ],
    ['another dialect', { 'meta/_journal.json': '{"dialect":"mysql","entries":[]}' }, /not generated for PostgreSQL/],
    [
      'a file that is gone',
      { 'meta/_journal.json': '{"dialect":"postgresql","entries":[{"tag":"0000_a"}]}' },
      /0000_a\.sql cannot be read/,
    ],
    [
      'a file nobody listed',
      { 'meta/_journal.json': '{"dialect":"postgresql","entries":[]}', '0000_a.sql': '' },
      /not in meta/,
    ],
  ]
  test.each(bad)('with %s is refused by its path', async (_, files, message) => {
    for (const [name, text] of Object.entries(files)) await stage.write({ [`migrations/tenant/${name}`]: text })
    expect(await errorOf(names())).toMatchObject({
      code: 'CONFIGURATION_INVALID',
      message: expect.stringMatching(message) as string,
    })
  })
})

// Prisma's own command cannot write migrations without its engine and a database: these texts are in the exact format of
// its files, the one with BEGIN from the change of an enum.
describe('Prisma Migrate', () => {
  const lock = `# Please do not edit this file manually
# It should be added in your version-control system (e.g., Git)
provider = "postgresql"
`
  const folder: Texts = {
    'migrations/tenant/migration_lock.toml': lock,
    'migrations/tenant/20240101120000_init/migration.sql': `-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "public"."Role" AS ENUM ('USER', 'GUEST');

-- CreateTable
CREATE TABLE "public"."User" (
    "id" SERIAL NOT NULL,
    "role" "public"."Role" NOT NULL DEFAULT 'USER',

    CONSTRAINT "User_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Post" (
    "id" SERIAL NOT NULL,
    "authorId" INTEGER NOT NULL,

    CONSTRAINT "Post_pkey" PRIMARY KEY ("id")
);

-- AddForeignKey
ALTER TABLE "Post" ADD CONSTRAINT "Post_authorId_fkey" FOREIGN KEY ("authorId") REFERENCES "public"."User"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
`,
    'migrations/tenant/20240202120000_roles/migration.sql': `/*
  Warnings:

  - The values [GUEST] on the enum \`Role\` will be removed. If these variants are still used in the database, this will fail.

*/
-- AlterEnum
BEGIN;
CREATE TYPE "public"."Role_new" AS ENUM ('USER');
ALTER TABLE "public"."User" ALTER COLUMN "role" DROP DEFAULT;
ALTER TABLE "public"."User" ALTER COLUMN "role" TYPE "public"."Role_new" USING ("role"::text::"public"."Role_new");
ALTER TYPE "public"."Role" RENAME TO "Role_old";
ALTER TYPE "public"."Role_new" RENAME TO "Role";
DROP TYPE "public"."Role_old";
ALTER TABLE "public"."User" ALTER COLUMN "role" SET DEFAULT 'USER';
COMMIT;
`,
  }

  test('writes what runs in each tenant’s schema, in the order of its folders', async () => {
    await stage.tenant('prismatic', folder)
    expect(await names()).toEqual(['20240101120000_init', '20240202120000_roles'])
    expect(await tables('prismatic')).toEqual(['Post', 'User'])
    expect(await schemasReached('prismatic')).toEqual([{ schema: 'tenant_prismatic' }])
    expect(await stage.rows(`select enum_range(null::tenant_prismatic."Role")::text as values`)).toEqual([
      { values: '{USER}' },
    ])
  })

  test('also without its lock file; not for another database, with files beside, or an empty folder', async () => {
    await stage.write({ 'migrations/tenant/1_a/migration.sql': 'create table a (id integer)' })
    expect(await names()).toEqual(['1_a'])
    await stage.write({ 'migrations/tenant/2_b/readme.txt': '' })
    expect(await errorOf(names())).toMatchObject({ message: expect.stringContaining('has no migration.sql') as string })
    await stage.write({ 'migrations/tenant/x.sql': '' })
    expect(await errorOf(names())).toMatchObject({
      message: expect.stringContaining('no migration’s folder') as string,
    })
    await stage.write({ 'migrations/tenant/migration_lock.toml': 'provider = "sqlite"' })
    expect(await errorOf(names())).toMatchObject({
      message: expect.stringContaining('not written for PostgreSQL') as string,
    })
  })
})

describe('Kysely', () => {
  const first = `import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<any>): Promise<void> {
  await db.schema.createTable('person')
    .addColumn('id', 'serial', (col) => col.primaryKey())
    .addColumn('first_name', 'varchar', (col) => col.notNull())
    .addColumn('created_at', 'timestamp', (col) => col.defaultTo(sql\`now()\`).notNull())
    .execute()
  await db.schema.createTable('pet')
    .addColumn('owner_id', 'integer', (col) => col.references('person.id').onDelete('cascade').notNull())
    .execute()
}

export async function down(db: Kysely<any>): Promise<void> {
  await db.schema.dropTable('pet').execute()
}
`
  const second = `export async function up(db) {
  const { numUpdatedRows } = await db.updateTable('person').set({ first_name: 'x' }).where('id', '=', 1).executeTakeFirst()
  await db.insertInto('person').values({ first_name: \`\${numUpdatedRows} in \${(await db.introspection.getTables()).length > 0}\` }).execute()
  await db.transaction().execute(async (trx) => {
    await trx.insertInto('person').values({ first_name: 'kept' }).execute()
  })
  await db.transaction().execute(async (trx) => {
    await trx.insertInto('person').values({ first_name: 'gone' }).execute()
    throw new Error('back')
  }).catch(() => undefined)
}
`

  test('runs over the one connection, in the tenant’s schema; its own transactions divide ours', async () => {
    await stage.tenant('kyselied', {
      'migrations/tenant/2024-01-01-person.ts': first,
      'migrations/tenant/2024-02-02-fill.mjs': second,
    })
    expect(await tables('kyselied')).toEqual(['person', 'pet'])
    expect(await schemasReached('kyselied')).toEqual([{ schema: 'tenant_kyselied' }])
    expect(await stage.rows('select first_name from tenant_kyselied.person order by id')).toEqual([
      { first_name: '0 in true' },
      { first_name: 'kept' },
    ])
  })

  test('that commits by raw SQL, or makes a table elsewhere, fails', async () => {
    const failing = (statement: string) => `import { sql } from 'kysely'
export async function up(db) { await ${statement} }`
    for (const [index, statement] of [
      'sql`commit`.execute(db)',
      "db.schema.withSchema('public').createTable('escaped').addColumn('id', 'integer').execute()",
      'sql`select * from nothing`.execute(db)',
    ].entries()) {
      await stage.write({ 'migrations/tenant/1.ts': failing(statement) })
      const { tenants } = await stage.load()
      expect(await errorOf(tenants.create({ name: 'x', slug: `kysely-${index}`, isolation: 'schema' }))).toMatchObject({
        code: 'MIGRATION_FAILED',
      })
    }
    expect(await stage.rows(`select to_regclass('public.escaped') as found`)).toEqual([{ found: null }])
  })
})

describe('Knex', () => {
  const first = `/**
 * @param { import("knex").Knex } knex
 * @returns { Promise<void> }
 */
exports.up = function(knex) {
  return knex.schema
    .createTable('users', (table) => { table.increments('id'); table.string('name', 255).notNullable() })
    .createTable('orders', (table) => { table.increments('id'); table.integer('user_id').references('users.id') })
};

exports.down = function(knex) { return knex.schema.dropTable('orders').dropTable('users') };
`
  const second = `import type { Knex } from 'knex'
export async function up(knex: Knex): Promise<void> {
  if (!(await knex.schema.hasTable('users'))) throw new Error('no users')
  const [{ id }] = await knex('users').insert({ name: 'one' }).returning('id')
  await knex.transaction(async (trx) => { await trx('orders').insert({ user_id: id }) })
  await knex.transaction(async (trx) => { await trx('orders').insert({ user_id: id }); throw new Error('back') }).catch(() => {})
  const changed = await knex('users').update({ name: knex.raw('name || ?', ['!']) })
  const found = await knex('users').where({ id }).first()
  await knex.raw('comment on table users is ??', [changed + ' ' + found.name]).catch(() => {})
  await knex('users').insert({ name: changed + ' ' + found.name })
}
`

  test('runs over the one connection, in the tenant’s schema; its own transactions divide ours', async () => {
    const text = second.replace(/^.*comment on.*\n/m, '')
    await stage.tenant('knexed', {
      'migrations/tenant/20240101120000_users.js': first,
      'migrations/tenant/20240202120000_fill.ts': text,
    })
    expect(await tables('knexed')).toEqual(['orders', 'users'])
    expect(await schemasReached('knexed')).toEqual([{ schema: 'tenant_knexed' }])
    expect(await stage.rows('select name from tenant_knexed.users order by id')).toEqual([
      { name: 'one!' },
      { name: '1 one!' },
    ])
    expect(await stage.rows('select count(*)::integer as orders from tenant_knexed.orders')).toEqual([{ orders: 1 }])
  })

  test('that swallows a failed statement does not count as done', async () => {
    await stage.write({ 'migrations/tenant/1_users.js': first, 'migrations/tenant/2_fill.ts': second })
    const { tenants } = await stage.load()
    expect(await errorOf(tenants.create({ name: 'x', slug: 'swallowed', isolation: 'schema' }))).toMatchObject({
      code: 'MIGRATION_FAILED',
    })
  })

  test('that commits, sets search_path or makes a table elsewhere fails', async () => {
    for (const [index, statement] of [
      `knex.raw('COMMIT;')`,
      `knex.raw('set search_path to public')`,
      `knex.schema.withSchema('public').createTable('escaped', (t) => t.increments())`,
    ].entries()) {
      await stage.write({ 'migrations/tenant/1_x.js': `exports.up = (knex) => ${statement}` })
      const { tenants } = await stage.load()
      expect(await errorOf(tenants.create({ name: 'x', slug: `knex-${index}`, isolation: 'schema' }))).toMatchObject({
        code: 'MIGRATION_FAILED',
      })
    }
    expect(await stage.rows(`select to_regclass('public.escaped') as found`)).toEqual([{ found: null }])
  })

  test('with config = { transaction: false } is one that runs outside of a transaction', async () => {
    await stage.write({
      'migrations/tenant/1_x.js': `exports.up = (knex) => knex.raw('select 1')\nexports.config = { transaction: false }`,
    })
    const { tenant } = await readMigrationFiles(join(stage.folder(), 'migrations'))
    expect(tenant).toMatchObject([{ name: '1_x.js', format: 'knex', transaction: false }])
  })
})
