// A process of its own with an instance over the given database. It starts, says so, and then enters the named
// tenants again and again until it is killed: each change of how that ends is a line, `<slug> <outcome>`.
import { isTenantryError } from '../../src/kernel/errors.ts'
import { createTenantry } from '../../src/tenantry.ts'

const [adminUrl = '', ...slugs] = process.argv.slice(2)
const tenantry = createTenantry({ adminUrl, migrations: '/nonexistent' })
await tenantry.start()
console.log('started')

async function enter(slug: string): Promise<string> {
  try {
    await tenantry.run(slug, () => tenantry.pool.query('select tenantry.current_tenant_id()'))
    return 'entered'
  } catch (error) {
    return isTenantryError(error) ? error.code : String(error)
  }
}

const last = new Map<string, string>()
while (slugs.length > 0) {
  for (const slug of slugs) {
    const outcome = await enter(slug)
    if (last.get(slug) !== outcome) console.log(`${slug} ${outcome}`)
    last.set(slug, outcome)
  }
  await new Promise((resolve) => setTimeout(resolve, 5))
}
await tenantry.close()
