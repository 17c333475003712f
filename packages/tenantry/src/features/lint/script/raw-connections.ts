// Finds connections that an application opens beside the scoped pool: what runs on them runs in no tenant.
import { asTree, at, listOf, textOf, type Tree } from '../tree.ts'
import { importedCallee, type ImportedName, isCall, isMember, type Names, propertyOf, unwrapped } from './names.ts'

/** What the node opens, in words; undefined where it is no connection of its own. */
export function rawConnection(node: Tree, names: Names): string | undefined {
  const isNew = node['type'] === 'NewExpression'
  if (!isNew && !isCall(node)) return undefined
  const callee = unwrapped(at(node, 'callee'))
  const imported = importedCallee(callee, names) ?? importedMember(callee, names)
  if (imported === undefined) return undefined
  const opener = openers.find((each) => each.matches(imported, isNew))
  const [first, ...more] = listOf(node, 'arguments').map((argument) => resolved(argument, names))
  if (opener?.opens(first, more) !== true) return undefined
  return imported.name === 'default' ? imported.module : imported.name
}

/** `MikroORM.init` is a member of an export, not an export. */
function importedMember(callee: Tree | undefined, names: Names): ImportedName | undefined {
  if (!isMember(callee) || textOf(at(callee, 'property'), 'name') !== 'init') return undefined
  const object = importedCallee(at(callee, 'object'), names)
  return object && { module: object.module, name: `${object.name}.init` }
}

function resolved(argument: Tree, names: Names): Tree | undefined {
  const node = unwrapped(argument)
  const constant = node?.['type'] === 'Identifier' ? names.constants.get(textOf(node, 'name') ?? '') : undefined
  return constant ?? node
}

interface Opener {
  matches(imported: ImportedName, isNew: boolean): boolean
  opens(first: Tree | undefined, more: readonly (Tree | undefined)[]): boolean
}

const always = (): boolean => true
const exportOf = (module: RegExp, name: RegExp, isNew: boolean) => (imported: ImportedName, wasNew: boolean) =>
  module.test(imported.module) && name.test(imported.name) && wasNew === isNew

const POSTGRES_DRIZZLE = /^drizzle-orm\/(node-postgres|postgres-js|neon-\w+|vercel-postgres|aws-data-api\/pg)$/

const openers: readonly Opener[] = [
  { matches: exportOf(/^pg$|^pg-native$|^@neondatabase\/serverless$/, /^(Pool|Client)$/, true), opens: always },
  { matches: exportOf(/^pg-pool$/, /^(default|\*)$/, true), opens: always },
  { matches: exportOf(/^postgres$/, /^(default|\*)$/, false), opens: always },
  { matches: exportOf(/^(slonik|@vercel\/postgres)$/, /^create(Pool|Client)$/, false), opens: always },
  // Its client is generated, under a path of the user's choice.
  { matches: exportOf(/./, /^PrismaClient$/, true), opens: (options) => isOwn(options, ['adapter']) },
  { matches: exportOf(/^@prisma\/adapter-pg$/, /^PrismaPg$/, true), opens: namesServer },
  { matches: exportOf(POSTGRES_DRIZZLE, /^drizzle$/, false), opens: drizzleOpens },
  { matches: exportOf(/^knex$/, /^(default|\*|knex|Knex)$/, false), opens: knexOpens },
  {
    matches: exportOf(/^(sequelize|@sequelize\/core)$/, /^Sequelize$/, true),
    opens: (first, more) =>
      [first, ...more].every((each) => isPostgres(each, 'dialect') && isOwn(each, ['dialectModule'])),
  },
  {
    matches: exportOf(/^typeorm$/, /^DataSource$/, true),
    opens: (options) => isPostgres(options, 'type') && isOwn(options, ['driver']),
  },
  {
    matches: exportOf(/^@mikro-orm\/(core|postgresql)$/, /^MikroORM\.init$/, false),
    opens: (options) => isOwn(options, ['driverOptions']),
  },
]

/** True unless the options hand in a connection, or may do so where they cannot be read here. */
function isOwn(options: Tree | undefined, handsIn: readonly string[]): boolean {
  if (options === undefined || isAddress(options)) return true
  if (options['type'] !== 'ObjectExpression') return false
  const isOpen = listOf(options, 'properties').some((property) => property['type'] === 'SpreadElement')
  return !isOpen && handsIn.every((name) => propertyOf(options, name) === undefined)
}

/** False where the options name another database. */
function isPostgres(options: Tree | undefined, name: string): boolean {
  const named = textOf(propertyOf(options, name), 'value')
  return named === undefined || /postgres|^pg|cockroach/i.test(named)
}

/** A URL in the text, or from the environment. */
function isAddress(node: Tree | undefined): boolean {
  if (node === undefined) return false
  if (node['type'] === 'StringLiteral' || node['type'] === 'TemplateLiteral') return true
  if (node['type'] === 'LogicalExpression') {
    return [node['left'], node['right']].some((side) => isAddress(unwrapped(asTree(side))))
  }
  return isMember(node) && isEnvironment(unwrapped(at(node, 'object')))
}

const isEnvironment = (node: Tree | undefined): boolean =>
  isMember(node) && textOf(at(node, 'property'), 'name') === 'env' && textOf(at(node, 'object'), 'name') === 'process'

function drizzleOpens(first: Tree | undefined): boolean {
  if (first === undefined || isAddress(first)) return true
  return propertyOf(first, 'connection') !== undefined
}

const ADDRESS_PARTS = ['host', 'connectionString', 'database', 'user', 'password']

function namesServer(options: Tree | undefined): boolean {
  return isAddress(options) || ADDRESS_PARTS.some((part) => propertyOf(options, part) !== undefined)
}

function knexOpens(options: Tree | undefined): boolean {
  if (isAddress(options)) return true
  const client = propertyOf(options, 'client')
  const connection = propertyOf(options, 'connection')
  // A client class of the user's own takes its connections from where it likes.
  if (client !== undefined && client['type'] !== 'StringLiteral') return false
  return connection !== undefined && isPostgres(options, 'client') && namesServer(connection)
}
