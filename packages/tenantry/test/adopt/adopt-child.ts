// A process that applies the plan of a file, and says so when it has.
import { readFile } from 'node:fs/promises'
import type { AdoptPlan } from '../../src/features/adopt/plan.ts'
import { createTenantry } from '../../src/tenantry.ts'

const [adminUrl = '', file = '', migrations = '/nonexistent'] = process.argv.slice(2)
// Written by the test that starts this process.
const plan = JSON.parse(await readFile(file, 'utf8')) as AdoptPlan
const tenantry = createTenantry({ adminUrl, migrations })
await tenantry.start()
console.log('started')
await tenantry.adopt.apply(plan, {
  batchSize: 5,
  onProgress: ({ stage, subject, done }) => console.log(`${stage} ${subject} ${done}`),
})
await tenantry.close()
console.log('applied')
