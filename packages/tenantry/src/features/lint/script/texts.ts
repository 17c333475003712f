// The text of an expression as far as it can be known without running it: literals, templates and sums of them,
// through constants of the same file.
import { asTree, at, listOf, numberOf, textOf, type Tree } from '../tree.ts'
import type { Names } from './names.ts'
import { propertyName, unwrapped } from './names.ts'

export interface KnownText {
  /** The parts that are fixed, with `\0` where something else goes in. */
  readonly text: string
  /** Whether anything goes in that is not fixed. */
  readonly isBuilt: boolean
}

const NOTHING: KnownText = { text: '\0', isBuilt: true }
const DEPTH = 50

/** The text of an expression; undefined where it is no text that is put together here. */
export function textOfExpression(expression: Tree | undefined, names: Names, depth = 0): KnownText | undefined {
  const node = unwrapped(expression)
  if (node === undefined || depth > DEPTH) return undefined
  switch (node['type']) {
    case 'StringLiteral':
      return { text: textOf(node, 'value') ?? '', isBuilt: false }
    case 'NumericLiteral':
      return { text: String(numberOf(node, 'value')), isBuilt: false }
    case 'TemplateLiteral':
      return templateText(node, names, depth)
    case 'BinaryExpression':
      return node['operator'] === '+' ? sumText(node, names, depth) : undefined
    case 'Identifier': {
      const constant = names.constants.get(textOf(node, 'name') ?? '')
      return constant && textOfExpression(constant, names, depth + 1)
    }
    case 'CallExpression':
      return QUOTING.test(calledName(node)) ? { text: 'quoted', isBuilt: false } : undefined
    default:
      return undefined
  }
}

/** Functions that make a value fit to stand in SQL text, by their usual names. */
const QUOTING = /^(escape|quote)_?(Identifier|Ident|Literal)$/i

function calledName(call: Tree): string {
  const callee = unwrapped(at(call, 'callee'))
  return textOf(callee, 'name') ?? propertyName(callee) ?? ''
}

function templateText(node: Tree, names: Names, depth: number): KnownText {
  const expressions = listOf(node, 'expressions')
  const parts = listOf(node, 'quasis').flatMap((quasi, index) => {
    const fixed: KnownText = { text: textOf(at(quasi, 'value'), 'cooked') ?? '', isBuilt: false }
    const next = expressions[index]
    return next === undefined ? [fixed] : [fixed, textOfExpression(next, names, depth + 1) ?? NOTHING]
  })
  return joined(parts)
}

// A sum of a thousand parts is a thousand levels deep on its left, so that side is walked, not recursed into.
function sumText(node: Tree, names: Names, depth: number): KnownText | undefined {
  const parts: (KnownText | undefined)[] = []
  let left: Tree | undefined = node
  while (left?.['type'] === 'BinaryExpression' && left['operator'] === '+') {
    parts.unshift(textOfExpression(asTree(left['right']), names, depth + 1))
    left = unwrapped(asTree(left['left']))
  }
  parts.unshift(textOfExpression(left, names, depth + 1))
  // Without a literal in it, it may be a sum of numbers.
  return parts.some((part) => part !== undefined) ? joined(parts.map((part) => part ?? NOTHING)) : undefined
}

function joined(parts: readonly KnownText[]): KnownText {
  return { text: parts.map(({ text }) => text).join(''), isBuilt: parts.some(({ isBuilt }) => isBuilt) }
}
