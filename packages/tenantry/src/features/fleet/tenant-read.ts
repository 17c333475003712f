// The statement in one tenant: a cursor in a read-only transaction, as the role of all tenant statements and with the
// tenant's own signed context, so that its policies decide what is seen. Never more than a batch is held.
import { Scope } from '../../engine/context/scope.ts'
import { types } from '../../engine/sql/pg.ts'
import type { ScopedPool } from '../../engine/sql/scoped-pool.ts'
import { runTransaction, type Transaction } from '../../engine/sql/transaction.ts'
import type { Tenant } from '../../tenants/tenant.ts'
import type { Column, RawRow } from './column.ts'
import type { FleetRow } from './fleet.ts'

export interface TenantRead {
  readonly sql: string
  readonly values: readonly unknown[]
  /** Ends the read; a statement under way is given up with its connection. */
  readonly signal: AbortSignal
  /** Takes a batch, `at` of whose rows came before; false where no more are wanted. */
  readonly take: (columns: readonly Column[], rows: readonly RawRow[], at: number) => Promise<boolean>
}

const BATCH_ROWS = 250
const CURSOR = 'tenantry_fleet'
const FETCH = { text: `fetch ${BATCH_ROWS} from ${CURSOR}`, rowMode: 'array', types: { getTypeParser } }

/** The values stay texts; see column.ts. */
function getTypeParser() {
  return (text: string) => text
}

/** Reads one tenant; true where it was read to its end. Throws what the statement and entering the tenant throw. */
export async function readTenant(pool: ScopedPool, tenant: Pick<Tenant, 'id' | 'slug'>, read: TenantRead) {
  const client = await pool.checkOut(new Scope(tenant, {}, new Set([tenant.id])))
  const giveUp = () => void client.abandon()
  read.signal.addEventListener('abort', giveUp)
  try {
    return await runTransaction(client, { readOnly: true }, (tx) => readCursor(tx, read))
  } finally {
    read.signal.removeEventListener('abort', giveUp)
    client.release()
  }
}

async function readCursor(tx: Transaction, { sql, values, signal, take }: TenantRead): Promise<boolean> {
  // On a line of its own: the statement may begin with a comment. With values, PostgreSQL takes one statement alone.
  await tx.query({ text: `declare ${CURSOR} no scroll cursor without hold for\n${sql}`, values: [...values] })
  for (let at = 0; !signal.aborted; ) {
    const { fields, rows } = await tx.query<(string | null)[]>(FETCH)
    const columns = fields.map(({ name, dataTypeID: type }) => ({ name, type }))
    const isWanted = await take(columns, rows, at)
    at += rows.length
    if (rows.length < BATCH_ROWS) return true
    if (!isWanted) return false
  }
  return false
}

/** A row as the caller gets it, with the types that a query of pg's own has. */
export function toRow(columns: readonly Column[], row: RawRow): FleetRow {
  return Object.fromEntries(columns.map(({ name, type }, at) => [name, toValue(type, row[at] ?? null)]))
}

function toValue(type: number, text: string | null): unknown {
  if (text === null) return null
  // Its types name the built-in types alone; there are others.
  const parserOf = types.getTypeParser as (type: number) => (text: string) => unknown
  return parserOf(type)(text)
}
