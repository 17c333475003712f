// Finds the SQL that a script sends, and what is wrong with it as far as its text is known.
import type { RuleName } from '../rules.ts'
import { at, listOf, textOf, type Tree } from '../tree.ts'
import { isCall, isMember, type Names, propertyName, propertyOf, unwrapped } from './names.ts'
import { type KnownText, textOfExpression } from './texts.ts'

interface Fault {
  readonly rule: RuleName
  readonly message: string
}

const SENDERS = new Set(['query', 'execute', '$queryRawUnsafe', '$executeRawUnsafe', 'queryAndCommit'])
/** Methods whose argument goes into SQL as it is. */
const FRAGMENTS = new Set(['raw', 'unsafe', 'literal', 'whereRaw', 'orderByRaw', 'havingRaw', 'joinRaw', 'fromRaw'])
const TAGS = new Set(['sql', 'Sql', 'SQL', 'queryRaw', '$queryRaw', '$executeRaw'])

const SQL =
  /\b(select|insert|update|delete|with|create|alter|drop|truncate|merge|call|grant|revoke|copy|set|from|where|order\s+by)\b/i
// At the beginning of a statement: a column may be called role.
const ROLE = /(^|;)\s*(re)?set\s+(local\s+|session\s+)?(role|session\s+authorization)\b/i
const CONTEXT = /(^|;)\s*set\s+(local\s+|session\s+)?"?tenantry[."]/i
const SET_CONFIG = /\bset_config\s*\(\s*E?'(role|session_authorization|tenantry\.[^']*)'/i
const SESSION_SET =
  /^\s*set\s+(?!local\b|transaction\b|constraints\b|role\b|session\s+authorization\b)(session\s+)?[\w."]+\s*(=|\bto\b)/i
const SESSION_CONFIG = /\bset_config\s*\(\s*'(?!role'|tenantry\.)[^']*'\s*,[^()]*,\s*false\s*\)/i

/** What is wrong with the SQL that this node sends; nothing where it sends none. */
export function statementFaults(node: Tree, names: Names): readonly Fault[] {
  if (node['type'] === 'TaggedTemplateExpression') return isSqlTag(node) ? contentFaults(taggedText(node, names)) : []
  if (!isCall(node)) return []
  const method = calledMethod(node)
  const argument = unwrapped(listOf(node, 'arguments')[0])
  if (method === undefined || argument === undefined) return []
  if (SENDERS.has(method)) return sentFaults(sentText(argument, names), `${method}()`)
  if (method === 'batch') {
    const statements = listOf(argument, 'elements').map((each) => unwrapped(each) ?? each)
    return statements.flatMap((each) => sentFaults(sentText(each, names), 'batch()'))
  }
  if (FRAGMENTS.has(method)) return fragmentFaults(node, argument, names)
  return []
}

function calledMethod(node: Tree): string | undefined {
  const callee = unwrapped(at(node, 'callee'))
  return isMember(callee) ? propertyName(callee) : undefined
}

/** A statement, or the `text` of a configuration object. */
function sentText(argument: Tree, names: Names): KnownText | undefined {
  const text =
    argument['type'] === 'ObjectExpression' ? (propertyOf(argument, 'text') ?? propertyOf(argument, 'sql')) : argument
  return textOfExpression(text, names)
}

function sentFaults(known: KnownText | undefined, sender: string): readonly Fault[] {
  if (known === undefined) return []
  const built: Fault[] = known.isBuilt && SQL.test(known.text) ? [builtFault(sender)] : []
  return [...built, ...contentFaults(known)]
}

const builtFault = (sender: string): Fault => ({
  rule: 'built-sql',
  message: `The SQL given to ${sender} is put together from values.`,
})

// Text that is not known here goes into the statement unread, which is what building it means.
function fragmentFaults(node: Tree, argument: Tree, names: Names): readonly Fault[] {
  const method = calledMethod(node) ?? ''
  const known = textOfExpression(argument, names)
  const isSqlOwner = /^(sql|Prisma|knex|db|trx|tx|Sequelize|sequelize|qb|query|this)$/i.test(ownerName(node))
  if (known === undefined) {
    const isVariable = argument['type'] === 'Identifier' || isMember(argument)
    return isSqlOwner && isVariable && /^(raw|unsafe|literal)$/.test(method) ? [builtFault(`${method}()`)] : []
  }
  if (!isSqlOwner && !SQL.test(known.text)) return []
  return [...(known.isBuilt ? [builtFault(`${method}()`)] : []), ...contentFaults(known)]
}

function ownerName(node: Tree): string {
  const owner = unwrapped(at(node, 'callee', 'object'))
  return textOf(owner, 'name') ?? (owner?.['type'] === 'ThisExpression' ? 'this' : (propertyName(owner) ?? ''))
}

function isSqlTag(node: Tree): boolean {
  const tag = unwrapped(at(node, 'tag'))
  return TAGS.has(textOf(tag, 'name') ?? propertyName(tag) ?? '')
}

/** The fixed parts; what a tag binds is no part of the text. */
function taggedText(node: Tree, names: Names): KnownText | undefined {
  return textOfExpression(at(node, 'quasi'), names)
}

function contentFaults(known: KnownText | undefined): readonly Fault[] {
  const text = withoutComments(known?.text ?? '')
  if (CONTEXT.test(text) || SET_CONFIG.test(text)) {
    return [{ rule: 'forged-context', message: 'A statement sets role or context by itself.' }]
  }
  if (ROLE.test(text)) return [{ rule: 'forged-context', message: 'A statement changes the role.' }]
  if (SESSION_SET.test(text) || SESSION_CONFIG.test(text)) {
    return [{ rule: 'session-setting', message: 'A statement changes a setting of the session.' }]
  }
  return []
}

const withoutComments = (text: string): string => text.replace(/--[^\n]*|\/\*[^]*?\*\//g, ' ')
