// A process that runs one verb on the tenant `victim` and kills itself at the named point of the journal.
import { readInstance } from '../../src/control/instance.ts'
import { openCentralDatabase } from '../../src/engine/sql/central-database.ts'
import { createTenants } from '../../src/tenants/create-tenants.ts'
import { tenantsOptions } from '../harness/tenants-options.ts'
import { ledgers } from './journal-participant.ts'

const [url = '', verb = '', fatalPoint = ''] = process.argv.slice(2)
const admin = openCentralDatabase({ url, max: 2 })
const tenants = createTenants({
  ...tenantsOptions(admin, await readInstance(admin)),
  participants: [ledgers],
  onStep: (point) => {
    if (point !== fatalPoint) return
    process.kill(process.pid, 'SIGKILL')
    // Signals arrive a moment later; nothing may happen in between.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  },
})

if (verb === 'create') await tenants.create({ name: 'Victim', slug: 'victim', isolation: 'schema' })
if (verb === 'provision') await tenants.provision('victim')
if (verb === 'purge') await tenants.purge('victim', { confirm: 'victim' })
console.log('survived')
await admin.close()
