// Provisioning a schema tenant with 30 tables, against the same DDL (schema, tables, indexes, keys, guards, grants)
// sent by hand in one flush.
import { plainScript, timed, writeMigrations } from '../src/provisioning.mjs'
import { median, round } from '../src/report.mjs'
import { openStage } from '../src/stage.mjs'

const TENANTS_A_ROUND = 3

export async function run({ rounds, progress }) {
  const { folder: migrations, remove } = await writeMigrations()
  const stage = await openStage({ migrations, isolation: 'schema' })
  try {
    const { rows } = await stage.central('select id from tenantry.instance')
    const roles = { app: `tn_${rows[0].id}_app`, central: `tn_${rows[0].id}_central` }
    await one(stage, roles, { name: 'warm-up', tenantFirst: true })
    const measured = []
    for (let at = 0; at < rounds; at++) {
      for (let each = 0; each < TENANTS_A_ROUND; each++)
        measured.push(await one(stage, roles, { name: `${at}-${each}`, tenantFirst: at % 2 === 0 }))
      progress(`round ${at + 1} of ${rounds}`)
    }
    const ratio = round(median(measured.map(({ tenant, plain }) => tenant / plain)), 3)
    const ms = (key) => round(median(measured.map((each) => each[key])), 1)
    return {
      ratios: { schema: ratio, 'schema ms': ms('tenant'), 'one flush ms': ms('plain') },
      rows: [
        { mode: 'one flush', ms: ms('plain'), ratio: 1 },
        { mode: 'tenants.create', ms: ms('tenant'), ratio },
      ],
    }
  } finally {
    await stage.close()
    await remove()
  }
}

async function one(stage, roles, { name, tenantFirst }) {
  const makeTenant = () => timed(() => stage.tenantry.tenants.create({ name, slug: `t-${name}` }))
  const plain = () => timed(() => stage.admin(plainScript(`plain_${name.replaceAll('-', '_')}`, roles)))
  if (tenantFirst) return { tenant: await makeTenant(), plain: await plain() }
  const first = await plain()
  return { plain: first, tenant: await makeTenant() }
}
