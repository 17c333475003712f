// A process of its own with an instance over the given database. It asks again and again what a key is, until it is
// killed; each change of the answer is a line.
import { createTenantry } from '../../src/tenantry.ts'

const [adminUrl = '', key = ''] = process.argv.slice(2)
const tenantry = createTenantry({ adminUrl, migrations: '/nonexistent' })
await tenantry.start()

let last = ''
for (;;) {
  const principal = await tenantry.keys.authenticate(key)
  const answer = principal === null ? 'refused' : 'works'
  if (answer !== last) console.log(answer)
  last = answer
  await new Promise((resolve) => setTimeout(resolve, 2))
}
