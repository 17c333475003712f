// Lints one TypeScript or JavaScript file: parses it, and asks each rule about each node.
import type { Comment, Remark } from '../rules.ts'
import type { Tree } from '../tree.ts'
import { readNames } from './names.ts'
import { parseScript, placeOf } from './parse-script.ts'
import { rawConnection } from './raw-connections.ts'
import { scopeFaults } from './scopes.ts'
import { statementFaults } from './statements.ts'
import { walk } from './walk.ts'

export interface ScriptReport {
  readonly remarks: readonly Remark[]
  readonly comments: readonly Comment[]
}

/** What the rules say of a script. Throws where it cannot be parsed. */
export function lintScript(path: string, text: string): ScriptReport {
  const { root, comments } = parseScript(path, text)
  const names = readNames(root)
  const remarks: Remark[] = []
  walk(root, (node: Tree) => {
    const opened = rawConnection(node, names)
    const faults = [...statementFaults(node, names), ...scopeFaults(node, names)]
    for (const fault of faults) remarks.push({ ...fault, ...placeOf(node) })
    if (opened !== undefined) {
      const message = `${opened} opens connections of its own, outside of every tenant.`
      remarks.push({ rule: 'raw-connection', message, ...placeOf(node) })
    }
  })
  return { remarks, comments }
}
