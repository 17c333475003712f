// sql: a shell inside one tenant.
import { TenantryError } from '../../../kernel/errors.ts'
import { isUuid, isValidSlug } from '../../../kernel/identifiers.ts'
import type { CommandRun, CommandSpec } from '../command.ts'
import { isInteractive } from '../io.ts'
import { readAll, runScript, runShell, type SqlSession } from '../sql-shell.ts'
import { requireAdminUrl } from '../target.ts'

export const sqlCommand: CommandSpec = {
  name: 'sql',
  group: 'Data:',
  summary: 'Run SQL inside one tenant, read-only unless --write is given.',
  notes: [
    'Statements come from the command line, from standard input, or from a shell on a terminal. Each runs in a',
    'transaction of its own. The first that fails ends a script; a shell goes on.',
    'With TENANTRY_TENANT set, a single word that is no slug and no id is taken as the statement.',
  ],
  arguments: [
    ['[tenant]', 'slug or id; TENANTRY_TENANT where it is left out'],
    ['[statement]', 'SQL, in quotes'],
  ],
  options: [{ flags: '--write', description: 'let statements change data' }],
  examples: [
    { line: 'sql acme', explains: 'a shell; \\q leaves it' },
    { line: 'sql acme "select count(*) from invoices"', explains: 'one statement' },
    { line: 'sql acme --write "delete from drafts"', explains: 'one that writes' },
  ],
  exits: {
    1: 'a statement failed',
    3: 'no such tenant',
    4: 'the tenant cannot be entered, or the statement is refused',
    5: 'the database cannot be reached',
    130: 'interrupted',
  },
  environment: [
    ['DATABASE_ADMIN_URL', 'database of the instance; the statement runs as its scoped login'],
    ['TENANTRY_TENANT', 'tenant to enter where none is named'],
  ],
  async run(run) {
    const adminUrl = requireAdminUrl(run.target, 'sql')
    const { ref, statement } = sqlWords(run)
    const tenantry = await run.composition.createTenantry({ adminUrl })
    try {
      const { slug } = await tenantry.tenants.get(ref)
      const scope = tenantry.scope(ref)
      const { io, output, json } = run
      const readOnly = !run.input.flag('write')
      const session = { io, output, json, slug, readOnly, transaction: scope.transaction.bind(scope) }
      return await converse(session, statement)
    } finally {
      await tenantry.close()
    }
  },
}

async function converse(session: SqlSession, statement: string | undefined): Promise<number | undefined> {
  if (statement === undefined && isInteractive(session.io)) return await runShell(session)
  await runScript(session, statement ?? (await readAll(session.io)))
  return undefined
}

/** The tenant and the statement of the command line. Throws USAGE where no tenant is named. */
export function sqlWords({ input, io }: Pick<CommandRun, 'input' | 'io'>): { ref: string; statement?: string } {
  const [first, second] = [input.argument(0), input.argument(1)]
  const standing = io.env['TENANTRY_TENANT'] || undefined
  if (first !== undefined && second !== undefined) return { ref: first, statement: second }
  if (first !== undefined && (isValidSlug(first) || isUuid(first))) return { ref: first }
  if (standing !== undefined) return first === undefined ? { ref: standing } : { ref: standing, statement: first }
  if (first !== undefined) return { ref: first }
  throw new TenantryError('USAGE', 'No tenant is named.', {
    fix: 'Name it by slug or id after the command, or set TENANTRY_TENANT.',
  })
}
