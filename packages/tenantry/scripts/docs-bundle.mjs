// Copies the one script of the API docs page, and its licences, from the rapidoc package into dist/, so that the page
// needs nothing of another server.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(import.meta.resolve('rapidoc/dist/rapidoc-min.js'))
const source = dirname(dirname(script))
const target = fileURLToPath(new URL('../dist/surfaces/http/rapidoc/', import.meta.url))

const { license } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
if (license !== 'MIT') throw new Error(`rapidoc is ${license} now; look whether it may be shipped.`)
mkdirSync(target, { recursive: true })
copyFileSync(script, join(target, 'rapidoc-min.js'))
copyFileSync(join(source, 'LICENSE.txt'), join(target, 'LICENSE.txt'))
copyFileSync(`${script}.LICENSE.txt`, join(target, 'rapidoc-min.js.LICENSE.txt'))
