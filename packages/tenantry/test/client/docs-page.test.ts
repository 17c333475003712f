// The API docs page: what it and its script ask for, by their text and in a real browser.
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type HttpServer, serve } from '../../src/surfaces/http/server.ts'
import { stubTenantry } from '../../src/testing/stub-tenantry.ts'
import { skipUnless } from '../harness/skip.ts'

/** Debian's; another one by TENANTRY_TEST_CHROMIUM. */
const executablePath = process.env['TENANTRY_TEST_CHROMIUM'] ?? '/usr/bin/chromium'

let server: HttpServer

beforeAll(async () => {
  server = await serve(stubTenantry(), { port: 0 })
})

afterAll(() => server.drain({ deadlineMs: 0 }))

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>
}

const read = async (path: string, headers: Record<string, string> = {}) => fetch(new URL(path, server.url), { headers })

describe('the page', () => {
  test('is there for everybody, under a policy that knows this server only', async () => {
    const answer = await read('/docs')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toMatch(/^text\/html/)
    const policy = answer.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self';")
    expect(policy).not.toMatch(/https?:|\*|unsafe-eval|script-src[^;]*unsafe/)
    expect(answer.headers.get('x-frame-options')).toBe('DENY')
  })

  test('names nothing outside, neither a script, a style, a font nor a picture', async () => {
    const html = await (await read('/docs')).text()
    expect(html).not.toMatch(/https?:|\/\/[a-z]/i)
    expect(html).toContain('load-fonts="false"')
    expect(html.match(/(?:src|href|spec-url)="[^"]*"/g)).toEqual([
      'href="data:,"',
      expect.stringMatching(/^src="docs\/rapidoc\.js\?v=[0-9a-f]{32}"$/),
      'spec-url="openapi.json"',
      'href="openapi.json"',
    ])
  })

  test('finds its script under a name that holds for as long as the script does', async () => {
    const html = await (await read('/docs')).text()
    const named = /docs\/rapidoc\.js\?v=[0-9a-f]+/.exec(html)?.[0] ?? ''
    const script = await read(`/${named}`)
    expect(script.headers.get('content-type')).toMatch(/^text\/javascript/)
    expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(await script.text()).not.toContain('sourceMappingURL')
    const etag = script.headers.get('etag') ?? ''
    expect((await read('/docs/rapidoc.js', { 'if-none-match': etag })).status).toBe(304)
    const plain = await read('/docs/rapidoc.js?v=other')
    expect(plain.headers.get('cache-control')).toBe('public, no-cache')
    expect(plain.headers.get('etag')).toBe(etag)
  })
})

describe('in a browser', () => {
  let browser: Browser | undefined
  beforeAll(async () => {
    if (existsSync(executablePath)) browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  })
  afterAll(() => browser?.close())

  test('it shows every operation, without an error and without a request to anybody else', async (context) => {
    skipUnless(context, existsSync(executablePath), `no Chromium at ${executablePath}`)
    const page = await (browser as Browser).newPage()
    const asked: string[] = []
    const complaints: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.goto(`${server.url}/docs`)
    const { paths } = (await (await read('/openapi.json')).json()) as Document
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method}-${path.replaceAll(/[{}]/g, '-')}`),
    )
    const shown = page.locator('.expanded-endpoint-body')
    await shown.nth(operations.length - 1).waitFor({ state: 'attached' })
    const ids = await shown.evaluateAll((elements: { readonly id: string }[]) => elements.map(({ id }) => id))
    expect(ids.toSorted()).toEqual(operations.toSorted())
    expect(complaints).toEqual([])
    const elsewhere = asked.filter((url) => !url.startsWith(`${server.url}/`) && !url.startsWith('data:'))
    expect(elsewhere).toEqual([])
    expect(asked.map((url) => new URL(url).pathname)).toEqual(
      expect.arrayContaining(['/docs', '/docs/rapidoc.js', '/openapi.json']),
    )
  })

  test('it could ask nobody else if it tried', async (context) => {
    skipUnless(context, existsSync(executablePath), `no Chromium at ${executablePath}`)
    const page = await (browser as Browser).newPage()
    await page.goto(`${server.url}/docs`)
    const refusals = await page.evaluate(async () => {
      const realm = globalThis as unknown as { document: EventTarget; fetch: typeof fetch }
      const seen: string[] = []
      realm.document.addEventListener('securitypolicyviolation', (event) => {
        seen.push((event as unknown as { effectiveDirective: string }).effectiveDirective)
      })
      await realm.fetch('http://127.0.0.1:9/').catch(() => undefined)
      await new Promise((resolve) => setTimeout(resolve, 0))
      return seen
    })
    expect(refusals).toEqual(['connect-src'])
  })
})
