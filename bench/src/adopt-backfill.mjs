// The backfill of an adoption against an UPDATE in batches that somebody wrote by hand for the same rows.
import pg from 'pg'
import { median, round } from './report.mjs'

const ROOTS = 200
const BATCH = 5_000

/** Rows a second of `adopt.apply` ÷ rows a second by hand, over `rows` rows of a child table; interleaved rounds. */
export async function measureBackfill(stage, { rounds = 3, rows = 100_000, progress = () => undefined } = {}) {
  const client = new pg.Client({ connectionString: stage.adminUrl })
  await client.connect()
  try {
    const measured = []
    for (let at = 0; at < rounds; at++) {
      const sides = [
        ['adopt', () => byAdoption(stage, client, rows)],
        ['hand', () => byHand(client, rows)],
      ]
      const round = {}
      for (const [name, run] of at % 2 === 0 ? sides : sides.reverse()) round[name] = await run()
      measured.push(round)
      progress(`backfill round ${at + 1} of ${rounds}`)
    }
    const rate = (side) => rows / (median(measured.map((each) => each[side])) / 1000)
    const ratio = round(median(measured.map(({ adopt, hand }) => hand / adopt)), 3)
    return {
      ratio,
      rows: [
        { mode: 'UPDATE by hand', 'rows/s': Math.round(rate('hand')), ratio: 1 },
        { mode: 'adopt backfill', 'rows/s': Math.round(rate('adopt')), ratio },
      ],
    }
  } finally {
    await client.end()
  }
}

const SCHEMA = 'backfill_bench'

async function makeTables(client, rows) {
  await client.query(`
    drop schema if exists ${SCHEMA} cascade; create schema ${SCHEMA}; set search_path = ${SCHEMA};
    create table company (id int primary key, name text not null);
    create table entry (id bigint primary key, company_id int not null references company, amount numeric(10, 2) not null, text text);
    insert into company select n, 'company ' || n from generate_series(1, ${ROOTS}) n;
    insert into entry select n, 1 + n % ${ROOTS}, n, 'entry number ' || n from generate_series(1, ${rows}) n;
    reset search_path`)
  await client.query(`vacuum analyze ${SCHEMA}.company, ${SCHEMA}.entry`)
}

async function byAdoption({ tenantry }, client, rows) {
  await makeTables(client, rows)
  const plan = await tenantry.adopt.plan({ root: { table: `${SCHEMA}.company` }, schema: SCHEMA })
  await tenantry.adopt.apply(plan, { to: 'columns' })
  let startedAt = 0
  let endedAt = 0
  await tenantry.adopt.apply(plan, {
    to: 'backfill',
    batchSize: BATCH,
    onProgress: ({ stage, subject, done }) => {
      if (stage !== 'backfill' || subject !== `${SCHEMA}.entry`) return
      // The first batch is where the clock starts on both sides.
      if (startedAt === 0) startedAt = performance.now()
      if (done === rows && endedAt === 0) endedAt = performance.now()
    },
  })
  await tenantry.adopt.revert()
  return ((endedAt - startedAt) * rows) / (rows - BATCH)
}

async function byHand(client, rows) {
  await makeTables(client, rows)
  await client.query(`alter table ${SCHEMA}.company add column tenant_id uuid; update ${SCHEMA}.company set tenant_id = gen_random_uuid();
    alter table ${SCHEMA}.entry add column tenant_id uuid`)
  let startedAt = 0
  for (let from = 0; from < rows; from += BATCH) {
    await client.query(
      `update ${SCHEMA}.entry e set tenant_id = c.tenant_id from ${SCHEMA}.company c where c.id = e.company_id and e.id > $1 and e.id <= $2`,
      [from, from + BATCH],
    )
    if (from === 0) startedAt = performance.now()
  }
  return ((performance.now() - startedAt) * rows) / (rows - BATCH)
}
