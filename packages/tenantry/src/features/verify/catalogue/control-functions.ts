// What the control plane's functions and triggers are, read from the same SQL files that init applies, so that the two
// cannot disagree. Pure.

export interface ExpectedFunction {
  readonly name: string
  /** The body between the dollar quotes; for SQL-standard bodies the expression behind RETURN. */
  readonly body: string
  readonly isSqlBody: boolean
  readonly securityDefiner: boolean
  /** pg_proc.provolatile */
  readonly volatility: string
  /** pg_proc.proparallel */
  readonly parallel: string
  readonly language: string
  /** As pg_proc.proconfig has it. */
  readonly settings: readonly string[]
  /** Makes it anew as it was. */
  readonly statement: string
}

export interface ExpectedTrigger {
  readonly name: string
  readonly table: string
  readonly statement: string
}

const FUNCTION =
  /create (?:or replace )?function tenantry\.(\w+)\s*(\([^)]*\)[^$;]*?)(?:\bas \$(\w*)\$([\s\S]*?)\$\3\$|\breturn\b(?!s)([^;]*))([^$;]*);/gi
const DROPPED = /drop function (?:if exists )?tenantry\.(\w+)/gi
const TRIGGER = /create (?:constraint )?trigger (\w+)\s[^;]*?\son tenantry\.(\w+)[^;]*;/gi
const SETTING = /\bset (\w+) (?:=|to) (?:'([^']*)'|([\w".]+(?:\s*,\s*[\w".]+)*))/gi
/** Settings whose names the catalogue spells otherwise than a file may. */
const SPELLED: Readonly<Record<string, string>> = { datestyle: 'DateStyle', intervalstyle: 'IntervalStyle' }

/** The functions that these files leave behind, the last definition of each. */
export function expectedFunctions(files: readonly string[]): ReadonlyMap<string, ExpectedFunction> {
  const functions = new Map<string, ExpectedFunction>()
  for (const text of files) {
    const found = [...text.matchAll(FUNCTION), ...text.matchAll(DROPPED)].sort((a, b) => a.index - b.index)
    for (const match of found) {
      const name = match[1] ?? ''
      if (/^drop/i.test(match[0])) functions.delete(name)
      else functions.set(name, toFunction(name, match))
    }
  }
  return functions
}

function toFunction(name: string, match: RegExpExecArray): ExpectedFunction {
  const [statement, , head = '', , quoted, expression = '', tail = ''] = match
  const attributes = `${head} ${tail}`
  return {
    name,
    body: quoted ?? expression,
    isSqlBody: quoted === undefined,
    securityDefiner: /\bsecurity definer\b/i.test(attributes),
    volatility: (/\b(immutable|stable)\b/i.exec(attributes)?.[1] ?? 'volatile').slice(0, 1).toLowerCase(),
    parallel: (/\bparallel (\w+)/i.exec(attributes)?.[1] ?? 'unsafe').slice(0, 1).toLowerCase(),
    language: (/\blanguage (\w+)/i.exec(attributes)?.[1] ?? 'sql').toLowerCase(),
    settings: [...attributes.matchAll(SETTING)].map(
      ([, key = '', quotedValue, value = '']) => `${SPELLED[key] ?? key}=${quotedValue ?? value}`,
    ),
    statement: statement.replace(/^create (?:or replace )?/i, 'create or replace '),
  }
}

/** The triggers that these files make. */
export function expectedTriggers(files: readonly string[]): readonly ExpectedTrigger[] {
  return files.flatMap((text) =>
    [...text.matchAll(TRIGGER)].map(([statement, name = '', table = '']) => ({ name, table, statement })),
  )
}

/**
 * A SQL-standard body without what PostgreSQL adds when it writes it down: casts of literals to text, parentheses, its
 * own schema's name.
 */
export function normalisedBody(body: string): string {
  return body
    .toLowerCase()
    .replace(/^\s*return\b/, '')
    .replace(/pg_catalog\.|::text|[\s();]/g, '')
}
