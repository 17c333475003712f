// A participant with a table in the tenant's schema and rows in a shared one.
import type { Participant } from '../../src/tenants/participant.ts'

/** Needs the table public.shared_ledger (tenant_id uuid, id integer). */
export const ledgers: Participant = {
  name: 'ledgers',
  provision: async (tx, { id, schemaName }) => {
    await tx.query(`create table ${schemaName}.ledger (id integer primary key)`)
    await tx.query('insert into public.shared_ledger values ($1, 1)', [id])
  },
  undoProvision: async (tx, { id }) => {
    await tx.query('delete from public.shared_ledger where tenant_id = $1', [id])
  },
}
