// `npm run demo`: two row tenants and two schema tenants on a PostgreSQL of their own, each with its invoices; then what
// each of them sees, and what happens when one reaches for another's. Exits with 1 when an attack gets through.
import { chmodSync, mkdtempSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createTenantry } from 'tenantry'
import { attacks, attempt, kinds } from './invoicing/attacks.mjs'
import { businesses, load, tables, turnover } from './invoicing/data.mjs'
import { bold, dim, green, heading, labelled, red, say, table } from './invoicing/print.mjs'

const migrations = fileURLToPath(new URL('invoicing/migrations', import.meta.url))

function openTenantry() {
  const dataDir = mkdtempSync(join(tmpdir(), 'tenantry-demo-'))
  // Passable, so that the unprivileged user that PostgreSQL runs as for root gets through to its files.
  chmodSync(dataDir, 0o711)
  const onProgress = (line) => say(dim(`  ${line}`))
  const tenantry = createTenantry({ embedded: { dataDir, durable: false, onProgress }, migrations })
  const close = async () => {
    await tenantry.close()
    const record = await readFile(join(dataDir, 'embedded.json'), 'utf8').catch(() => '{}')
    for (const folder of [JSON.parse(record).home, dataDir]) {
      if (folder !== undefined) await rm(folder, { recursive: true, force: true })
    }
  }
  return { tenantry, close }
}

async function setUp(tenantry) {
  heading('Starting')
  await tenantry.start()
  for (const name of tables) await tenantry.protect(name)
  say(`  PostgreSQL runs; the shared tables ${tables.join(', ')} are protected.`)
  const tenants = []
  for (const business of businesses) {
    const { name, slug, isolation } = business
    const tenant = await tenantry.tenants.create({ name, slug, isolation })
    await load(tenantry.scope(slug), business)
    tenants.push(tenant)
    const where = isolation === 'row' ? 'rows of the shared tables' : `the schema ${tenant.schemaName}`
    say(`  ${bold(name)} (${slug}): ${isolation}, in ${where}`)
  }
  return tenants
}

async function showOwnRows(tenantry, tenants) {
  heading('Each tenant sees its own rows, by one and the same query')
  for (const { name, slug } of tenants) {
    const { rows } = await tenantry.run(slug, () => tenantry.pool.query(turnover))
    say(`\n  ${bold(name)}`)
    table(rows, ['customer', 'invoices', 'total'])
  }
}

/** One block for an attack; true where it got through. */
async function showAttack(tenantry, { attacker, victim, attack }) {
  const { refused, answer } = await attempt(tenantry.scope(attacker.slug), attack)
  say(`\n  ${refused ? green('REFUSED') : red('GOT THROUGH')}  ${bold(attack.kind)}, ${attacker.isolation} tenants`)
  labelled('tried', `as ${attacker.slug}, to reach ${victim.slug}:\n${attack.text}`)
  labelled('answered', answer)
  labelled('why', refused ? attack.why : 'this is a leak: please report it as SECURITY.md says')
  return !refused
}

async function countInvoices(tenantry, tenants) {
  const counts = []
  for (const { slug } of tenants) {
    const { rows } = await tenantry.scope(slug).query('select count(*)::integer as invoices from invoices')
    counts.push(rows[0].invoices)
  }
  return counts.join(', ')
}

async function showAttacks(tenantry, tenants) {
  heading("Injected SQL in one tenant's scope reaches for another tenant's invoices")
  const before = await countInvoices(tenantry, tenants)
  const pairs = [
    tenants.filter(({ isolation }) => isolation === 'row'),
    tenants.filter(({ isolation }) => isolation === 'schema'),
  ]
  const all = pairs.flatMap(([attacker, victim]) =>
    attacks(attacker, victim).map((attack) => ({ attacker, victim, attack })),
  )
  let gotThrough = 0
  for (const kind of kinds) {
    for (const each of all.filter(({ attack }) => attack.kind === kind)) {
      if (await showAttack(tenantry, each)) gotThrough += 1
    }
  }
  const changed = (await countInvoices(tenantry, tenants)) !== before
  return { tried: all.length, gotThrough: gotThrough + (changed ? 1 : 0) }
}

async function demo(tenantry) {
  const tenants = await setUp(tenantry)
  await showOwnRows(tenantry, tenants)
  const { tried, gotThrough } = await showAttacks(tenantry, tenants)
  say()
  if (gotThrough === 0)
    say(green(`All ${tried} attacks were refused by the database; nobody's rows were seen or changed.`))
  else say(red(`${gotThrough} of ${tried} attacks got through.`))
  return gotThrough === 0 ? 0 : 1
}

const { tenantry, close } = openTenantry()
let isInterrupted = false
process.once('SIGINT', () => {
  isInterrupted = true
  void close()
})
try {
  process.exitCode = await demo(tenantry)
} catch (error) {
  // After Ctrl-C the demo ends because its instance was closed.
  if (!isInterrupted) throw error
  process.exitCode = 130
} finally {
  await close()
}
