// The API docs page and the one script it needs. Both come from this server: the page asks no other.
import { z } from '@hono/zod-openapi'
import type { App } from './app.ts'
import { type DocsScript, readDocsScript } from './docs-script.ts'
import { internalFailure, mount, type Route } from './route.ts'

const tags = ['Operations']

/** Nothing from another origin, and nothing that the page's own markup could be tricked into. Styles are set by script. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const page = (hash: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Tenantry control plane</title>
<link rel="icon" href="data:,">
<script type="module" src="docs/rapidoc.js?v=${hash}"></script>
</head>
<body>
<rapi-doc spec-url="openapi.json" render-style="read" load-fonts="false" show-header="false" allow-spec-url-load="false"
 allow-spec-file-load="false" allow-server-selection="false" persist-auth="false" regular-font="system-ui, sans-serif"
 mono-font="ui-monospace, monospace"></rapi-doc>
<noscript>The description itself is at <a href="openapi.json">openapi.json</a>.</noscript>
</body>
</html>
`

/** Mounts `/docs` and `/docs/rapidoc.js`. */
export function docsRoutes(app: App): void {
  let script: DocsScript | undefined
  const scriptOf = () => (script ??= readDocsScript())
  mountPage(app, scriptOf)
  mountScript(app, scriptOf)
}

function mountPage(app: App, scriptOf: () => DocsScript): void {
  const route: Route = {
    method: 'get',
    path: '/docs',
    operationId: 'getDocs',
    summary: 'This description as a page',
    tags,
    responses: {
      200: { description: 'The page.', content: { 'text/html': { schema: z.string() } } },
      ...internalFailure,
    },
  }
  mount(app, route, (c) => {
    c.header('content-security-policy', POLICY)
    c.header('referrer-policy', 'no-referrer')
    c.header('x-frame-options', 'DENY')
    return c.html(page(scriptOf().hash))
  })
}

function mountScript(app: App, scriptOf: () => DocsScript): void {
  const route: Route = {
    method: 'get',
    path: '/docs/rapidoc.js',
    operationId: 'getDocsScript',
    summary: 'The script of that page',
    tags,
    responses: {
      200: { description: 'The script.', content: { 'text/javascript': { schema: z.string() } } },
      304: { description: 'The version that If-None-Match names is still the current one.' },
      ...internalFailure,
    },
  }
  mount(app, route, (c) => {
    const { hash, body } = scriptOf()
    const etag = `"${hash}"`
    c.header('etag', etag)
    // The page names the script by its hash, so under that name it never changes.
    const named = c.req.query('v') === hash
    c.header('cache-control', named ? 'public, max-age=31536000, immutable' : 'public, no-cache')
    if (c.req.header('if-none-match') === etag) return c.body(null, 304)
    return c.body(body, 200, { 'content-type': 'text/javascript; charset=utf-8' })
  })
}
