// Where the time goes: CPU of the server's backends and of Node.js, from the scheduler's accounts (Linux only).
import { readdir, readFile } from 'node:fs/promises'
import { round } from './report.mjs'

const OPERATIONS = 4_000

/** One line for each of these modes; `statements` says how many an operation sends. */
export async function cpuNotes(modes, keys, statements = 1) {
  const notes = []
  for (const { key, operation, inFlight } of modes.filter((mode) => keys.includes(mode.key))) {
    const operations = OPERATIONS / statements
    const lane = async (count) => {
      for (let at = 0; at < count / inFlight; at++) await operation()
    }
    const lanes = (count) => Promise.all(Array.from({ length: inFlight }, () => lane(count)))
    await lanes(500 / statements)
    const before = await backendNanoseconds()
    if (before === undefined) return ['CPU a statement is read on Linux only.']
    const node = process.cpuUsage()
    await lanes(operations)
    const { user, system } = process.cpuUsage(node)
    const after = await backendNanoseconds()
    const server = [...after].reduce((sum, [pid, time]) => sum + time - (before.get(pid) ?? 0), 0)
    const micros = (value) => round(value / OPERATIONS, 1)
    notes.push(`CPU a statement, ${key}: server ${micros(server / 1000)} µs, Node ${micros(user + system)} µs`)
  }
  return notes
}

/** Nanoseconds of each backend of the bench, by process id; undefined where there is no /proc. */
async function backendNanoseconds() {
  const backends = new Map()
  for (const pid of await readdir('/proc').catch(() => [])) {
    const title = /^\d+$/.test(pid) ? await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') : ''
    if (!/^postgres: .*(bench_plain|tn_[0-9a-f]{8}_login) tenantry 127\.0\.0\.1/.test(title)) continue
    backends.set(pid, Number((await readFile(`/proc/${pid}/schedstat`, 'utf8')).split(' ')[0]))
  }
  return backends.size === 0 ? undefined : backends
}
