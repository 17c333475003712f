// Visits every node of a script's tree once, parents first, without recursion: a chain of 10,000 calls has no stack.
import { asTree, textOf, type Tree } from '../tree.ts'

const NO_NODES = new Set(['loc', 'extra', 'start', 'end', 'type'])

export function walk(root: Tree, visit: (node: Tree) => void): void {
  const waiting: Tree[] = [root]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    visit(node)
    const children = childrenOf(node)
    for (let index = children.length - 1; index >= 0; index -= 1) {
      const child = children[index]
      if (child !== undefined) waiting.push(child)
    }
  }
}

function childrenOf(node: Tree): Tree[] {
  const children: Tree[] = []
  for (const [key, value] of Object.entries(node)) {
    if (typeof value !== 'object' || value === null || NO_NODES.has(key)) continue
    for (const each of Array.isArray(value) ? (value as readonly unknown[]) : [value]) {
      const child = asTree(each)
      if (textOf(child, 'type') !== undefined && child !== undefined) children.push(child)
    }
  }
  return children
}
