// A process of its own that brings the fleet of a database up to date, told what its migrations are, and is killed at
// some point of it: `started`, `done <n>` as it goes, `ended <state>`.
import { readInstance } from '../../src/control/instance.ts'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import { createMigrations } from '../../src/features/migrations/create-migrations.ts'
import type { MigrationFile } from '../../src/features/migrations/migration-file.ts'
import { createFleetMigrations } from '../../src/features/migrations/runner/create-fleet.ts'

const [url = '', tenantFiles = '[]', times = '{}', runOptions = '{}', sharedFiles = '[]'] = process.argv.slice(2)
const tenant = JSON.parse(tenantFiles) as readonly MigrationFile[]
const database = openCentralDatabase({ url })
const { roles } = await readInstance(database)
const files = { shared: JSON.parse(sharedFiles) as readonly MigrationFile[], tenant }
const fleet = createFleetMigrations({
  ...{ database, files, roles, migrations: createMigrations({ files, roles }) },
  open: (max) => openCentralDatabase({ url, max, applicationName: 'a fleet child' }),
  times: JSON.parse(times) as { heartbeatMs: number; leaseMs: number },
})
console.log('started')
const run = await fleet.up({
  ...(JSON.parse(runOptions) as object),
  onProgress: ({ done }) => console.log(`done ${done}`),
})
console.log(`ended ${run.state}`)
await database.close()
