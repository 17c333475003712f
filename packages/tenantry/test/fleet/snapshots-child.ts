// A process beside the test's: moves the reference on, fills the pool, or dies while it creates a tenant.
import { readInstance } from '../../src/control/instance.ts'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import { createMigrations } from '../../src/features/migrations/create-migrations.ts'
import type { LedgerEntry } from '../../src/features/migrations/migration-ledger.ts'
import { ensureReference } from '../../src/features/migrations/reference.ts'
import { WarmPool } from '../../src/features/migrations/snapshots/warm-pool.ts'
import { silentLogger } from '../../src/kernel/logger.ts'
import { createTenants } from '../../src/tenants/create-tenants.ts'
import { tenantsOptions } from '../harness/tenants-options.ts'
import { fileOf } from './fixture.ts'

const [url = '', what = '', detail = ''] = process.argv.slice(2)
const database = openCentralDatabase({ url, max: 2, applicationName: 'migrating' })
const instance = await readInstance(database)
const { roles } = instance
const logger = silentLogger

if (what === 'reference') {
  const second = fileOf('0002_second.sql', 'alter table invoice add column paid boolean not null default false')
  const { rows } = await database.query<{ files: LedgerEntry[] }>('select files from tenantry.migration_reference')
  const files = [...(rows[0]?.files ?? []).map(({ name, checksum }) => ({ ...fileOf(name, ''), checksum })), second]
  await ensureReference(database, files, roles)
  const behind = await database.query<{ id: string }>(
    `select t.id from tenantry.tenant t, tenantry.migration_reference r left join tenantry.migration_state s on true
      where t.provisioned_at is not null and s.tenant_id = t.id and s.chain <> r.chain`,
  )
  console.log(`sees ${behind.rows.map(({ id }) => id).join(' ')}`)
}
// The files are the reference's: whoever has none of their own takes what there is.
if (what === 'fill') {
  const pool = new WarmPool({ database, roles, logger, files: [], size: Number(detail) })
  pool.refill()
  await pool.settled()
}
if (what === 'create') {
  const schemas = new WarmPool({ database, roles, logger, files: [], size: 2 })
  const { participant } = createMigrations({ files: { shared: [], tenant: [] }, roles })
  const tenants = createTenants({
    ...tenantsOptions(database, instance),
    ...{ schemas, participants: [participant] },
    onStep: (point) => {
      if (point !== detail) return
      process.kill(process.pid, 'SIGKILL')
      // Signals arrive a moment later; nothing may happen in between.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    },
  })
  await tenants.create({ name: 'Victim', slug: 'victim', isolation: 'schema' })
  console.log('survived')
}
await database.close()
