// A process that fills a change in the smallest batches and says so after each, until it is killed.
import { createTenantry } from '../../src/tenantry.ts'

const [adminUrl = '', name = ''] = process.argv.slice(2)
const tenantry = createTenantry({ adminUrl, migrations: '/nonexistent' })
await tenantry.changes.backfill(name, {
  ...{ batchMs: 0, pauseMs: 20 },
  onProgress: ({ filled }) => {
    console.log(`filled ${filled}`)
  },
})
await tenantry.close()
