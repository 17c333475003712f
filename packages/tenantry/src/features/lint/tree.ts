// Reads syntax trees of parsers whose node types we do not depend on: every access is checked, so a tree of another
// shape gives nothing instead of a crash.

/** A node of a syntax tree, or any other object in it. */
export type Tree = Readonly<Record<string, unknown>>

export function asTree(value: unknown): Tree | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Tree) : undefined
}

/** The object at the end of a path. */
export function at(tree: Tree | undefined, ...path: readonly string[]): Tree | undefined {
  return path.reduce<Tree | undefined>((node, key) => asTree(node?.[key]), tree)
}

export function listOf(tree: Tree | undefined, key: string): readonly Tree[] {
  const value = tree?.[key]
  return Array.isArray(value) ? value.map(asTree).filter((each) => each !== undefined) : []
}

export function textOf(tree: Tree | undefined, key: string): string | undefined {
  const value = tree?.[key]
  return typeof value === 'string' ? value : undefined
}

export function numberOf(tree: Tree | undefined, key: string): number | undefined {
  const value = tree?.[key]
  return typeof value === 'number' ? value : undefined
}
