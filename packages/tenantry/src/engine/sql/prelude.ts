// The prelude: one SELECT that binds role, search_path and signed context to the transaction it shares with the
// tenant's statement. Its Bind and Execute messages are encoded once per context and sent as bytes.
import { quoteIdentifier } from '../../kernel/identifiers.ts'
import { EXECUTE, encodeBind, encodeParse } from './wire-messages.ts'

/** The settings a statement runs under. */
export interface PreludeSettings {
  readonly role: string
  /** Schemas in order, unquoted; `pg_temp` is added at the end. */
  readonly searchPath: readonly string[]
  readonly token: string
  /** A schema that must exist, or the whole flush fails. */
  readonly requiredSchema?: string | undefined
  readonly statementTimeoutMs?: number | undefined
  /** Lets the transaction only read, from here to its end. */
  readonly readOnly?: boolean | undefined
}

export interface Prelude {
  /** Name of the prepared statement; there are eight shapes. */
  readonly name: string
  readonly text: string
  /** Sets a statement_timeout, which lasts until the transaction ends. */
  readonly limitsTime: boolean
  /** Makes the transaction read-only, which PostgreSQL lets nobody take back once it has looked at a row. */
  readonly readOnly: boolean
  /** Bind and Execute for this context. */
  readonly message: Buffer
  /** The same with a Parse, for the unnamed statement. */
  readonly unnamed: Buffer
}

const set = (setting: string, parameter: number) => `pg_catalog.set_config('${setting}', $${parameter}, true)`

// A WHERE that is never true keeps the answer free of rows: no operand is ever null, so each one is evaluated. OR and
// IS NULL cost nothing, unlike functions and operators, whose rights are checked anew by every execution. The advisory
// unlock drops what an earlier tenant's statement may have left on the connection: residue that no SET makes.
function textOf(operands: readonly string[]): string {
  return `select 1 where ${[...operands, 'pg_catalog.pg_advisory_unlock_all()'].map((each) => `${each} is null`).join(' or ')}`
}

export function encodePrelude(settings: PreludeSettings): Prelude {
  const path = [...settings.searchPath.map(quoteIdentifier), 'pg_temp'].join(', ')
  const values = [settings.role, path, settings.token]
  const operands = [set('role', 1), set('search_path', 2), set('tenantry.context', 3)]
  let name = 'tenantry_prelude'
  if (settings.requiredSchema !== undefined) {
    values.push(quoteIdentifier(settings.requiredSchema))
    operands.push(`$${values.length}::pg_catalog.regnamespace`)
    name += '_schema'
  }
  if (settings.statementTimeoutMs !== undefined) {
    values.push(String(Math.max(1, Math.ceil(settings.statementTimeoutMs))))
    operands.push(set('statement_timeout', values.length))
    name += '_timeout'
  }
  if (settings.readOnly === true) {
    operands.push("pg_catalog.set_config('transaction_read_only', 'on', true)")
    name += '_read_only'
  }
  const text = textOf(operands)
  const message = Buffer.concat([encodeBind(name, values, false), EXECUTE])
  let unnamed: Buffer | undefined
  return {
    ...{ name, text, limitsTime: settings.statementTimeoutMs !== undefined, message },
    readOnly: settings.readOnly === true,
    // Made when it is asked for: most connections are direct.
    get unnamed() {
      unnamed ??= Buffer.concat([encodeParse('', text), encodeBind('', values, false), EXECUTE])
      return unnamed
    },
  }
}
