// Which file may import which, as dependency-cruiser rules. scripts/layers.mjs runs them and fails when a pattern
// below matches no file, so a rule cannot go stale when the tree is renamed.
const SRC = 'packages/tenantry/src'

/** A folder, or the one file of that name, under src/. */
const inside = (part) => `^${SRC}/${part}(/|[.]ts$)`
/** Any folder or file of a folder, captured as $1. */
const eachIn = (part) => `^${SRC}/${part}/([^/]+)`
/** A third-party package, or its types. */
const library = (name) => `^node_modules/(@types/)?${name}/`

/** What a page loads of the client. */
const clientFiles = `^${SRC}/surfaces/(client/|json-lines[.]ts$)`

const anyIndex = '/index[.]ts$'

// Layers, lowest first: each may import itself and what its list names; nothing else under src/.
const layers = {
  kernel: [],
  'engine/context': ['kernel'],
  'engine/sql': ['kernel', 'engine/context'],
  'engine/isolation': ['kernel', 'engine/context', 'engine/sql'],
  'engine/catalogue': ['kernel', 'engine/sql'],
  embedded: ['kernel', 'engine/sql/pg'],
  control: ['kernel', 'engine'],
  tenants: ['kernel', 'engine', 'control'],
  features: ['kernel', 'engine', 'control', 'tenants'],
  composition: ['kernel', 'engine', 'embedded', 'control', 'tenants', 'features'],
  tenantry: ['kernel', 'engine', 'embedded', 'control', 'tenants', 'features', 'composition'],
  bridges: [
    ...['kernel', 'engine/context', 'engine/sql', 'tenants/tenant', 'tenants/access'],
    ...['features/jobs', 'features/resolution', 'tenantry'],
  ],
  'surfaces/http': ['kernel', 'engine', 'control', 'tenants', 'features', 'tenantry'],
  'surfaces/json-lines': [],
  'surfaces/client': ['surfaces/json-lines'],
  'surfaces/config': ['kernel', 'composition', 'features/resolution'],
  'surfaces/cli': [
    'kernel',
    'engine',
    'embedded',
    'control',
    'tenants',
    'features',
    'composition',
    'tenantry',
    'surfaces/http',
    'surfaces/config',
    'surfaces/json-lines',
  ],
  testing: ['kernel', 'engine', 'embedded', 'tenants', 'features', 'composition', 'tenantry'],
}

// Third-party packages are known to one place; every other file meets them through what that place exports.
const owners = {
  pg: 'engine/sql/pg',
  'pg-copy-streams': 'engine/sql/copy-from',
  uuid: 'kernel/ids',
  hono: 'surfaces/http',
  '@hono': 'surfaces/http',
  'openapi-fetch': 'surfaces/client',
  zod: ['surfaces/http', 'surfaces/config/schema'],
  yaml: ['surfaces/config/config-file', 'surfaces/config/plan-file'],
  jiti: ['surfaces/config/config-file', 'features/migrations/code/load-module'],
  commander: 'surfaces/cli',
  '@clack': 'surfaces/cli',
  knex: 'bridges/knex',
  '@mikro-orm': 'bridges/mikro-orm',
  '@prisma': 'bridges/prisma',
  sequelize: 'bridges/sequelize',
  typeorm: 'bridges/typeorm',
  '@nestjs': 'bridges/nestjs',
  express: 'bridges/express',
  fastify: 'bridges/fastify',
  koa: 'bridges/koa',
  bullmq: 'bridges/bullmq',
  'graphile-worker': 'bridges/graphile-worker',
  'pg-boss': 'bridges/pg-boss',
  jose: 'features/resolution/jwt/jose',
  '@babel/parser': 'features/lint/script/parse-script',
  'libpg-query': 'features/lint/sql/parse-sql',
  '@dagrejs/dagre': 'features/adopt/graph-layout',
}

/** Patterns that may match nothing yet. An entry that has come true fails the check until it is taken off. */
export const planned = []

const rule = (name, from, to) => ({ name, severity: 'error', from, to })

export const forbidden = [
  ...Object.entries(layers).map(([layer, may]) =>
    rule(`layer:${layer}`, { path: inside(layer) }, { path: `^${SRC}/`, pathNot: [layer, ...may].map(inside) }),
  ),
  ...Object.entries(owners).map(([name, owner]) =>
    rule(`owner:${name}`, { path: `^${SRC}/`, pathNot: [owner].flat().map(inside) }, { path: library(name) }),
  ),
  rule(
    'features-do-not-meet',
    { path: eachIn('features') },
    { path: inside('features'), pathNot: `^${SRC}/features/$1` },
  ),
  rule('bridges-do-not-meet', { path: eachIn('bridges') }, { path: inside('bridges'), pathNot: `^${SRC}/bridges/$1` }),
  rule('client-runs-in-browsers', { path: clientFiles }, { dependencyTypes: ['core'] }),
  rule('client-needs-fetch-only', { path: clientFiles }, { path: '^node_modules/', pathNot: library('openapi-fetch') }),
  rule('index-is-an-exit', { path: `^${SRC}/` }, { path: anyIndex }),
  rule('no-value-cycles', {}, { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } }),
]

/** Rules over what is imported statically: a lazy import() is not followed. */
export const staticRules = [
  rule(
    'main-entry-stays-light',
    { path: inside('index') },
    {
      path: ['hono', '@hono', 'zod', 'commander', '@clack', '@babel', 'libpg-query', 'yaml', 'jiti', '@dagrejs'].map(
        library,
      ),
      reachable: true,
    },
  ),
]
