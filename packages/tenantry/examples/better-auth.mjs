// better-auth, unchanged, for many tenants: users, sessions, second factors and signing keys of one are nothing to another.
// Runs on DATABASE_ADMIN_URL, or else on a PostgreSQL of its own. Exits with 1 when something crosses.
import { mkdtempSync, chmodSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createTenantry } from 'tenantry'
import { openAuth, tables } from './better-auth/auth.mjs'
import { Browser, codeFor } from './better-auth/browser.mjs'
import { serve } from './better-auth/server.mjs'

const migrations = fileURLToPath(new URL('better-auth/migrations', import.meta.url))
const pairs = [
  { isolation: 'row', own: 'acme', other: 'globex' },
  { isolation: 'schema', own: 'initech', other: 'hooli' },
]
const user = { name: 'Ann', email: 'ann@example.com' }
const passwordIn = (tenant) => `the password of Ann at ${tenant}`

function openTenantry() {
  const adminUrl = process.env.DATABASE_ADMIN_URL
  if (adminUrl) {
    const tenantry = createTenantry({ adminUrl, migrations })
    return { tenantry, close: () => tenantry.close() }
  }
  const dataDir = mkdtempSync(join(tmpdir(), 'tenantry-better-auth-'))
  // Passable, so that the unprivileged user that PostgreSQL runs as for root gets through to its files.
  chmodSync(dataDir, 0o711)
  const tenantry = createTenantry({ embedded: { dataDir, durable: false }, migrations })
  const close = async () => {
    await tenantry.close()
    const record = await readFile(join(dataDir, 'embedded.json'), 'utf8').catch(() => '{}')
    for (const folder of [JSON.parse(record).home, dataDir]) {
      if (folder !== undefined) await rm(folder, { recursive: true, force: true })
    }
  }
  return { tenantry, close }
}

let failures = 0
function check(claim, holds) {
  if (!holds) failures += 1
  console.log(`  ${holds ? 'ok    ' : 'FAILED'}  ${claim}`)
}

/** The same address registers in both tenants, and is two users. */
async function users({ tenantry, url, own, other }) {
  const [ann, stranger] = [new Browser(url), new Browser(url)]
  const made = await ann.send(own, 'sign-up/email', { ...user, password: passwordIn(own) })
  const unknown = await stranger.send(other, 'sign-in/email', { ...user, password: passwordIn(own) })
  check(`users: Ann of ${own} is unknown to ${other}`, made.status === 200 && unknown.status === 401)
  const twin = await stranger.send(other, 'sign-up/email', { ...user, password: passwordIn(other) })
  check(`users: ${other} has an Ann of its own`, twin.status === 200 && twin.body.user.id !== made.body.user.id)
  const wrong = await new Browser(url).send(other, 'sign-in/email', { ...user, password: passwordIn(own) })
  check(`users: the password of ${own} is refused in ${other}`, wrong.status === 401)
  const again = await new Browser(url).send(own, 'sign-up/email', { ...user, password: passwordIn(own) })
  check(`users: the address is taken within ${own}`, again.status === 422)
  const { rows } = await tenantry.scope(own).query('select email from "user"')
  check(`users: ${own} stores one user`, rows.length === 1)
  return { ann, twin: stranger, token: made.token }
}

async function sessions({ tenantry, own, other, ann, twin, token, url }) {
  const here = await ann.send(own, 'get-session')
  const there = await ann.copy().send(other, 'get-session')
  check(`sessions: the cookie of ${own} is nobody's in ${other}`, here.body?.user.name === 'Ann' && there.body === null)
  const bearer = () => new Browser(url, { authorization: `Bearer ${token}` })
  const borne = await bearer().send(own, 'get-session')
  const stolen = await bearer().send(other, 'get-session')
  check(
    `sessions: the bearer token of ${own} is nobody's in ${other}`,
    borne.body?.user.name === 'Ann' && stolen.body === null,
  )
  const expiry = async (tenant) =>
    (await tenantry.scope(tenant).query('select max("expiresAt") at from session')).rows[0].at.getTime()
  const before = { own: await expiry(own), other: await expiry(other) }
  await bearer().send(own, 'get-session')
  const isOlder = before.own < (await expiry(own))
  check(
    `sessions: a refresh in ${own} refreshes nothing in ${other}`,
    isOlder && before.other === (await expiry(other)),
  )
  const revoked = await ann.copy().send(other, 'revoke-sessions', {})
  const kept = await twin.send(other, 'get-session')
  check(`sessions: ${own} revokes no session of ${other}`, revoked.status === 401 && kept.body?.user.name === 'Ann')
}

async function secondFactors({ own, other, ann, url }) {
  const enabled = await ann.send(own, 'two-factor/enable', { password: passwordIn(own) })
  const code = () => codeFor(enabled.body.totpURI)
  await ann.send(own, 'two-factor/verify-totp', { code: code() })
  const browser = new Browser(url)
  const asked = await browser.send(own, 'sign-in/email', { ...user, password: passwordIn(own) })
  check(`second factors: ${own} asks Ann for hers`, asked.body.twoFactorRedirect === true)
  const unasked = await new Browser(url).send(other, 'sign-in/email', { ...user, password: passwordIn(other) })
  check(`second factors: ${other} asks its Ann for none`, unasked.status === 200 && !unasked.body.twoFactorRedirect)
  const crossed = await browser.copy().send(other, 'two-factor/verify-totp', { code: code() })
  check(`second factors: the code for ${own} opens nothing in ${other}`, crossed.status === 401)
  const used = await browser.copy().send(other, 'two-factor/verify-backup-code', { code: enabled.body.backupCodes[0] })
  check(`second factors: nor does a backup code`, used.status === 401)
  const entered = await browser.send(own, 'two-factor/verify-totp', { code: code() })
  check(`second factors: the code opens ${own}`, entered.status === 200)
}

async function signingKeys({ own, other, ann }) {
  const { body } = await ann.send(own, 'token')
  const { kid } = JSON.parse(Buffer.from(body.token.split('.')[0], 'base64url').toString())
  const keysOf = async (tenant) => (await ann.copy().send(tenant, 'jwks')).body.keys.map((key) => key.kid)
  const [mine, theirs] = [await keysOf(own), await keysOf(other)]
  check(`keys: ${other} does not know the key that ${own} signs with`, mine.includes(kid) && !theirs.includes(kid))
}

const { tenantry, close } = openTenantry()
try {
  await tenantry.start()
  for (const table of tables) await tenantry.protect(`public."${table}"`)
  const server = await serve(tenantry, openAuth(tenantry.pool))
  for (const { isolation, own, other } of pairs) {
    for (const slug of [own, other]) await tenantry.tenants.create({ name: slug, slug, isolation })
    console.log(`\n${own} and ${other}, ${isolation} tenants`)
    const story = { tenantry, url: server.url, own, other }
    const known = { ...story, ...(await users(story)) }
    await sessions(known)
    await secondFactors(known)
    await signingKeys(known)
  }
  await server.close()
} finally {
  await close()
}
console.log(failures === 0 ? '\nNothing crosses.' : `\n${failures} claims failed.`)
process.exitCode = failures === 0 ? 0 : 1
