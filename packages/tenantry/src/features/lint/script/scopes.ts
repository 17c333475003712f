// Finds scopes that are entered in a way that does not do what it looks like.
import type { RuleName } from '../rules.ts'
import { asTree, at, listOf, textOf, type Tree } from '../tree.ts'
import { isCall, isMember, type Names, propertyName, propertyOf, unwrapped } from './names.ts'
import { textOfExpression } from './texts.ts'

interface Fault {
  readonly rule: RuleName
  readonly message: string
}

/** What is wrong with the scope that this node enters. */
export function scopeFaults(node: Tree, names: Names): readonly Fault[] {
  if (!isCall(node)) return []
  const callee = unwrapped(at(node, 'callee'))
  const method = isMember(callee) ? propertyName(callee) : undefined
  const args = listOf(node, 'arguments')
  if (method === 'asCentral') return reasonFaults(args[0], names)
  if (method !== 'run' && method !== 'scope') return []
  const isScope = method === 'run' && entersTenant(unwrapped(at(callee, 'object')), names)
  return [...switchFaults(args), ...(isScope ? lazyFaults(args) : [])]
}

/** Whether `run` is ours: by the name of what it is called on, or because that was made by createTenantry. */
function entersTenant(owner: Tree | undefined, names: Names): boolean {
  const name = textOf(owner, 'name') ?? propertyName(owner) ?? ''
  if (isCall(owner)) return propertyName(at(owner, 'callee')) === 'scope'
  const made = textOf(at(names.constants.get(name), 'callee'), 'name')
  return /tenant|scope/i.test(name) || made === 'createTenantry'
}

function reasonFaults(reason: Tree | undefined, names: Names): readonly Fault[] {
  const known = textOfExpression(reason, names)
  const isEmpty = reason === undefined || (known !== undefined && !known.isBuilt && known.text.trim() === '')
  return isEmpty ? [{ rule: 'central-without-reason', message: 'asCentral is called without a reason.' }] : []
}

function switchFaults(args: readonly Tree[]): readonly Fault[] {
  const switches = args.some((argument) => propertyOf(unwrapped(argument), 'switch')?.['value'] === true)
  return switches ? [{ rule: 'scope-switch', message: 'A scope may be entered from inside another tenant’s.' }] : []
}

// run() awaits what its callback returns outside of the scope, so that a lazy query fails instead of running later in
// somebody else's. An async callback awaits it itself.
function lazyFaults(args: readonly Tree[]): readonly Fault[] {
  const callback = unwrapped(args.at(-1))
  if (callback?.['type'] !== 'ArrowFunctionExpression' && callback?.['type'] !== 'FunctionExpression') return []
  if (callback['async'] === true) return []
  return returned(callback).some(isLazy)
    ? [{ rule: 'lazy-in-run', message: 'run() gets a query that has not been started.' }]
    : []
}

function returned(callback: Tree): readonly (Tree | undefined)[] {
  const body = at(callback, 'body')
  if (body?.['type'] !== 'BlockStatement') return [unwrapped(body)]
  return listOf(body, 'body')
    .filter((statement) => statement['type'] === 'ReturnStatement')
    .map((statement) => unwrapped(asTree(statement['argument'])))
}

const BUILDERS = new Set([
  ...['select', 'selectDistinct', 'insert', 'update', 'delete', 'from', 'where', 'findMany', 'findFirst', 'findUnique'],
  ...['upsert', 'returning', 'into', 'values', 'set', 'limit', 'orderBy', 'first', 'count', 'aggregate', 'groupBy'],
])
const STARTERS = /^(execute\w*|then|catch|finally|prepare|stream|run|transaction|save|query)$/

/** A chain of builder calls, at least two of them, that ends in none which starts it. */
function isLazy(expression: Tree | undefined): boolean {
  let builders = 0
  let node = expression
  for (let last = true; isCall(node); last = false) {
    const callee: Tree | undefined = unwrapped(at(node, 'callee'))
    const method = isMember(callee) ? (propertyName(callee) ?? '') : ''
    if (last && STARTERS.test(method)) return false
    if (BUILDERS.has(method)) builders += 1
    node = unwrapped(at(callee, 'object'))
  }
  // `db.query.users.findMany()` and `prisma.user.findMany()` are one call, on a property of a property.
  const isModelCall = builders === 1 && isMember(node) && /^find(Many|First|Unique)/.test(lastMethod(expression))
  return builders >= 2 || isModelCall
}

function lastMethod(call: Tree | undefined): string {
  return propertyName(unwrapped(at(call, 'callee'))) ?? ''
}
