// What looks as if it lay in the wrong folder. Nothing here is refused: each of it can be meant. Pure.
import type { MigrationFile, MigrationFiles } from './migration-file.ts'
import { isSignificant, readStatements, type SqlToken, tokensOf } from './sql-statements.ts'

/**
 * Says, a sentence each, which migrations may be in the wrong set, have no effect, or are there twice.
 *
 * @example
 * ```ts
 * for (const warning of migrationWarnings(await readMigrationFiles('./migrations'))) console.warn(warning)
 * ```
 */
export function migrationWarnings({ shared, tenant, strays = [] }: MigrationFiles): readonly string[] {
  return [
    ...strays.map((path) => `${path} is not read: it lies in a folder of its own. Move it beside the others.`),
    ...sharedWarnings(shared),
    ...tenant.flatMap(tenantWarnings),
    ...copyWarnings(shared, tenant),
    ...nameWarnings('shared', shared),
    ...nameWarnings('tenant', tenant),
  ]
}

interface Statement {
  readonly tokens: readonly SqlToken[]
  /** A comment above it says `tenantry: global`. */
  readonly isGlobal: boolean
}

/** Tables of the shared set that nothing ties to a tenant. */
function sharedWarnings(files: readonly MigrationFile[]): readonly string[] {
  const statements = files.filter(isSql).flatMap((file) => statementsOf(file).map((each) => ({ file, ...each })))
  const names = (tokens: readonly SqlToken[]) => new Set(tokens.map((token) => unquoted(token)))
  const scoped = statements.filter(({ tokens }) => names(tokens).has('tenant_id')).map(({ tokens }) => tableOf(tokens))
  return statements.flatMap(({ file, tokens, isGlobal }) => {
    const table = isGlobal || !isCreateTable(tokens) ? undefined : tableOf(tokens)
    return table === undefined || scoped.includes(table)
      ? []
      : [
          `shared/${file.name} makes the table ${table} without tenant_id, so no policy will protect it. Give it one, move ` +
            'it to tenant/, or say `-- tenantry: global <reason>` above it.',
        ]
  })
}

function tenantWarnings(file: MigrationFile): readonly string[] {
  const where = `tenant/${file.name}`
  if (!isSql(file)) return codeWarnings(file.text, where)
  const statements = statementsOf(file)
  const scoped = statements.filter(({ tokens }) => tokens.some((token) => unquoted(token) === 'tenant_id'))
  const moved = file.pieces === undefined ? statements.filter(({ tokens }) => changesPublic(tokens)) : []
  const inside = file.pieces === undefined ? [] : statements.filter(({ tokens }) => namesPublicInBody(tokens))
  return [
    ...(scoped.length > 0
      ? [`${where} names tenant_id, which tables of a tenant’s own schema need not have. ${IS_SHARED}`]
      : []),
    ...(moved.length > 0 ? [`${where} changes the schema public. ${IS_SHARED}`] : []),
    ...(inside.length > 0
      ? [`${where} names the schema public in the body of a function, where it stays public.`]
      : []),
  ]
}

const IS_SHARED = 'Does it belong into shared/?'

function codeWarnings(text: string, where: string): readonly string[] {
  return [
    ...(/\btenant_id\b/.test(text)
      ? [`${where} names tenant_id, which tables of a tenant’s own schema need not have. ${IS_SHARED}`]
      : []),
    ...(/withSchema\(\s*['"]public['"]/.test(text) ? [`${where} changes the schema public. ${IS_SHARED}`] : []),
  ]
}

function copyWarnings(shared: readonly MigrationFile[], tenant: readonly MigrationFile[]): readonly string[] {
  const byChecksum = new Map(shared.map((file) => [file.checksum, file.name]))
  return tenant.flatMap(({ name, checksum, text }) => {
    const twin = text.trim() === '' ? undefined : byChecksum.get(checksum)
    return twin === undefined ? [] : [`tenant/${name} is the same as shared/${twin}.`]
  })
}

/** Two files of one set with one name under two numbers: mostly one of them was to replace the other. */
function nameWarnings(set: string, files: readonly MigrationFile[]): readonly string[] {
  const seen = new Map<string, string>()
  return files.flatMap(({ name }) => {
    const label = name.replace(/^\d+[_-]/, '').replace(/\.\w+$/, '')
    const first = seen.get(label)
    seen.set(label, first ?? name)
    return first === undefined ? [] : [`${set}/${name} has the same name as ${set}/${first}.`]
  })
}

const isSql = ({ run }: MigrationFile): boolean => run === undefined

function statementsOf({ text }: MigrationFile): readonly Statement[] {
  const { statements } = readStatements(text)
  return statements.map(({ start, end }, index) => {
    const above = text.slice(statements[index - 1]?.end ?? 0, start)
    return {
      tokens: [...tokensOf(text.slice(start, end))].filter(isSignificant),
      isGlobal: /(--|\/\*)\s*tenantry:\s*global\b/.test(above),
    }
  })
}

function unquoted({ kind, text }: SqlToken): string {
  if (kind === 'word') return text.toLowerCase()
  return kind === 'quoted' && text.startsWith('"') ? text.slice(1, -1) : ''
}

function nameAt(tokens: readonly SqlToken[], index: number): string {
  const token = tokens[index]
  return token === undefined ? '' : unquoted(token)
}

function isCreateTable(tokens: readonly SqlToken[]): boolean {
  const words = tokens.slice(0, 4).map(unquoted)
  // A partition is protected with its table; a temporary table does not stay.
  const isPartition = tokens.some(
    (token, index) => unquoted(token) === 'partition' && nameAt(tokens, index + 1) === 'of',
  )
  return words[0] === 'create' && ['table', 'unlogged'].includes(words[1] ?? '') && !isPartition
}

/** The table of CREATE TABLE and ALTER TABLE, without its schema. */
function tableOf(tokens: readonly SqlToken[]): string | undefined {
  let at = tokens.findIndex((token) => unquoted(token) === 'table') + 1
  if (at === 0) return undefined
  while (['if', 'not', 'exists', 'only'].includes(nameAt(tokens, at))) at += 1
  if (tokens[at + 1]?.text === '.') at += 2
  return nameAt(tokens, at) || undefined
}

/** The name before the first parenthesis, of what is made, altered or dropped, is in "public". */
function changesPublic(tokens: readonly SqlToken[]): boolean {
  if (!['create', 'alter', 'drop', 'truncate'].includes(nameAt(tokens, 0))) return false
  const end = tokens.findIndex((token) => token.text === '(' || ['references', 'as'].includes(unquoted(token)))
  return tokens
    .slice(0, end < 0 ? tokens.length : end)
    .some((token, index) => unquoted(token) === 'public' && tokens[index + 1]?.text === '.')
}

const namesPublicInBody = (tokens: readonly SqlToken[]): boolean =>
  tokens[0]?.text.toLowerCase() === 'create' &&
  tokens.some(({ kind, text }) => kind === 'dollar' && /\bpublic"?\s*\./i.test(text))
