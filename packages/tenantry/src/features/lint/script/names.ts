// What the names of a script stand for: which export of which module a name was imported as, and which text a
// constant holds.
import { asTree, at, listOf, textOf, type Tree } from '../tree.ts'
import { walk } from './walk.ts'

export interface ImportedName {
  readonly module: string
  /** `default`, `*` for the whole module, or the name of the export. */
  readonly name: string
}

export interface Names {
  readonly imports: ReadonlyMap<string, ImportedName>
  /** Initialisers of the names that are declared once in the file, with const. */
  readonly constants: ReadonlyMap<string, Tree>
}

export function readNames(root: Tree): Names {
  const imports = new Map<string, ImportedName>()
  const constants = new Map<string, Tree>()
  const declared = new Set<string>()
  walk(root, (node) => {
    if (node['type'] === 'ImportDeclaration') readImport(node, imports)
    if (node['type'] !== 'VariableDeclaration') return
    for (const declaration of listOf(node, 'declarations')) {
      const init = unwrapped(asTree(declaration['init']))
      const id = asTree(declaration['id'])
      const module = init && requiredModule(init)
      if (module !== undefined) readRequire(id, module, imports)
      const name = textOf(id, 'name')
      if (name === undefined) continue
      // A name that is declared twice could be either.
      if (declared.has(name)) constants.delete(name)
      else if (init && node['kind'] === 'const') constants.set(name, init)
      declared.add(name)
    }
  })
  return { imports, constants }
}

function readImport(node: Tree, imports: Map<string, ImportedName>): void {
  const module = textOf(at(node, 'source'), 'value')
  if (module === undefined || node['importKind'] === 'type') return
  for (const specifier of listOf(node, 'specifiers')) {
    const local = textOf(at(specifier, 'local'), 'name')
    if (local === undefined || specifier['importKind'] === 'type') continue
    imports.set(local, { module, name: importedAs(specifier) })
  }
}

function importedAs(specifier: Tree): string {
  if (specifier['type'] === 'ImportDefaultSpecifier') return 'default'
  if (specifier['type'] === 'ImportNamespaceSpecifier') return '*'
  const imported = at(specifier, 'imported')
  return textOf(imported, 'name') ?? textOf(imported, 'value') ?? '*'
}

/** `require('x')` and `await import('x')`. */
function requiredModule(init: Tree): string | undefined {
  const call = init['type'] === 'AwaitExpression' ? unwrapped(asTree(init['argument'])) : init
  const callee = at(call, 'callee')
  const isImport =
    call?.['type'] === 'ImportExpression' || callee?.['type'] === 'Import' || textOf(callee, 'name') === 'require'
  if (!isImport) return undefined
  return textOf(at(call, 'source') ?? listOf(call, 'arguments')[0], 'value')
}

function readRequire(id: Tree | undefined, module: string, imports: Map<string, ImportedName>): void {
  const name = textOf(id, 'name')
  if (name !== undefined) imports.set(name, { module, name: '*' })
  for (const property of listOf(id, 'properties')) {
    const local = textOf(at(property, 'value'), 'name')
    const key = textOf(at(property, 'key'), 'name')
    if (local !== undefined && key !== undefined) imports.set(local, { module, name: key })
  }
}

/** What a callee is: `Pool` and `pg.Pool` are both the export Pool of pg. */
export function importedCallee(callee: Tree | undefined, { imports }: Names): ImportedName | undefined {
  const name = textOf(callee, 'name')
  if (callee?.['type'] === 'Identifier' && name !== undefined) return imports.get(name)
  if (!isMember(callee)) return undefined
  const object = importedCallee(unwrapped(at(callee, 'object')), { imports, constants: new Map() })
  const property = propertyName(callee)
  if (object === undefined || property === undefined || !['default', '*'].includes(object.name)) return undefined
  return { module: object.module, name: property }
}

export function isMember(node: Tree | undefined): boolean {
  return node?.['type'] === 'MemberExpression' || node?.['type'] === 'OptionalMemberExpression'
}

export function isCall(node: Tree | undefined): boolean {
  return node?.['type'] === 'CallExpression' || node?.['type'] === 'OptionalCallExpression'
}

/** `query` of `pool.query` and `pool['query']`. */
export function propertyName(member: Tree | undefined): string | undefined {
  const property = at(member, 'property')
  if (member?.['computed'] === true) return textOf(property, 'value')
  return textOf(property, 'name')
}

const WRAPPERS = new Set([
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
  'TSTypeAssertion',
  'ParenthesizedExpression',
])

/** The expression inside of `as`, `satisfies`, `!` and parentheses. */
export function unwrapped(node: Tree | undefined): Tree | undefined {
  let inner = node
  while (inner !== undefined && WRAPPERS.has(textOf(inner, 'type') ?? '')) inner = asTree(inner['expression'])
  return inner
}

/** A property of an object literal; undefined where there is none of that name. */
export function propertyOf(object: Tree | undefined, name: string): Tree | undefined {
  const found = listOf(object, 'properties').find((property) => {
    const key = at(property, 'key')
    return textOf(key, 'name') === name || textOf(key, 'value') === name
  })
  return found && (unwrapped(at(found, 'value')) ?? found)
}
