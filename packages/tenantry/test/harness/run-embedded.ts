// A program for tests that kill it: starts the embedded server of the folder in its first argument, says where it
// is, and stays. SIGINT is ignored, as in a program that drains first.
import { startEmbedded } from '../../src/embedded/embedded-server.ts'

process.on('SIGINT', () => undefined)
const [dataDir = '', binaries] = process.argv.slice(2)
const server = await startEmbedded({
  dataDir,
  durable: false,
  onProgress: (line) => console.log(`progress ${line}`),
  ...(binaries !== undefined && binaries !== '' && { binaries }),
})
console.log(`ready ${JSON.stringify(server)}`)
process.on('SIGTERM', () => void server.stop().then(() => process.exit(0)))
setInterval(() => undefined, 60_000)
