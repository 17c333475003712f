// The one file that knows @babel/parser: TypeScript or JavaScript text to a tree and its comments.
import { parse, type ParserPlugin } from '@babel/parser'
import { asTree, at, listOf, numberOf, textOf, type Tree } from '../tree.ts'
import type { Comment } from '../rules.ts'

export interface Script {
  readonly root: Tree
  readonly comments: readonly Comment[]
}

/** Parses a file; throws the parser's error where it is not one. */
export function parseScript(path: string, text: string): Script {
  const file = asTree(parsed(text, languageOf(path)))
  const root = at(file, 'program')
  if (root === undefined) throw new Error('the parser gave no program')
  return { root, comments: listOf(file, 'comments').map(commentOf) }
}

function languageOf(path: string): ParserPlugin[] {
  if (/\.[cm]?ts$/i.test(path)) return [['typescript', { dts: /\.d\.[cm]?ts$/i.test(path) }]]
  return /\.tsx$/i.test(path) ? ['typescript', 'jsx'] : ['jsx']
}

// The two kinds of decorators exclude each other: those of frameworks with decorated parameters, and the standard's.
function parsed(text: string, language: readonly ParserPlugin[]): unknown {
  const parseWith = (decorators: ParserPlugin) =>
    parse(text, {
      sourceType: 'unambiguous',
      plugins: [...language, decorators, 'decoratorAutoAccessors', 'explicitResourceManagement'],
      allowReturnOutsideFunction: true,
      allowAwaitOutsideFunction: true,
      allowSuperOutsideMethod: true,
      allowUndeclaredExports: true,
      attachComment: false,
    })
  try {
    return parseWith('decorators-legacy')
  } catch (error) {
    if (!text.includes('@')) throw error
    return parseWith('decorators')
  }
}

function commentOf(comment: Tree): Comment {
  return { text: textOf(comment, 'value') ?? '', ...placeOf(comment) }
}

/** Where a node begins. */
export function placeOf(node: Tree): { line: number; column: number } {
  const start = at(node, 'loc', 'start')
  return { line: numberOf(start, 'line') ?? 1, column: (numberOf(start, 'column') ?? 0) + 1 }
}
