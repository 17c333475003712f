// A PgBouncer of the bench's own in front of its PostgreSQL, in transaction mode.
import { spawn } from 'node:child_process'
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const NOBODY = 65_534

/**
 * @param logins [{ user, password }], each of which it may connect for
 * @returns its port, its process id, and close()
 */
export async function startPgBouncer({ host, port, poolSize, logins }) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tenantry-pgbouncer-'))
  const listening = await freePort()
  const users = path.join(folder, 'users.txt')
  const settings = path.join(folder, 'pgbouncer.ini')
  await writeFile(users, logins.map(({ user, password }) => `"${user}" "${password}"\n`).join(''), { mode: 0o600 })
  await writeFile(
    settings,
    `[databases]
* = host=${host} port=${port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listening}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 200
log_connections = 0
log_disconnections = 0
`,
  )
  await chmod(folder, 0o700)
  const isRoot = process.getuid?.() === 0
  // It refuses to run as root.
  if (isRoot) for (const file of [folder, users, settings]) await chown(file, NOBODY, NOBODY)
  const child = spawn('/usr/sbin/pgbouncer', ['--quiet', settings], {
    stdio: 'ignore',
    ...(isRoot && { uid: NOBODY, gid: NOBODY }),
  })
  const ended = new Promise((resolve, reject) => {
    child.once('exit', resolve)
    child.once('error', reject)
  })
  await Promise.race([untilListening(listening), ended.then(() => Promise.reject(new Error('PgBouncer ended.')))])
  return {
    port: listening,
    pid: child.pid,
    close: async () => {
      child.kill('SIGKILL')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function untilListening(port) {
  for (let tries = 0; tries < 200; tries++) {
    const isUp = await new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (isUp) return
    await delay(25)
  }
  throw new Error('PgBouncer did not start.')
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}
