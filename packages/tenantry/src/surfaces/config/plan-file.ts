// The file that keeps a plan of adoption: YAML with a comment for each table, or JSON. Beside config-file, the only file
// that knows YAML.
import { readFile, writeFile } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { TenantryError } from '../../kernel/errors.ts'

/** What the comments of a plan file are made from, and what it keeps. */
export interface PlanContent {
  readonly tables: readonly { readonly table: string; readonly comment: string }[]
  readonly head: string
  readonly plan: { readonly tables: readonly object[] }
}

/** Reads the file as data. Throws PLAN_NOT_FOUND, and PLAN_INVALID with line and column. */
export async function readPlanFile(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new TenantryError('PLAN_NOT_FOUND', `There is no plan ${basename(path)} that can be read.`, { cause })
  })
  const { parseDocument } = await import('yaml')
  const document = parseDocument(text, { prettyErrors: true, uniqueKeys: true })
  const [mistake] = document.errors
  if (mistake !== undefined) {
    const [{ line, col } = { line: 0, col: 0 }] = mistake.linePos ?? []
    throw new TenantryError(
      'PLAN_INVALID',
      `The plan ${basename(path)} is not valid YAML (line ${line}, column ${col}, ${mistake.code}).`,
    )
  }
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (cause) {
    throw new TenantryError('PLAN_INVALID', `The plan ${basename(path)} refers to itself too often.`, { cause })
  }
}

/** Writes the file, as JSON where its name ends so. */
export async function writePlanFile(path: string, content: PlanContent): Promise<void> {
  const text = extname(path) === '.json' ? `${JSON.stringify(content.plan, null, 2)}\n` : await planText(content)
  await writeFile(path, text)
}

/** The plan as YAML with its comments. */
export async function planText({ plan, head, tables }: PlanContent): Promise<string> {
  const { Document, isMap, isSeq } = await import('yaml')
  const document = new Document(plan)
  document.commentBefore = commentText(head)
  const listed = document.get('tables')
  if (isSeq(listed)) {
    for (const [i, item] of listed.items.entries()) {
      if (!isMap(item)) continue
      item.commentBefore = commentText(tables[i]?.comment ?? '')
      item.spaceBefore = true
      // One step and one key a line.
      for (const name of ['path', 'keys']) {
        const steps = item.get(name)
        if (isSeq(steps)) for (const step of steps.items) if (isMap(step)) step.flow = true
      }
    }
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: true })
}

const commentText = (text: string): string =>
  text
    .split('\n')
    .map((line) => ` ${line}`)
    .join('\n')
