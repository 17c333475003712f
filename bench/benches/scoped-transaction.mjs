// BEGIN, three statements, COMMIT: raw against scoped. BEGIN rides with the first scoped statement; with
// queryAndCommit the COMMIT rides with the last.
import { measureRounds } from '../src/rounds.mjs'
import { addRowTenants, openStage } from '../src/stage.mjs'

const READ = 'select balance from account where id = $1'
const WRITE = 'update account set balance = balance + 1 where id = $1'
const ACCOUNTS = 20

export async function run({ rounds, progress, only }) {
  const stage = await openStage()
  try {
    progress('preparing data')
    const tenants = await addRowTenants(stage, 500, 'row-')
    await stage.central(`create table plain_account (tenant_id uuid not null, id int not null, balance int not null, primary key (tenant_id, id));
      create table account (like plain_account including all);
      insert into plain_account select t.id, g, 0 from tenantry.tenant t, generate_series(1, ${ACCOUNTS}) g;
      insert into account select * from plain_account; grant select, update on plain_account to bench_plain`)
    await stage.tenantry.protect('account')
    await stage.central('vacuum analyze account')
    await stage.central('vacuum analyze plain_account')
    const results = await measureRounds(modesOf(stage, tenants), { rounds, progress, only })
    const ratios = Object.fromEntries(results.filter(({ ratio }) => ratio).map(({ key, ratio }) => [key, ratio]))
    return {
      ratios,
      rows: results.map(({ key, perSecond, ratio }) => ({ mode: key, 'per second': perSecond, ratio: ratio ?? 1 })),
    }
  } finally {
    await stage.close()
  }
}

function modesOf({ tenantry, plainPool }, tenants) {
  const pool = plainPool()
  const write = ['write', WRITE]
  const read = ['read', READ]
  const pick = () => tenants[Math.floor(Math.random() * tenants.length)]
  const account = () => 1 + Math.floor(Math.random() * ACCOUNTS)
  const plain = ([name, text], tenant, id) => ({
    name,
    text: text.replace('account', 'plain_account').replace('where', 'where tenant_id = $2 and'),
    values: [id, tenant],
  })
  const raw = async (last) => {
    const tenant = pick()
    const client = await pool.connect()
    try {
      await client.query('begin')
      await client.query(plain(read, tenant, account()))
      await client.query(plain(read, tenant, account()))
      await client.query(plain(last, tenant, account()))
      await client.query('commit')
    } finally {
      client.release()
    }
  }
  const scoped = (last, method) =>
    tenantry.scope(pick()).transaction(async (tx) => {
      await tx.query({ name: 'read', text: READ, values: [account()] })
      await tx.query({ name: 'read', text: READ, values: [account()] })
      await tx[method]({ name: last[0], text: last[1], values: [account()] })
    })
  return [
    { key: 'raw', inFlight: 8, operation: () => raw(write) },
    { key: 'scoped', baseline: 'raw', inFlight: 8, operation: () => scoped(write, 'query') },
    { key: 'scoped, commit rides', baseline: 'raw', inFlight: 8, operation: () => scoped(write, 'queryAndCommit') },
    { key: 'raw, reads', inFlight: 8, operation: () => raw(read) },
    { key: 'scoped, reads', baseline: 'raw, reads', inFlight: 8, operation: () => scoped(read, 'query') },
    {
      key: 'scoped, reads, commit rides',
      baseline: 'raw, reads',
      inFlight: 8,
      operation: () => scoped(read, 'queryAndCommit'),
    },
  ]
}
